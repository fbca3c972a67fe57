import { binomial } from './binomial.js';
import { cox } from './cox.js';
import type { Family, FamilyName, FamilySettings } from './family.js';
import { gaussian } from './gaussian.js';
import { huber } from './huber.js';
import { poisson } from './poisson.js';

const PLAIN: Readonly<Record<Exclude<FamilyName, 'huber'>, Family>> = { gaussian, binomial, poisson, cox };

/** The loss of that name. */
export function familyOf({ family, delta }: FamilySettings): Family {
  return family === 'huber' ? huber(delta ?? Number.NaN) : PLAIN[family];
}
