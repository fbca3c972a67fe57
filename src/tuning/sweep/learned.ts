import { median } from '../../numeric/quantile.js';
import { valuesOf } from '../../search/space.js';
import { byQuality, isFeasible } from '../../search/trial.js';
import type { Spec } from '../../spec/schema.js';
import type { Store } from '../../store/types.js';
import { openDefinition, type SweepDefinition } from './definition.js';
import { trialOf } from './history.js';
import type { TrialOutcome } from './outcome.js';
import type { SweepResult } from './result.js';

/** Where something worked: what a spec must have in common with it. */
export interface Setting {
  readonly task: Spec['task'];
  readonly model: string;
  /** `below 1,000`, ...: training rows. */
  readonly rows: string;
}

/** One sweep that a recipe rests on. */
export interface Evidence {
  readonly sweepId: string;
  readonly name: string;
  readonly trainRows: number;
  readonly trials: number;
  readonly objective: string;
  readonly metric: number;
  readonly corrected: number | undefined;
  /** Quality gained over the spec as it stood (its first trial), corrected where that is known; > 0 is better. */
  readonly gained: number | undefined;
}

/** What a parameter of a spec was where it worked. */
export interface LearnedValue {
  /** Median of what the sweeps found; of a choice what they found most often. */
  readonly value: unknown;
  /** Least and greatest of what was among the best fifth of the trials. */
  readonly range?: readonly [number, number];
  readonly sweeps: number;
}

export interface LearnedRecipe {
  readonly setting: Setting;
  readonly values: Readonly<Record<string, LearnedValue>>;
  readonly evidence: readonly Evidence[];
}

/** Classes of size: what a strength is worth changes with the rows by about such factors. */
const SIZES: readonly (readonly [below: number, name: string])[] = [
  [1000, 'below 1,000'],
  [10_000, '1,000 to 10,000'],
  [100_000, '10,000 to 100,000'],
  [Number.POSITIVE_INFINITY, 'above 100,000'],
];

export function sizeOfRows(rows: number): string {
  return (SIZES.find(([below]) => rows < below) ?? SIZES[SIZES.length - 1])[1];
}

/** What the sweeps of a store found to work, by task, model and size; the best founded first. */
export async function learnedRecipes(store: Store): Promise<LearnedRecipe[]> {
  const groups = new Map<string, { setting: Setting; finds: Find[] }>();
  for (const { id, definition: stored, result } of await store.listSweeps(1000)) {
    const definition = stored as SweepDefinition;
    const best = (result as SweepResult | undefined)?.best;
    if (best === undefined || definition.trainRows === undefined) continue;
    const { spec, trainRows } = definition;
    const setting = { task: spec.task, model: spec.model.type, rows: sizeOfRows(trainRows) };
    const key = JSON.stringify(setting);
    const group = groups.get(key) ?? { setting, finds: [] };
    group.finds.push(await findOf(store, id, definition, best));
    groups.set(key, group);
  }
  return [...groups.values()]
    .map(({ setting, finds }) => ({
      setting,
      values: mergedValues(finds),
      evidence: finds.map((find) => find.evidence),
    }))
    .sort((a, b) => b.evidence.length - a.evidence.length);
}

/** What one sweep found. */
interface Find {
  readonly evidence: Evidence;
  /** Values of its best trial; those of the spec as it stood where that gained nothing. */
  readonly worked: Readonly<Record<string, unknown>>;
  /** Numbers of the best fifth of its trials. */
  readonly good: Readonly<Record<string, readonly number[]>>;
}

async function findOf(
  store: Store,
  sweepId: string,
  definition: SweepDefinition,
  best: NonNullable<SweepResult['best']>,
): Promise<Find> {
  const { space } = openDefinition(definition);
  const stored = await store.listTrials(sweepId);
  const ranked = byQuality(stored.map(trialOf)).filter(isFeasible);
  const good: Record<string, number[]> = {};
  for (const { point } of ranked.slice(0, Math.max(1, Math.round(0.2 * ranked.length)))) {
    for (const [name, value] of Object.entries(valuesOf(space, point))) {
      if (typeof value === 'number') good[name] = [...(good[name] ?? []), value];
    }
  }
  const [objective] = definition.objectives;
  const sign = objective.direction === 'higher' ? 1 : -1;
  const corrected = best.correctedMetric?.value;
  const first = definition.firstPoints?.[0] === undefined ? undefined : stored.find(({ number }) => number === 0);
  const asItStood = (first?.outcome as TrialOutcome | undefined)?.figures?.[best.objective];
  const gained = asItStood === undefined ? undefined : sign * ((corrected ?? best.metric) - asItStood);
  return {
    evidence: {
      sweepId,
      name: definition.spec.name,
      trainRows: definition.trainRows ?? 0,
      trials: stored.length,
      objective: best.objective,
      metric: best.metric,
      corrected,
      gained,
    },
    worked: first !== undefined && gained !== undefined && gained <= 0 ? valuesOf(space, first.point) : best.values,
    good,
  };
}

function mergedValues(finds: readonly Find[]): Record<string, LearnedValue> {
  const names = [...new Set(finds.flatMap(({ worked }) => Object.keys(worked)))];
  return Object.fromEntries(
    names.map((name) => {
      const own = finds.filter(({ worked }) => name in worked);
      const values = own.map(({ worked }) => worked[name]);
      const sweeps = own.length;
      if (values.every((value) => typeof value === 'number')) {
        const good = own.flatMap((find) => find.good[name] ?? []);
        const all = [...good, ...values];
        return [name, { value: median(values), range: [Math.min(...all), Math.max(...all)] as const, sweeps }];
      }
      const texts = values.map((value) => JSON.stringify(value));
      const count = (text: string): number => texts.filter((each) => each === text).length;
      const most = texts.reduce((a, b) => (count(b) > count(a) ? b : a));
      return [name, { value: JSON.parse(most), sweeps }];
    }),
  );
}
