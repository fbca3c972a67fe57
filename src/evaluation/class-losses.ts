import type { Figure } from './figure.js';
import type { PredictionInput } from './input.js';
import { bonettPrice } from './paired.js';
import { type ClassificationSample, prepareSample } from './sample.js';

/** What one class lost. */
export interface ClassLoss {
  readonly class: string;
  readonly rows: number;
  /** A rate before minus the rate after, row by row. The intervals of all classes hold together. */
  readonly lost: Figure;
}

/** Fewer rows of a class say nothing of it. */
const FEWEST_ROWS = 5;

/**
 * What each class lost of its recall between two answers to the same rows: above 0 is a loss. By the interval of Bonett and
 * Price at a level shared out over the classes (Bonferroni).
 *
 * @returns nothing of a regression
 */
export function lossByClass(before: PredictionInput, after: PredictionInput, level = 0.95): ClassLoss[] {
  return byClass(before, after, level, {
    classes: ({ classes }) => classes.map((_, code) => code),
    of: (target, code) => target === code,
  }).map(({ class: name, rows, lost }) => ({ class: name, rows, lost }));
}

/** What became of one class's false positives. */
export interface FalsePositives extends ClassLoss {
  /** Share of the rows of other classes that the first answers give to this one. */
  readonly before: number;
}

/**
 * By how much the false-positive rate of each class fell between two answers to the same rows: above 0 means fewer after. Of
 * two classes only the positive one is judged. The intervals are those of `lossByClass`.
 *
 * @returns nothing of a regression
 */
export function falsePositivesByClass(before: PredictionInput, after: PredictionInput, level = 0.95): FalsePositives[] {
  return byClass(before, after, level, {
    classes: ({ classes, positive }) => (classes.length === 2 ? [positive] : classes.map((_, code) => code)),
    of: (target, code) => target !== code,
  });
}

/** Per class the share of its rows that are answered with it, before minus after. */
function byClass(
  before: PredictionInput,
  after: PredictionInput,
  level: number,
  which: {
    readonly classes: (sample: ClassificationSample) => readonly number[];
    /** The rows that a class's rate is a share of. */
    readonly of: (target: number, code: number) => boolean;
  },
): FalsePositives[] {
  const [first, second] = [prepareSample(before), prepareSample(after)];
  if (first.task !== 'classification' || second.task !== 'classification') return [];
  const counted = which.classes(first).flatMap((code) => {
    const count = { code, rows: 0, hits: 0, onlyFirst: 0, onlySecond: 0 };
    for (let row = 0; row < first.rows; row++) {
      if (!which.of(first.target[row], code)) continue;
      const [then, now] = [first.predicted[row] === code, second.predicted[row] === code];
      count.rows++;
      if (then) count.hits++;
      if (then && !now) count.onlyFirst++;
      if (now && !then) count.onlySecond++;
    }
    return count.rows < FEWEST_ROWS ? [] : [count];
  });
  const each = 1 - (1 - level) / Math.max(1, counted.length);
  return counted.map(({ code, rows, hits, ...discordant }) => ({
    class: first.classes[code],
    rows,
    before: hits / rows,
    lost: bonettPrice(discordant, rows, each),
  }));
}
