/**
 * Metrics whose unit is not one answer: a query with its documents, an utterance, an image with its objects, a document of
 * many tokens. Units are drawn whole in every resample, so that the answers within one may depend on each other.
 */
import { BallastError } from '../../errors.js';
import { type Estimand, estimate, type ResolvedIntervals } from '../estimate.js';
import type { Figure } from '../figure.js';
import { isMeasured, type Measured, type Measurement } from '../metric.js';

export type UnitTask = 'ranking' | 'speech' | 'detection' | 'language-model';

/** One metric of units; `measure` is a function of how often each unit counts. */
export interface UnitMetric<Sample> {
  /** The JSON name. Parametric metrics are asked for as `name@parameter`. */
  readonly name: string;
  readonly title: string;
  readonly direction: 'higher' | 'lower';
  readonly range: readonly [number, number];
  /** Parameters computed when nothing else is asked for; NaN for a metric that has none. Empty: only when asked for. */
  readonly standard: readonly number[];
  /** Formula and reference. */
  readonly description: string;
  readonly measure: (sample: Sample, parameter: number) => Measurement;
}

/** Everything measured on one set of units; plain JSON. */
export interface UnitEvaluation {
  readonly task: UnitTask;
  /** What is drawn whole in a resample: query, utterance, image, document. */
  readonly unit: string;
  readonly units: number;
  readonly primary: string;
  readonly level: number;
  readonly metrics: Readonly<Record<string, Figure>>;
  /** Metrics without a value, with the reason. */
  readonly omitted: Readonly<Record<string, string>>;
}

/** What of an evaluation is of its task. */
export interface UnitSetting<Sample> {
  readonly task: UnitTask;
  readonly unit: string;
  readonly units: number;
  readonly primary: string;
  readonly sample: Sample;
  readonly metrics: readonly UnitMetric<Sample>[];
}

/**
 * The standard metrics of a task and those asked for beside them, each with an interval over units.
 *
 * @throws BallastError METRIC_UNKNOWN, METRIC_PARAMETER, EVALUATION_EMPTY
 */
export function evaluateUnits<Sample>(
  { task, unit, units, primary, sample, metrics }: UnitSetting<Sample>,
  extra: readonly string[],
  intervals: ResolvedIntervals,
): UnitEvaluation {
  if (units === 0) throw new BallastError(`There is no ${unit} to evaluate`, { code: 'EVALUATION_EMPTY' });
  const standard = metrics.flatMap(({ name, standard: parameters }) =>
    parameters.map((parameter) => (Number.isNaN(parameter) ? name : `${stemOf(name)}@${parameter}`)),
  );
  const names = [...new Set([...standard, ...extra])];
  const omitted: Record<string, string> = {};
  const measured: { name: string; estimand: Estimand }[] = [];
  for (const name of names) {
    const { metric, parameter } = find(metrics, name);
    const measurement = metric.measure(sample, parameter);
    if (!isMeasured(measurement)) omitted[name] = measurement.reason;
    else if (!Number.isFinite(measurement.value)) omitted[name] = `${name} is not finite here`;
    else measured.push({ name, estimand: { measured: measurement, range: metric.range } });
  }
  const figures: Record<string, Figure> = {};
  estimate(
    measured.map(({ estimand }) => estimand),
    units,
    intervals,
  ).forEach((figure, i) => {
    if (figure === undefined) omitted[measured[i].name] = `too few of ${unit} for an interval`;
    else figures[measured[i].name] = figure;
  });
  return { task, unit, units, primary, level: intervals.level, metrics: figures, omitted };
}

const stemOf = (name: string): string => name.split('@')[0];

function find<Sample>(
  metrics: readonly UnitMetric<Sample>[],
  name: string,
): { metric: UnitMetric<Sample>; parameter: number } {
  const [stem, argument] = name.split('@');
  const metric = metrics.find(
    (candidate) => stemOf(candidate.name) === stem && candidate.name.includes('@') === (argument !== undefined),
  );
  if (metric === undefined) {
    throw new BallastError('There is no such metric of this task', {
      code: 'METRIC_UNKNOWN',
      value: name,
      remedy: `Use one of ${metrics.map((known) => known.name).join(', ')}.`,
    });
  }
  if (argument === undefined) return { metric, parameter: Number.NaN };
  const parameter = Number(argument);
  if (!(Number.isInteger(parameter) && parameter >= 1)) {
    throw new BallastError(`The number behind the @ of ${metric.title} is a whole one, at least 1`, {
      code: 'METRIC_PARAMETER',
      value: name,
    });
  }
  return { metric, parameter };
}

/** A ratio of sums over units, `sum numerator / sum denominator`: an error rate by word, a click rate by view. */
export function ratioOfSums(
  numerators: Float64Array,
  denominators: Float64Array,
  reason: string,
): Measured | { reason: string } {
  const total = denominators.reduce((a, b) => a + b, 0);
  if (total === 0) return { reason };
  const value = numerators.reduce((a, b) => a + b, 0) / total;
  return {
    value,
    support: numerators.length,
    resample: (counts) => {
      let above = 0;
      let below = 0;
      for (let unit = 0; unit < counts.length; unit++) {
        above += counts[unit] * numerators[unit];
        below += counts[unit] * denominators[unit];
      }
      return below === 0 ? Number.NaN : above / below;
    },
    influence: () => numerators.map((above, unit) => (above - value * denominators[unit]) / total),
  };
}

/** The mean over the units that have a value; units of NaN have none. */
export function meanOfUnits(values: Float64Array, reason: string): Measured | { reason: string } {
  const has = values.map((value) => (Number.isNaN(value) ? 0 : 1));
  return ratioOfSums(
    values.map((value) => (Number.isNaN(value) ? 0 : value)),
    has,
    reason,
  );
}
