import type { CrossValidation } from '../paths/cross-validate.js';
import type { RegularizationPath } from '../paths/path.js';
import type { ChosenModel } from '../paths/selection/choose.js';
import type { PenaltyShape } from '../paths/selection/penalized.js';
import type { NamedCoefficients } from '../tuning/path-data.js';
import type { NestedScore, PathIntervals } from '../tuning/path-inference.js';
import type { RunResult } from '../tuning/run-result.js';

/** Everything the page of one `path` command shows. */
export interface PathReportInput {
  readonly title: string;
  readonly createdAt: Date;
  readonly command: string;
  readonly spec: string;
  readonly runId: string;
  readonly primary: string;
  /** Name of the target; of several, of the first. */
  readonly target: string;
  readonly dataset: { readonly name: string; readonly version: string; readonly rows: number };
  /** Names of the path's columns. */
  readonly features: readonly string[];
  readonly path: RegularizationPath;
  readonly cv: CrossValidation;
  readonly chosen: ChosenModel;
  readonly shape?: PenaltyShape | undefined;
  readonly intervals?: PathIntervals | undefined;
  readonly nested?: NestedScore | undefined;
  /** Of the chosen model, in the units of the raw columns. */
  readonly named: NamedCoefficients;
  readonly result: RunResult;
}
