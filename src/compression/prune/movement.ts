import type { Model } from '../../graph/model.js';
import type { ByElement } from './importance.js';

/**
 * How far training moved every weight away from 0: half the growth of its square. That is the sum of -rate x gradient x weight
 * over the steps of plain gradient descent, the score of movement pruning (Sanh et al., 2020), up to second order in the rate.
 *
 * @param before the model as it was; weights that only one of the two has are left out
 */
export function movementOf(before: Model, after: Model): ByElement {
  const moved = new Map<string, Float32Array>();
  for (const [name, { type, data }] of before.graph.initializers) {
    const now = after.graph.initializers.get(name);
    if (type !== 'float32' || now?.type !== 'float32' || now.data.length !== data.length) continue;
    const [from, to] = [data as Float32Array, now.data as Float32Array];
    moved.set(
      name,
      from.map((value, i) => (to[i] ** 2 - value ** 2) / 2),
    );
  }
  return moved;
}
