/** The gap ledger: how much quality was lost at which stage of a model's life. */
import { BallastError } from '../errors.js';
import { type Interval, moverDifference } from '../numeric/index.js';
import type { ClassLoss } from './class-losses.js';
import { CLASS_METRICS } from './classes.js';
import type { Evaluation } from './evaluate.js';
import type { Figure } from './figure.js';
import type { IntervalOptions, PredictionInput } from './input.js';
import { requestedMetrics } from './measure.js';
import { findMetric } from './metrics/index.js';
import { comparePaired } from './paired.js';

/** The stages in the order of a model's life. A ledger holds any of them, in this order. */
export const LEDGER_STAGES = [
  'train',
  'validation',
  'holdout',
  'stress',
  'calibrated',
  'compressed',
  'recalibrated',
  'shadow',
  'canary',
  'production',
] as const;

export type LedgerStageName = (typeof LEDGER_STAGES)[number];

/**
 * Stages beside the way of the model: what it would lose if its rows went wrong. They are compared with the stage they
 * branch from, the stage after them with that one too, and they are not what lost most: nothing was lost yet.
 */
const BRANCHES: ReadonlySet<LedgerStageName> = new Set(['stress']);

/** What was lost since an earlier stage, by metric, measured row by row when both were evaluated. Above 0 is a loss. */
export interface MeasuredLoss {
  readonly from: LedgerStageName;
  readonly figures: Readonly<Record<string, Figure>>;
  /** Recall that each class lost, where it was asked for. */
  readonly classes?: readonly ClassLoss[];
}

/** What was measured at a stage. */
export interface LedgerInput {
  readonly stage: LedgerStageName;
  readonly evaluation: Evaluation;
  /**
   * The predictions behind the evaluation together with a name of the row set. Two stages on the same row set (before
   * and after compression, say) are compared row by row; without them as if the rows were different ones.
   */
  readonly paired?: { readonly rowSet: string; readonly predictions: PredictionInput };
  /** Where the predictions are gone, and the comparison was kept. */
  readonly lost?: MeasuredLoss;
}

/** Which part of the rows a ledger is about; all of them when left out. */
export type LedgerScope = { readonly class: string } | { readonly slice: string; readonly value: string | undefined };

export interface LedgerOptions extends IntervalOptions {
  readonly scope?: LedgerScope;
}

export interface LedgerStage {
  readonly stage: LedgerStageName;
  readonly rows: number;
  readonly value: number;
  readonly interval: Interval;
  /** The stage that it is compared with: the one before it on the model's way. null at the first. */
  readonly from: LedgerStageName | null;
  /** Quality lost since `from`, in the metric's unit: above 0 is a loss. null at the first stage. */
  readonly delta: number | null;
  readonly deltaInterval: Interval | null;
  readonly deltaMethod: string | null;
}

export interface Ledger {
  readonly metric: string;
  readonly scope?: LedgerScope;
  readonly stages: readonly LedgerStage[];
  /**
   * The stage that lost most, stress aside, among those whose loss is clear (its interval is above 0), or among all where none
   * is; null when none lost anything.
   */
  readonly largest: LedgerStageName | null;
  /** Stages where the metric has no value, with the reason; the deltas bridge them. */
  readonly omitted: Readonly<Partial<Record<LedgerStageName, string>>>;
}

/**
 * Builds the ledger of one metric. The deltas sum to what was lost between the first and the last stage, that of stress
 * aside, which is a branch. Intervals of
 * deltas combine those of both stages (MOVER; Newcombe's for proportions) where rows differ, and are paired where both
 * stages bring predictions of one row set.
 */
