import type { FamilySettings } from './families/family.js';
import { usualDelta } from './families/huber.js';
import type { PathData, PathOptions } from './problem.js';

/** What acts where nothing else is said. */
export function settingsOf(
  { family, delta, quantile, outputs, grouped }: PathOptions,
  { target, weights, features: { rows } }: PathData,
): FamilySettings {
  switch (family) {
    case 'huber':
      return { family, delta: delta ?? usualDelta(target, normalised(weights, target.length)) };
    case 'quantile':
      return { family, quantile: quantile ?? 0.5 };
    case 'multinomial':
      return { family, outputs: outputs ?? classesIn(target), grouped: grouped === true };
    case 'mgaussian':
      return { family, outputs: target.length / rows, grouped: true };
    default:
      return { family };
  }
}

const classesIn = (codes: Float64Array): number => codes.reduce((most, code) => Math.max(most, code), 0) + 1;

/** Weights of sum 1; alike where none are given. */
export function normalised(weights: Float64Array | undefined, n: number): Float64Array {
  if (weights === undefined) return new Float64Array(n).fill(1 / n);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
