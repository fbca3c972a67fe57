import type { Figure } from './figure.js';
import type { PredictionInput } from './input.js';
import { bonettPrice } from './paired.js';
import { prepareSample } from './sample.js';

/** What the rows of one class lost. */
export interface ClassLoss {
  readonly class: string;
  readonly rows: number;
  /** Recall before minus recall after, row by row: above 0 is a loss. The intervals of all classes hold together. */
  readonly lost: Figure;
}

/** Fewer rows of a class say nothing of it. */
const FEWEST_ROWS = 5;

/**
 * What each class lost between two answers to the same rows, by the interval of Bonett and Price at a level shared out over
 * the classes (Bonferroni).
 *
 * @returns nothing of a regression
 */
export function lossByClass(before: PredictionInput, after: PredictionInput, level = 0.95): ClassLoss[] {
  const [first, second] = [prepareSample(before), prepareSample(after)];
  if (first.task !== 'classification' || second.task !== 'classification') return [];
  const counts = first.classes.map(() => ({ rows: 0, onlyFirst: 0, onlySecond: 0 }));
  for (let row = 0; row < first.rows; row++) {
    const code = first.target[row];
    const count = counts[code];
    const [then, now] = [first.predicted[row] === code, second.predicted[row] === code];
    count.rows++;
    if (then && !now) count.onlyFirst++;
    if (now && !then) count.onlySecond++;
  }
  const told = counts.flatMap((count, code) =>
    count.rows < FEWEST_ROWS ? [] : [{ ...count, name: first.classes[code] }],
  );
  const each = 1 - (1 - level) / Math.max(1, told.length);
  return told.map(({ name, rows, ...discordant }) => ({
    class: name,
    rows,
    lost: bonettPrice(discordant, rows, each),
  }));
}
