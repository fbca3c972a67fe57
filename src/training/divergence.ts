import type { Finding } from '../regularizers/finding.js';
import type { EpochRecord } from './events.js';
import type { TrainingState } from './program.js';

/** What showed it: a loss that is no finite number, or outputs that are none after an epoch of finite losses. */
export type Symptom = { readonly loss: number } | 'outputs';

/** Says where a loss stopped being a number and what most likely made it so. */
export function explainDivergence(at: {
  /** State before the step whose loss failed, or after the epoch whose outputs did. */
  readonly state: TrainingState;
  readonly symptom: Symptom;
  readonly step: number;
  readonly epoch: number;
  readonly learningRate: number;
  readonly history: readonly EpochRecord[];
}): Finding {
  let largest = { name: '', value: 0 };
  let broken: string | undefined;
  for (const [name, values] of at.state.weights()) {
    for (const value of values) {
      if (!Number.isFinite(value)) broken ??= name;
      if (Math.abs(value) > largest.value) largest = { name, value: Math.abs(value) };
    }
  }
  const what = at.symptom === 'outputs' ? 'the outputs were no longer finite' : `the loss became ${at.symptom.loss}`;
  const where = `${what} at step ${at.step} (epoch ${at.epoch}, learning rate ${at.learningRate})`;
  const cause =
    at.step === 1 && at.symptom !== 'outputs'
      ? 'already at the first step: an input, target or row weight is not finite or is huge'
      : broken !== undefined
        ? `weights of "${broken}" had already overflowed`
        : largest.value > 1e3
          ? `weights had grown to ${largest.value.toExponential(1)} in "${largest.name}"`
          : 'weights were still small: a single batch is extreme';
  return {
    code: 'TRAINING_DIVERGED',
    severity: 'warning',
    message: `${where}; ${cause}`,
    remedy:
      at.step === 1 && at.symptom !== 'outputs'
        ? 'Run ballast data check on the source'
        : 'Lower training.optimizer.learningRate, set training.gradientClip: 1, or add a warm-up',
  };
}
