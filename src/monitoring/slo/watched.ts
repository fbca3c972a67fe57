import type { Store } from '../../store/index.js';

/** The names of all models that are registered, observed, or have objectives, in order. */
export async function watchedModels(store: Store): Promise<string[]> {
  const names = new Set((await store.listSlos()).map(({ model }) => model));
  for (const name of await store.observedModels()) names.add(name);
  let offset = 0;
  for (;;) {
    const { models, more } = await store.searchModels({ limit: 100, offset });
    for (const { name } of models) names.add(name);
    offset += models.length;
    if (!more) return [...names].sort();
  }
}
