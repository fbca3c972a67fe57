import { binomial } from './binomial.js';
import type { Family, FamilyName } from './family.js';
import { gaussian } from './gaussian.js';
import { poisson } from './poisson.js';

/** The families of scalar targets, by name. */
export const FAMILIES: Readonly<Record<FamilyName, Family>> = { gaussian, binomial, poisson };
