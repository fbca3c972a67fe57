import type { Model } from '../../graph/model.js';
import type { Machine } from '../measure/bench.js';
import type { Figures } from './figures.js';
import type { Ends } from './shown.js';

/** Metadata entry with the certificate, JSON. */
export const CERTIFICATE_KEY = 'ballast.certificate';

/** What is promised of a compressed model, where, and on what rows it was found. */
export interface Certificate {
  readonly candidate: string;
  readonly steps: readonly string[];
  /** Figures of the model and of the original; quality with 95 % intervals. */
  readonly figures: Figures;
  readonly baseline: Pick<Figures, 'quality' | 'ece' | 'worstClass' | 'bytes'>;
  /** Limits of what was estimated, by the names of constraints: 95 %, one-sided, for all candidates together. */
  readonly ends: Ends;
  readonly machine: Machine;
  /** Version of the rows' content, and how many the figures are of. */
  readonly data: { readonly version: string; readonly rows: number };
  readonly primary: string;
  /** How many candidates were judged on these rows: the best of many looks a little better than it is. */
  readonly candidates: number;
  readonly made: string;
}

/** A model with its certificate in the metadata; what stood there stays. */
export function certified(model: Model, certificate: Certificate): Model {
  return { ...model, metadata: new Map([...model.metadata, [CERTIFICATE_KEY, JSON.stringify(certificate)]]) };
}
