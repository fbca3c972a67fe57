import type { EpochRecord, Finding } from './events.js';
import type { TrainingState } from './program.js';

/** Says where a loss stopped being a number and what most likely made it so. */
export function explainDivergence(at: {
  /** State before the step that failed. */
  readonly state: TrainingState;
  readonly loss: number;
  readonly step: number;
  readonly epoch: number;
  readonly learningRate: number;
  readonly history: readonly EpochRecord[];
}): Finding {
  let largest = { name: '', value: 0 };
  let broken: string | undefined;
  for (const name of at.state.names) {
    if (!name.startsWith('parameter.')) continue;
    for (const value of at.state.array(name)) {
      if (!Number.isFinite(value)) broken ??= name.slice('parameter.'.length);
      if (Math.abs(value) > largest.value) largest = { name: name.slice('parameter.'.length), value: Math.abs(value) };
    }
  }
  const where = `the loss became ${at.loss} at step ${at.step} (epoch ${at.epoch}, learning rate ${at.learningRate})`;
  const cause =
    at.step === 1
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
      at.step === 1
        ? 'Run ballast data check on the source'
        : 'Lower training.optimizer.learningRate, set training.gradientClip: 1, or add a warm-up',
  };
}
