import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { Batches } from '../observe/activations.js';
import { nearness, parityOf } from '../observe/parity.js';
import { planQuantization } from './plan.js';
import { quantizeStatic, type Seen, type StaticOptions } from './static.js';

/** What quantizing one layer alone does to the answers. */
export interface LayerSensitivity {
  readonly node: string;
  /** Signal to noise of the outputs, dB, with this layer alone in 8 bits. */
  readonly sqnrDb: number;
}

/** Each layer's sensitivity, the most sensitive first. */
async function layerSensitivity(
  runtime: Runtime,
  model: Model,
  { seen, batches, options }: { seen: Seen; batches: Batches; options: StaticOptions },
): Promise<LayerSensitivity[]> {
  const names = planQuantization(model.graph, options).layers.map(({ node }) => node.name);
  const found: LayerSensitivity[] = [];
  for (const node of names) {
    const others = new Set([...names.filter((name) => name !== node), ...(options.exclude ?? [])]);
    const { model: made } = quantizeStatic(model, seen, { ...options, exclude: others });
    found.push({ node, sqnrDb: nearness(await parityOf(runtime, model, made, batches, options.signal)) });
  }
  return found.sort((a, b) => a.sqnrDb - b.sqnrDb);
}

/**
 * The layers that stay in floating point so that the outputs keep a signal to noise: the most sensitive ones, one after the
 * other, until it is reached.
 */
export async function mixedPrecision(
  runtime: Runtime,
  model: Model,
  { seen, batches, options }: { seen: Seen; batches: Batches; options: StaticOptions },
  leastDb: number,
): Promise<{ exclude: Set<string>; sensitivity: LayerSensitivity[] }> {
  const sensitivity = await layerSensitivity(runtime, model, { seen, batches, options });
  const exclude = new Set(options.exclude);
  for (const { node } of sensitivity) {
    const { model: made } = quantizeStatic(model, seen, { ...options, exclude });
    if (nearness(await parityOf(runtime, model, made, batches, options.signal)) >= leastDb) break;
    exclude.add(node);
  }
  return { exclude, sensitivity };
}
