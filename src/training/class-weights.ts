import { BallastError } from '../errors.js';
import type { TrainingOptions } from './options.js';
import type { TrainingData } from './problem.js';

/**
 * Weight of each class in the loss, or undefined for none. `balanced` is rows / (classes * rows of the class), as
 * scikit-learn's class_weight="balanced".
 */
export function classWeightsOf(
  setting: TrainingOptions['classWeights'],
  classes: readonly string[],
  { target, train }: Pick<TrainingData, 'target' | 'train'>,
): number[] | undefined {
  if (setting === 'none') return undefined;
  if (classes.length === 0) {
    throw new BallastError('class weights need classes, and the task is regression', {
      code: 'CLASS_WEIGHTS_NEED_CLASSES',
      place: 'training.classWeights',
    });
  }
  if (setting === 'balanced') {
    const counts = new Array<number>(classes.length).fill(0);
    for (const row of train) counts[Number(target.data[row])]++;
    return counts.map((count) => train.length / (classes.length * Math.max(1, count)));
  }
  const unknown = Object.keys(setting).find((name) => !classes.includes(name));
  if (unknown !== undefined) {
    throw new BallastError(`there is no class "${unknown}"`, {
      code: 'CLASS_WEIGHTS_UNKNOWN_CLASS',
      place: `training.classWeights.${unknown}`,
      remedy: `Classes are ${classes.join(', ')}`,
    });
  }
  return classes.map((name) => setting[name] ?? 1);
}