export function buildLedger(metric: string, inputs: readonly LedgerInput[], options: LedgerOptions = {}): Ledger {
  const { direction } = findMetric(metric).metric;
  const omitted: Partial<Record<LedgerStageName, string>> = {};
  const stages: LedgerStage[] = [];
  let previous: { input: LedgerInput; figure: Figure } | undefined;
  let order = -1;
  for (const input of inputs) {
    const at = LEDGER_STAGES.indexOf(input.stage);
    if (at <= order) {
      throw new BallastError('The stages of a ledger come once each, in their order', {
        code: 'LEDGER_ORDER',
        value: inputs.map(({ stage }) => stage),
        remedy: `The order is ${LEDGER_STAGES.join(', ')}.`,
      });
    }
    order = at;
    const { figure, rows, reason } = inScope(input.evaluation, metric, options.scope);
    if (figure === undefined) {
      omitted[input.stage] = reason;
      continue;
    }
    const delta = previous && lost(previous, { input, figure }, metric, direction, options);
    stages.push({
      stage: input.stage,
      rows,
      value: figure.value,
      interval: figure.interval,
      from: previous?.input.stage ?? null,
      delta: delta?.value ?? null,
      deltaInterval: delta?.interval ?? null,
      deltaMethod: delta?.method ?? null,
    });
    if (!BRANCHES.has(input.stage)) previous = { input, figure };
  }
  const every = stages.filter(({ stage, delta }) => !BRANCHES.has(stage) && delta !== null && delta > 0);
  const clear = every.filter(({ deltaInterval }) => deltaInterval !== null && deltaInterval[0] > 0);
  // Few rows lose much by chance: a smaller loss that is certain says more.
  const losses = clear.length > 0 ? clear : every;
  const largest = losses.reduce<LedgerStage | undefined>(
    (a, b) => (a === undefined || b.delta! > a.delta! ? b : a),
    undefined,
  );
  return {
    metric,
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    stages,
    largest: largest?.stage ?? null,
    omitted,
  };
}

function inScope(
  evaluation: Evaluation,
  metric: string,
  scope: LedgerScope | undefined,
): { figure: Figure | undefined; rows: number; reason: string } {
  if (scope === undefined) {
    const reason = evaluation.omitted[metric] ?? 'it was not evaluated';
    return { figure: evaluation.metrics[metric], rows: evaluation.rows, reason };
  }
  if ('class' in scope) {
    const perClass = evaluation.perClass[scope.class];
    const name = CLASS_METRICS.find((candidate) => candidate === metric);
    const figure = name === undefined ? undefined : perClass?.[name];
    return { figure, rows: perClass?.rows ?? 0, reason: `it has no value for class ${scope.class}` };
  }
  const slice = evaluation.slices.find(
    (candidate) => candidate.slice === scope.slice && candidate.value === scope.value,
  );
  const reason = slice?.omitted[metric] ?? `there is no slice ${scope.slice} = ${scope.value}`;
  return { figure: slice?.metrics[metric], rows: slice?.rows ?? 0, reason };
}

function lost(
  before: { input: LedgerInput; figure: Figure },
  after: { input: LedgerInput; figure: Figure },
  metric: string,
  direction: 'higher' | 'lower',
  options: LedgerOptions,
): Figure {
  const kept = after.input.lost;
  if (options.scope === undefined && kept?.from === before.input.stage) {
    const figure = kept.figures[metric];
    if (figure !== undefined) return figure;
  }
  const [a, b] = [before.input.paired, after.input.paired];
  if (options.scope === undefined && a !== undefined && b !== undefined && a.rowSet === b.rowSet) {
    const [first, second] = direction === 'higher' ? [a, b] : [b, a];
    const paired = comparePaired({ ...options, metric, first: first.predictions, second: second.predictions });
    if (!('reason' in paired)) return paired.difference;
  }
  return qualityLost(before.figure, after.figure, direction);
}

/** What was lost from one independently measured figure to another: above 0 is worse after. */
export function qualityLost(before: Figure, after: Figure, direction: 'higher' | 'lower'): Figure {
  const [first, second] = direction === 'higher' ? [before, after] : [after, before];
  const method = before.method === 'Wilson' && after.method === 'Wilson' ? 'Newcombe' : 'MOVER';
  return { value: first.value - second.value, interval: moverDifference(first, second), method };
}

/**
 * The generalization gap of a metric in its own unit: quality on the training rows minus quality on the validation rows,
 * above 0 when validation is worse. Undefined where either has no value.
 */
export function gapOf(train: Evaluation, validation: Evaluation, metric: string): Figure | undefined {
  const [before, after] = [train.metrics[metric], validation.metrics[metric]];
  if (before === undefined || after === undefined) return undefined;
  return qualityLost(before, after, findMetric(metric).metric.direction);
}

/**
 * What one set of predictions lost against another of the same rows, in every metric that both have.
 *
 * @param metrics beside the standard ones
 */
export function measureLoss(
  from: LedgerStageName,
  before: PredictionInput,
  after: PredictionInput,
  metrics: readonly string[] = [],
): MeasuredLoss {
  const figures = requestedMetrics(before.task, metrics).flatMap(({ name, metric }): [string, Figure][] => {
    const [first, second] = metric.direction === 'higher' ? [before, after] : [after, before];
    const compared = comparePaired({ metric: name, first, second });
    return 'reason' in compared ? [] : [[name, compared.difference]];
  });
  return { from, figures: Object.fromEntries(figures) };
}
