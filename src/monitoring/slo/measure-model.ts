import type { Store } from '../../store/index.js';
import type { DriftWatch, WatchedDrift } from './drift-watch.js';
import { sliWindows } from './feed.js';
import { holdoutWindows } from './holdout-windows.js';
import { type ModelSlo, modelSlos, type WatchedModel, watchedModel } from './model-slos.js';
import { earliest, type SloStatus, sloStatus } from './status.js';
import { trainingWindows } from './training-windows.js';
import type { SliWindow } from './window.js';

/** A model at a moment: its objectives, what they came to, and what that was computed from. */
export interface MeasuredModel {
  readonly model: WatchedModel;
  readonly slos: readonly ModelSlo[];
  readonly statuses: readonly SloStatus[];
  readonly windows: readonly SliWindow[];
  readonly drift: WatchedDrift | undefined;
}

const TWO_DAYS = 2 * 24 * 3_600_000;

/** Measures a model's objectives, by the last two days at least. */
export async function measureModel(
  store: Store,
  name: string,
  { now, drift: watch }: { readonly now: number; readonly drift: DriftWatch },
): Promise<MeasuredModel> {
  const model = await watchedModel(store, name);
  const slos = await modelSlos(store, model);
  const from = Math.min(
    now - TWO_DAYS,
    earliest(
      slos.map(({ slo }) => slo),
      now,
    ),
  );
  const drift = await watch.of(model, now);
  const windows = [
    ...(await sliWindows(store, name, { from, to: now })),
    ...(drift?.windows ?? []),
    ...(await trainingWindows(store, slos, { from, to: now })),
    ...(slos.some(({ slo }) => slo.stage === 'holdout') ? await holdoutWindows(store, model) : []),
  ];
  return { model, slos, windows, drift, statuses: slos.map(({ slo }) => sloStatus(slo, windows, now)) };
}
