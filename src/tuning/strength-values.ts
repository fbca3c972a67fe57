import type { Examples } from '../data/preprocess/preprocessor.js';
import type { PreparedData } from '../spec/prepare.js';
import type { Spec } from '../spec/schema.js';
import { predictionsOf } from './judge.js';

/** Predictions and targets as numbers that may be averaged: probabilities of classes, or the target's own scale. */
export interface ComparedValues {
  /** Row-major, `width` a row. */
  readonly predicted: Float64Array;
  readonly target: Float64Array;
  readonly width: number;
}

/** What outputs of a network predict, and what was so, in the same terms. */
export function predictedValues(
  spec: Pick<Spec, 'task'>,
  data: Pick<PreparedData, 'preprocessor'>,
  examples: Examples,
  positions: Int32Array,
  outputs: Float32Array,
): ComparedValues {
  const input = predictionsOf(spec, data, examples, positions, outputs);
  if (input.task !== 'classification') {
    return { predicted: Float64Array.from(outputs, unscaled(data)), target: Float64Array.from(input.target), width: 1 };
  }
  const width = data.preprocessor.classes?.length ?? 1;
  const predicted = new Float64Array(positions.length * width);
  const target = new Float64Array(positions.length * width);
  for (let row = 0; row < positions.length; row++) {
    const scores = outputs.subarray(row * width, (row + 1) * width);
    const largest = Math.max(...scores);
    const odds = Array.from(scores, (score) => Math.exp(score - largest));
    const sum = odds.reduce((total, value) => total + value, 0);
    odds.forEach((value, k) => {
      predicted[row * width + k] = value / sum;
    });
    target[row * width + input.target[row]] = 1;
  }
  return { predicted, target, width };
}

function unscaled({ preprocessor }: Pick<PreparedData, 'preprocessor'>): (value: number) => number {
  const { mean, scale } = preprocessor.targetScaling ?? { mean: 0, scale: 1 };
  return (value) => value * scale + mean;
}
