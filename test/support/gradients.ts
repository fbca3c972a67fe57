import type { Value } from '../../src/graph/builder.js';
import { gradients } from '../../src/graph/gradients.js';
import { type Tensor, tensor } from '../../src/graph/tensor.js';
import { type Computation, computed } from './computed.js';

/** Numbers as a float64 tensor. */
export function float64(shape: readonly number[], values: readonly number[]): Tensor {
  return tensor('float64', shape, Float64Array.from(values));
}

/**
 * A scalar of the graph in float64, with its gradients by all inputs, flat.
 *
 * @param random for functions of random numbers: which step's
 */
export async function valueAndGradients(
  feeds: Readonly<Record<string, Tensor>>,
  build: (computation: Computation) => Value,
  options?: Parameters<typeof computed>[2],
): Promise<{ value: number; gradients: Readonly<Record<string, number[]>> }> {
  const names = Object.keys(feeds);
  const { value, ...found } = await computed(
    feeds,
    (computation) => {
      const made = build(computation);
      const by = gradients(
        computation.b,
        made,
        names.map((name) => computation.inputs[name]),
      );
      return {
        value: made,
        ...Object.fromEntries(names.flatMap((name, i) => (by[i] === undefined ? [] : [[name, by[i]]]))),
      };
    },
    options,
  );
  return { value: value[0], gradients: found };
}

/** The largest distance between two lists of the same length. */
export function farthest(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
