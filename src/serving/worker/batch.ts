import { ARRAY_OF, type NumericArray, sizeOf, type Tensor } from '../../graph/tensor.js';
import type { Tensors } from './messages.js';

/** What decides whether two requests can run as one: inputs, types and shapes but for the rows, and the outputs asked for. */
export function batchKey(feeds: Tensors, fetches: readonly string[]): string {
  let key = fetches.join('\n');
  for (const name of Object.keys(feeds).sort()) {
    const { type, shape } = feeds[name];
    key += `\n\n${name}\n${type}`;
    for (let axis = 1; axis < shape.length; axis++) key += `,${shape[axis]}`;
  }
  return key;
}

/** Rows below rows, of requests with one {@link batchKey}. */
export function joinRows(all: readonly Tensors[]): Tensors {
  const [first] = all;
  if (all.length === 1) return first;
  return Object.fromEntries(
    Object.keys(first).map((name) => [
      name,
      concatenate(
        all.map((feeds) => {
          const tensor = feeds[name];
          if (tensor === undefined) throw new Error('requests of one key have the same inputs');
          return tensor;
        }),
      ),
    ]),
  );
}

/**
 * Gives each request its rows of an answer.
 *
 * @returns undefined where the outputs do not have a row for each row of the inputs
 */
export function splitRows(outputs: Tensors, counts: readonly number[]): Tensors[] | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (Object.values(outputs).some(({ shape }) => shape[0] !== total)) return undefined;
  let from = 0;
  return counts.map((count) => {
    const to = from + count;
    const part = Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [name, rowsOf(tensor, from, to)] as const),
    );
    from = to;
    return part;
  });
}

function concatenate(tensors: readonly Tensor[]): Tensor {
  const [{ type, shape }] = tensors;
  const rows = tensors.reduce((sum, tensor) => sum + (tensor.shape[0] ?? 0), 0);
  const whole = [rows, ...shape.slice(1)];
  if (type === 'string') return { type, shape: whole, data: tensors.flatMap(({ data }) => data as readonly string[]) };
  const data = new ARRAY_OF[type](sizeOf(whole));
  let offset = 0;
  for (const tensor of tensors) {
    // Both are of the one class that holds the type.
    (data as Uint8Array).set(tensor.data as Uint8Array, offset);
    offset += tensor.data.length;
  }
  return { type, shape: whole, data };
}

function rowsOf({ type, shape, data }: Tensor, from: number, to: number): Tensor {
  const width = sizeOf(shape.slice(1));
  const part = Array.isArray(data)
    ? (data as readonly string[]).slice(from * width, to * width)
    : (data as NumericArray).subarray(from * width, to * width);
  return { type, shape: [to - from, ...shape.slice(1)], data: part };
}
