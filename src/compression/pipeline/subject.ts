import type { Model } from '../../graph/model.js';
import type { Examples, Pictures } from '../examples.js';
import type { Feeds } from '../measure/feeds.js';

/** A model that is to be compressed, with rows: what a pipeline works on. */
export interface Subject {
  /** The network alone, clean and of Ballast's opset; what encodes raw columns stands before it. */
  readonly network: Model;
  /** Rows as the network takes them. */
  readonly examples: Examples | Pictures;
  readonly rows: Parts;
  /** Metric that quality is measured by. */
  readonly primary: string;
  readonly seed: number;
  /** The model as it is delivered, with a network in the place of its own. */
  deploy(network: Model): Model;
  /** One request to the delivered model. */
  readonly request: Feeds;
  /** Where the model came from, its size in bytes and its hash. */
  readonly source: { readonly path: string; readonly bytes: number; readonly sha256: string };
  /** What names the rows: their content's version. */
  readonly dataVersion: string;
}

/** No row is in two. */
export interface Parts {
  /** Calibration, gradients, training. */
  readonly fit: Uint32Array;
  /** Which epoch is kept; the temperature. */
  readonly tune: Uint32Array;
  /** What every candidate is judged on. */
  readonly judge: Uint32Array;
}
