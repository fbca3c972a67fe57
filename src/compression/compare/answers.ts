import type { PredictionInput } from '../../evaluation/input.js';
import { type ClassificationSample, prepareSample, type Sample } from '../../evaluation/sample.js';

/** What became of one class from one model to another. */
export interface ClassDelta {
  readonly class: string;
  readonly rows: number;
  readonly recall: readonly [first: number, second: number];
  /** Recall that the second has more. */
  readonly delta: number;
}

/** A row that two models answer differently. */
export interface ChangedRow {
  /** From 0. */
  readonly row: number;
  readonly target: string | number;
  readonly answers: readonly [first: string | number, second: string | number];
  /** Total variation between both models' probabilities, or the absolute difference of numbers. */
  readonly change: number;
}

export interface AnswerComparison {
  /** Those that lost most first; none for regression. */
  readonly perClass: readonly ClassDelta[];
  /** Those that changed most first. */
  readonly changed: readonly ChangedRow[];
  /** Share of the rows that are answered alike; null for regression. */
  readonly agreement: number | null;
}

/** Compares what two models answer to the same rows: class by class, and the rows that changed most. */
export function compareAnswers(first: PredictionInput, second: PredictionInput, most = 10): AnswerComparison {
  const [a, b] = [prepareSample(first), prepareSample(second)];
  const changed = changedRows(a, b)
    .sort((x, y) => y.change - x.change)
    .slice(0, most);
  if (a.task !== 'classification' || b.task !== 'classification') return { perClass: [], changed, agreement: null };
  let alike = 0;
  a.predicted.forEach((code, row) => {
    if (code === b.predicted[row]) alike++;
  });
  const perClass = classDeltas(a, b).sort((x, y) => x.delta - y.delta);
  return { perClass, changed, agreement: alike / a.target.length };
}

function classDeltas(a: ClassificationSample, b: ClassificationSample): ClassDelta[] {
  const counts = a.classes.map(() => ({ rows: 0, first: 0, second: 0 }));
  a.target.forEach((code, row) => {
    const count = counts[code];
    count.rows++;
    if (a.predicted[row] === code) count.first++;
    if (b.predicted[row] === code) count.second++;
  });
  return counts.flatMap(({ rows, first, second }, code) =>
    rows === 0
      ? []
      : [
          {
            class: a.classes[code],
            rows,
            recall: [first / rows, second / rows] as const,
            delta: (second - first) / rows,
          },
        ],
  );
}

function changedRows(a: Sample, b: Sample): ChangedRow[] {
  if (a.task !== 'classification' || b.task !== 'classification') {
    return Array.from(a.predicted, (value, row) => {
      const answers = [value, b.predicted[row]] as const;
      return { row, target: a.target[row], answers, change: Math.abs(value - answers[1]) };
    });
  }
  const { classes } = a;
  return Array.from(a.target, (code, row) => ({
    row,
    target: classes[code],
    answers: [classes[a.predicted[row]], classes[b.predicted[row]]] as const,
    change: variation(a, b, row),
  }));
}

function variation(a: ClassificationSample, b: ClassificationSample, row: number): number {
  if (a.probabilities === undefined || b.probabilities === undefined) {
    return a.predicted[row] === b.predicted[row] ? 0 : 1;
  }
  const width = a.classes.length;
  let sum = 0;
  for (let k = 0; k < width; k++) {
    sum += Math.abs(a.probabilities[row * width + k] - b.probabilities[row * width + k]);
  }
  return sum / 2;
}
