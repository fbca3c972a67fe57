import { F1, FALSE_NEGATIVE_RATE, FALSE_POSITIVE_RATE, PRECISION, RECALL } from '../class-rates.js';
import { type ClassRate, classRateMetric, macroRateMetric } from '../confusion.js';
import type { ClassificationMetric, Measurement } from '../metric.js';
import { share } from '../row-mean.js';
import type { ClassificationSample } from '../sample.js';

/** Which rows a rate is a share of, and which of them are hits, for class k. */
interface RowShare {
  readonly of: (sample: ClassificationSample, k: number) => (row: number) => boolean;
  readonly hit: (sample: ClassificationSample, k: number) => (row: number) => boolean;
}

/** A rate of class k against all others: Wilson where it is a share of rows. */
export function classRate(sample: ClassificationSample, rate: RateDefinition, k: number): Measurement {
  const { rowShare } = rate;
  if (rowShare !== undefined) {
    return (
      share(sample.rows, sample.weights, rowShare.of(sample, k), rowShare.hit(sample, k)) ?? {
        reason: rate.undefinedWhen,
      }
    );
  }
  const measured = classRateMetric(sample, rate.rate, k);
  return Number.isNaN(measured.value) ? { reason: rate.undefinedWhen } : { ...measured, scale: 'logit' };
}

/** A rate of the confusion matrix, per class or averaged. */
export interface RateDefinition {
  readonly name: 'precision' | 'recall' | 'f1' | 'fnr' | 'fpr';
  readonly rate: ClassRate;
  readonly rowShare?: RowShare;
  readonly undefinedWhen: string;
}

const isPredicted =
  ({ predicted }: ClassificationSample, k: number) =>
  (row: number): boolean =>
    predicted[row] === k;
const isActual =
  ({ target }: ClassificationSample, k: number) =>
  (row: number): boolean =>
    target[row] === k;
const isNotPredicted =
  ({ predicted }: ClassificationSample, k: number) =>
  (row: number): boolean =>
    predicted[row] !== k;
const isNotActual =
  ({ target }: ClassificationSample, k: number) =>
  (row: number): boolean =>
    target[row] !== k;

const NEVER = 'the class does not occur among the targets';

/** All rates, in the order of reports. */
export const RATES: readonly RateDefinition[] = [
  {
    name: 'precision',
    rate: PRECISION,
    rowShare: { of: isPredicted, hit: isActual },
    undefinedWhen: 'the class is never predicted',
  },
  { name: 'recall', rate: RECALL, rowShare: { of: isActual, hit: isPredicted }, undefinedWhen: NEVER },
  { name: 'f1', rate: F1, undefinedWhen: 'the class occurs neither among targets nor predictions' },
  { name: 'fnr', rate: FALSE_NEGATIVE_RATE, rowShare: { of: isActual, hit: isNotPredicted }, undefinedWhen: NEVER },
  {
    name: 'fpr',
    rate: FALSE_POSITIVE_RATE,
    rowShare: { of: isNotActual, hit: isPredicted },
    undefinedWhen: 'no row is of another class',
  },
];

function rateMetric(
  name: RateDefinition['name'],
  title: string,
  direction: 'higher' | 'lower',
  interval: string,
  description: string,
): ClassificationMetric {
  const rate = RATES.find((candidate) => candidate.name === name)!;
  return {
    name,
    title,
    task: 'classification',
    direction,
    range: [0, 1],
    perRow: false,
    standard: true,
    interval,
    description: `${description} Two classes: of the positive one. More: the plain mean over the classes that occur, 0 / 0 as 0.`,
    measure: (sample) =>
      sample.classes.length === 2
        ? classRate(sample, rate, sample.positive)
        : { ...macroRateMetric(sample, rate.rate), scale: 'logit' },
  };
}

const SHARE = 'Wilson; averaged over classes: BCa bootstrap, logit normal for many rows';

export const precision = rateMetric(
  'precision',
  'Precision',
  'higher',
  SHARE,
  'Share of rows predicted as the class that are of it.',
);
export const recall = rateMetric(
  'recall',
  'Recall',
  'higher',
  SHARE,
  'Share of the rows of the class that are predicted as it.',
);
export const f1 = rateMetric(
  'f1',
  'F1',
  'higher',
  'BCa bootstrap; logit normal for many rows',
  'Harmonic mean of precision and recall.',
);
export const fnr = rateMetric(
  'fnr',
  'False negative rate',
  'lower',
  SHARE,
  'Share of the rows of the class that are missed.',
);
export const fpr = rateMetric(
  'fpr',
  'False positive rate',
  'lower',
  SHARE,
  'Share of the rows of other classes that are predicted as it.',
);
