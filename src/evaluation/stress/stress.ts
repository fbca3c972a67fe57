import type { Column, Table } from '../../data/table.js';
import { BallastError } from '../../errors.js';
import { derive } from '../../numeric/random.js';
import type { Figure } from '../figure.js';
import type { PredictionInput } from '../input.js';
import { findMetric } from '../metrics/index.js';
import { comparePaired } from '../paired.js';
import { blur, brightness, contrast, imageNoise, signalNoise } from './arrays.js';
import { clipping, missingCategories, missingNumbers, noise, swappedCategories, typos, unit } from './columns.js';
import type { Corruption } from './corruption.js';
import { mixPredictions } from './mix-predictions.js';

export const CORRUPTIONS: readonly Corruption[] = [
  noise,
  unit,
  clipping,
  missingNumbers,
  missingCategories,
  swappedCategories,
  typos,
  imageNoise,
  blur,
  contrast,
  brightness,
  signalNoise,
];

/** What one corruption at one severity costs. */
export interface StressResult {
  readonly corruption: string;
  /** 1 .. 5. */
  readonly severity: number;
  readonly amount: number;
  /** The metric on corrupted rows. */
  readonly value: number;
  /** Quality lost against the same rows as they are, paired; above 0 is worse. */
  readonly lost: Figure;
}

export interface StressReport {
  readonly metric: string;
  readonly rows: number;
  /** The metric on the rows as they are. */
  readonly clean: number;
  readonly results: readonly StressResult[];
  /** Mean loss of each corruption over its severities, the largest first. */
  readonly worst: readonly { readonly corruption: string; readonly lost: number }[];
}

/** A stress test with the answers that a ledger is made of. */
export interface StressTest {
  readonly report: StressReport;
  /** Answers to the rows as they are. */
  readonly clean: PredictionInput;
  /** Answers to rows that went wrong each in one way, drawn at random, at severity {@link MIXED_SEVERITY}. */
  readonly mixed: PredictionInput;
}

/** The middle one. */
const MIXED_SEVERITY = 3;

export interface StressOptions {
  readonly metric: string;
  /** Columns that a model looks at: the others stay as they are. */
  readonly features: readonly string[];
  readonly seed: number;
  /** Told before each scoring. */
  readonly tell?: (corruption: string, severity: number) => void;
}

/**
 * How a model bears data that goes wrong: every corruption that its columns can have, at five severities, each against the
 * clean rows. Corruptions act on raw columns, in front of the model's own preprocessing.
 *
 * @param table the rows to stress, and no others
 * @param score what the model answers to a table of these rows
 * @throws BallastError STRESS_NOTHING where no column can go wrong in a known way
 */
export async function stressTest(
  table: Table,
  score: (table: Table) => Promise<PredictionInput>,
  { metric, features, seed, tell }: StressOptions,
): Promise<StressTest> {
  const wanted = new Set(features);
  const applicable = corruptionsOf(table, features);
  const clean = await score(table);
  const sign = findMetric(metric).metric.direction === 'higher' ? 1 : -1;
  const results: StressResult[] = [];
  const middle: PredictionInput[] = [];
  let before = Number.NaN;
  for (const corruption of applicable) {
    for (const [index, amount] of corruption.amounts.entries()) {
      tell?.(corruption.name, index + 1);
      const answers = await score(corrupted(table, corruption, { amount, wanted, seed }));
      if (index + 1 === MIXED_SEVERITY) middle.push(answers);
      const compared = comparePaired({ metric, first: clean, second: answers, seed });
      if ('reason' in compared) {
        throw new BallastError(`${metric} has no value on corrupted rows: ${compared.reason}`, {
          code: 'METRIC_UNDEFINED',
          place: '--stress',
          remedy: 'Stress more rows, or choose another primary metric',
        });
      }
      before = compared.first;
      const { value, interval, method } = compared.difference;
      const lost = sign === 1 ? { value, interval, method } : { value: -value, interval: flipped(interval), method };
      results.push({ corruption: corruption.name, severity: index + 1, amount, value: compared.second, lost });
    }
  }
  const worst = applicable
    .map(({ name }) => {
      const own = results.filter(({ corruption }) => corruption === name);
      return { corruption: name, lost: own.reduce((sum, { lost }) => sum + lost.value, 0) / own.length };
    })
    .sort((a, b) => b.lost - a.lost);
  const random = derive(seed, 'stress', 'mixed');
  const choice = Int32Array.from({ length: table.rows }, () => Math.floor(random.uniform() * middle.length));
  const report = { metric, rows: table.rows, clean: before, results, worst };
  return { report, clean, mixed: mixPredictions(middle, choice) };
}

/** The corruptions that some of these columns can have. @throws BallastError STRESS_NOTHING where there is none */
export function corruptionsOf(table: Pick<Table, 'columns'>, features: readonly string[]): readonly Corruption[] {
  const wanted = new Set(features);
  const applicable = CORRUPTIONS.filter((corruption) =>
    table.columns.some((column) => wanted.has(column.name) && corruption.appliesTo(column)),
  );
  if (applicable.length > 0) return applicable;
  throw new BallastError('no column of the data can be corrupted in a known way', {
    code: 'STRESS_NOTHING',
    place: '--stress',
    remedy: `Corruptions: ${CORRUPTIONS.map(({ name }) => name).join(', ')}`,
  });
}

/** Every wanted column gone wrong in one way, each by a stream of its own. */
function corrupted(
  table: Table,
  corruption: Corruption,
  { amount, wanted, seed }: { amount: number; wanted: ReadonlySet<string>; seed: number },
): Table {
  const columns = table.columns.map(
    (column): Column =>
      wanted.has(column.name) && corruption.appliesTo(column)
        ? corruption.corrupt(column, amount, derive(seed, 'stress', corruption.name, column.name))
        : column,
  );
  return { ...table, columns };
}

const flipped = ([low, high]: Figure['interval']): Figure['interval'] => [-high, -low];
