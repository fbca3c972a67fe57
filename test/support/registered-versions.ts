import type { Store } from '../../src/store/index.js';
import { parseSource } from '../../src/store/index.js';

/** Registers so many versions of a model, the first as champion; their files are no models. */
export async function registerVersions(store: Store, name: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const runId = await store.createRun({
      ...{ name: `${name} ${i}`, kind: 'train', spec: {}, seed: 1, datasetName: null, dataVersion: null },
      ...{ regularizerId: `rg-${i + 1}`, manifest: {}, environment: {} },
    });
    await store.putArtifact(runId, 'model/model.onnx', Buffer.from(`weights ${i}`));
    await store.finishRun(runId, 'finished');
    const source = `runs:/${runId}/model`;
    await store.createVersion({ name, source, from: await parseSource(store, source) });
  }
  await store.setAlias(name, 'champion', 1);
}
