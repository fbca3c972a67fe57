import { writeModel } from '../../graph/format/encode.js';
import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { Batches } from './activations.js';
import { Distance, type DistanceSummary } from './distance.js';

/** How near a converted model is to the one it was made of, by output, on representative rows. */
export type Parity = Readonly<Record<string, DistanceSummary>>;

/**
 * Runs both models on the same batches and compares what they answer. Outputs that are no numbers are left out.
 *
 * @throws BallastError MODEL_REJECTED where the runtime does not take the converted model
 */
export async function parityOf(
  runtime: Runtime,
  original: Model,
  converted: Model,
  batches: Batches,
  signal?: AbortSignal,
): Promise<Parity> {
  const expected = await runtime.load(writeModel(original));
  const found = await runtime.load(writeModel(converted));
  try {
    const names = expected.outputs
      .filter(({ name, type }) => type !== 'string' && found.outputs.some((output) => output.name === name))
      .map(({ name }) => name);
    const distances = new Map(names.map((name) => [name, new Distance()]));
    for await (const feeds of batches()) {
      signal?.throwIfAborted();
      const [a, b] = [await expected.run(feeds, names), await found.run(feeds, names)];
      for (const [name, distance] of distances) distance.add(a[name], b[name]);
    }
    return Object.fromEntries([...distances].map(([name, distance]) => [name, distance.summary()]));
  } finally {
    expected.release();
    found.release();
  }
}

/** Mean signal to noise over the outputs, dB. */
export function nearness(parity: Parity): number {
  const all = Object.values(parity).map(({ sqnrDb, notFinite }) => (notFinite > 0 ? -1e3 : (sqnrDb ?? 200)));
  return all.reduce((sum, value) => sum + value, 0) / Math.max(1, all.length);
}
