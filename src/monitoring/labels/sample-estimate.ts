import { type Interval, wilsonInterval } from '../../numeric/index.js';
import type { StoredLabelSample } from '../../store/index.js';
import { isRight } from '../../store/index.js';

/** What a sample says of all the predictions it was drawn from. */
export interface SampleEstimate {
  readonly sample: number;
  /** When it was drawn, ms since the epoch. */
  readonly at: number;
  readonly method: string;
  readonly population: number;
  readonly drawn: number;
  readonly labelled: number;
  /** Share of right answers in the population; null while fewer than 2 are labelled, or where answers are numbers. */
  readonly accuracy: { readonly value: number; readonly interval: Interval } | null;
}

const LEVEL = 0.95;

/**
 * The accuracy of a population from a sample drawn with unequal probabilities: each row counts for 1 / its probability. It is unbiased as far as labels are missing by chance.
 */
export function estimateOfSample({ sample, at, method, population, rows }: StoredLabelSample): SampleEstimate {
  const judged = rows.flatMap(({ probability, observation }) =>
    observation?.label === undefined ||
    observation.prediction === undefined ||
    (typeof observation.prediction === 'number' && observation.scores === undefined)
      ? []
      : [
          {
            weight: 1 / probability,
            probability,
            right: isRight(observation.prediction, observation.label.value) ? 1 : 0,
          },
        ],
  );
  const told = { sample, at, method, population, drawn: rows.length };
  const labelled = rows.filter(({ observation }) => observation?.label !== undefined).length;
  return { ...told, labelled, accuracy: judged.length < 2 ? null : weightedShare(judged) };
}

/**
 * Hajek's estimate of a share. Its interval is Wilson's with the rows that weigh as much: the fewer of Kish's (1965) and those that the
 * linearized variance stands for (Korn and Graubard 1998).
 */
export function weightedShare(
  rows: readonly { readonly weight: number; readonly probability: number; readonly right: number }[],
): { value: number; interval: Interval } {
  const total = rows.reduce((sum, { weight }) => sum + weight, 0);
  const value = rows.reduce((sum, { weight, right }) => sum + weight * right, 0) / total;
  const squares = rows.reduce((sum, { weight }) => sum + weight * weight, 0);
  const variance =
    ((rows.length / (rows.length - 1)) *
      rows.reduce(
        (sum, { weight, probability, right }) => sum + (1 - probability) * (weight * (right - value)) ** 2,
        0,
      )) /
    (total * total);
  const kish = (total * total) / squares;
  const worth = variance > 0 ? Math.min(kish, (value * (1 - value)) / variance) : kish;
  return { value, interval: wilsonInterval(value * worth, worth, LEVEL) };
}
