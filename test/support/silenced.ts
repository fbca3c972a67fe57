import type { PrunableUnit } from '../../src/compression/prune/groups.js';
import { eachElement } from '../../src/compression/prune/importance.js';
import type { Model } from '../../src/graph/model.js';
import { float32, type Tensor } from '../../src/graph/tensor.js';

/** The model with every weight of some units 0: removing them must not change a thing. */
export function silenced(model: Model, units: readonly PrunableUnit[]): Model {
  const initializers = new Map<string, Tensor>(model.graph.initializers);
  for (const { members } of units) {
    for (const member of members) {
      const value = initializers.get(member.name)!;
      const data = Float32Array.from(value.data as Float32Array);
      eachElement(value, member, (position) => {
        data[position] = 0;
      });
      initializers.set(member.name, float32(value.shape, data));
    }
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
