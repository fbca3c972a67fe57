import type { RunRole } from '../store/types.js';
import type { TrainingEvent } from '../training/events.js';

/** What an experiment tells its audience while it works. */
export type ExperimentEvent =
  | {
      readonly type: 'data';
      readonly name: string;
      readonly version: string;
      readonly rows: PartRows;
      /** Numbers a row that the network takes. */
      readonly inputs: number;
    }
  | { readonly type: 'warning'; readonly code: string; readonly message: string; readonly remedy: string }
  | {
      readonly type: 'run';
      /** Id of the experiment. */
      readonly experiment: string;
      readonly runId: string;
      readonly role: RunRole;
      readonly label: string;
      readonly index: number;
      readonly count: number;
    }
  | { readonly type: 'training'; readonly runId: string; readonly role: RunRole; readonly event: TrainingEvent }
  | { readonly type: 'run-ended'; readonly runId: string; readonly role: RunRole; readonly outcome: string };

export interface PartRows {
  readonly train: number;
  readonly validation: number;
  readonly holdout: number;
}
