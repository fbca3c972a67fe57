import { quantileSorted } from '../numeric/index.js';
import { isViewName } from '../serving/worker/view.js';
import type { RolloutOptions, RolloutSli } from '../spec/rollout-options.js';
import { rolloutOptions } from '../spec/rollout-options.js';
import type { StoredObservation } from '../store/index.js';
import type { RolloutConfig } from './types.js';

export interface Subjects {
  readonly model: string;
  readonly baseline: string;
  readonly candidate: string;
  readonly startedAt: number;
  /** As the candidate's spec says, where it does. */
  readonly task?: 'classification' | 'regression';
}

/**
 * Fills in what a rollout needs to know of the traffic before it: which SLIs can be judged, the bound of the latency, the medians
 * of columns. What is chosen here is written into the rollout, and never changes while it runs.
 *
 * @param recent answers of the baseline to users
 */
export function resolveRollout(
  options: RolloutOptions,
  subjects: Subjects,
  recent: readonly StoredObservation[],
): RolloutConfig {
  const { task = taskOf(recent), ...named } = subjects;
  const labelled = recent.filter(({ label }) => label !== undefined);
  const asked = options.slis ?? defaultSlis(options, task, recent);
  const slis = asked.map((sli) => fill(sli, task, recent, labelled));
  return { ...options, ...named, slis, medians: mediansOf(recent) };
}

function defaultSlis(
  options: RolloutOptions,
  task: 'classification' | 'regression',
  recent: readonly StoredObservation[],
): RolloutSli[] {
  const labels = recent.some(({ label }) => label !== undefined);
  const types: RolloutSli['type'][] = ['failures', 'latency'];
  // Of a model that runs elsewhere it is not known.
  if (recent.length === 0 || recent.some(({ memory }) => memory !== undefined)) types.push('memory');
  if (task === 'classification') types.push('answers');
  if (task === 'classification' && options.steps[0].weight === 0) types.push('disagreement');
  if (labels) types.push('error');
  if (labels && task === 'classification') types.push('recall', 'calibration');
  return rolloutOptions.parse({ slis: types.map((type) => ({ type })) }).slis ?? [];
}

function fill(
  sli: RolloutSli,
  task: 'classification' | 'regression',
  recent: readonly StoredObservation[],
  labelled: readonly StoredObservation[],
): RolloutSli {
  if (sli.type === 'latency') {
    const answered = recent.filter(({ status }) => status === 'ok');
    const boundOf = (times: readonly number[]): number => {
      const bound = times.length < LEAST_TIMES ? DEFAULT_BOUND_MS : quantileOf(times, sli.quantile) * (1 + sli.allowed);
      return Math.max(LEAST_BOUND_MS, Number(bound.toPrecision(4)));
    };
    const {
      withinMs = boundOf(answered.map(({ latencyMs }) => latencyMs)),
      runWithinMs = boundOf(answered.flatMap(({ runMs }) => (runMs === undefined ? [] : [runMs]))),
    } = sli;
    return { ...sli, withinMs, runWithinMs };
  }
  if (sli.type === 'error' && sli.scale === undefined && task === 'regression') {
    const values = labelled.flatMap(({ label }) => (typeof label?.value === 'number' ? [label.value] : []));
    const spread = values.length < 2 ? 0 : quantileOf(values, 0.9) - quantileOf(values, 0.1);
    return spread > 0 ? { ...sli, scale: spread } : sli;
  }
  return sli;
}

/** Fewer answers than this say little of a tail. */
export const LEAST_TIMES = 100;
/** Where nothing is known of the model's latency. */
const DEFAULT_BOUND_MS = 250;
/** Below the resolution of clocks and of the machine's other work. */
const LEAST_BOUND_MS = 1;

/** Columns whose medians tell the arms' traffic apart. */
const MOST_MEDIANS = 12;

function mediansOf(recent: readonly StoredObservation[]): Record<string, number> {
  const columns = new Map<string, number[]>();
  for (const { features } of recent) {
    for (const [name, value] of Object.entries(features)) {
      // What a version makes of its inputs tells versions apart, and not their traffic.
      if (typeof value !== 'number' || !Number.isFinite(value) || isViewName(name)) continue;
      const values = columns.get(name) ?? [];
      values.push(value);
      columns.set(name, values);
    }
  }
  return Object.fromEntries(
    [...columns]
      .filter(([, values]) => values.length >= LEAST_TIMES && new Set(values).size > 2)
      .slice(0, MOST_MEDIANS)
      .map(([name, values]) => [name, quantileOf(values, 0.5)]),
  );
}

function taskOf(recent: readonly StoredObservation[]): 'classification' | 'regression' {
  const answered = recent.filter(({ prediction }) => prediction !== undefined);
  const numbers = answered.every(({ prediction, scores }) => typeof prediction === 'number' && scores === undefined);
  const whole = answered.every(({ prediction }) => Number.isInteger(prediction));
  return answered.length > 0 && numbers && !whole ? 'regression' : 'classification';
}

const quantileOf = (values: readonly number[], p: number): number =>
  quantileSorted(
    [...values].sort((a, b) => a - b),
    p,
  );
