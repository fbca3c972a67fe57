import { milliseconds } from '../../spec/duration-text.js';
import type { Store } from '../../store/index.js';
import { modelSlos, watchedModel } from './model-slos.js';
import { watchedModels } from './watched.js';

/** The objective that looks furthest back; none where no model has any. */
export async function measuredOver(
  store: Store,
): Promise<{ readonly model: string; readonly objective: string; readonly ms: number } | undefined> {
  const found = [];
  for (const model of await watchedModels(store)) {
    for (const { slo } of await modelSlos(store, await watchedModel(store, model))) {
      found.push({ model, objective: slo.name, ms: milliseconds(slo.window) });
    }
  }
  return found.sort((a, b) => b.ms - a.ms)[0];
}
