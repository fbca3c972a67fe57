import { BallastError } from '../../errors.js';
import type { Dimension } from '../../graph/model.js';
import type { PortInfo } from '../../graph/runtime/runtime.js';
import { ARRAY_OF, sizeOf, type Tensor } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';

/** What a model is fed: a tensor for every input, by name. */
export type Feeds = Readonly<Record<string, Tensor>>;

export interface SyntheticOptions {
  /** Extent of the first axis where the model leaves it free. */
  readonly batch: number;
  /** Extents of other free axes: by their names, or as `INPUT:AXIS`. */
  readonly dimensions: ReadonlyMap<string, number>;
  readonly seed?: number;
}

/**
 * Made-up feeds for a model of which only the inputs are known: standard normal numbers, integers 0 and 1 (valid as
 * tokens, indices and flags), empty strings. What a kernel takes rarely depends on the values.
 *
 * @throws BallastError BENCH_DIMENSION where an axis other than the first is free and nothing is said of it
 */
export function syntheticFeeds(inputs: readonly PortInfo[], options: SyntheticOptions): Feeds {
  return Object.fromEntries(
    inputs.map((input) => {
      const shape = input.shape.map((extent, axis) => extentOf(input, extent, axis, options));
      return [input.name, syntheticTensor(input, shape, options.seed ?? 1)];
    }),
  );
}

function extentOf(
  { name, shape }: PortInfo,
  extent: Dimension,
  axis: number,
  { batch, dimensions }: SyntheticOptions,
): number {
  if (typeof extent === 'number') return extent;
  const said = dimensions.get(`${name}:${axis}`) ?? (extent === null ? undefined : dimensions.get(extent));
  if (said !== undefined) return said;
  if (axis === 0) return batch;
  throw new BallastError(`axis ${axis} of the input "${name}" [${shape.join(', ')}] is free`, {
    code: 'BENCH_DIMENSION',
    remedy: `Say its extent with --dim ${extent ?? `${name}:${axis}`}=SIZE, or give real rows with --data`,
  });
}

function syntheticTensor({ name, type }: PortInfo, shape: readonly number[], seed: number): Tensor {
  const length = sizeOf(shape);
  if (type === 'string') return { type, shape, data: new Array<string>(length).fill('') };
  const stream = derive(seed, 'feeds', name);
  const data = new ARRAY_OF[type](length);
  if (data instanceof Float32Array || data instanceof Float64Array) {
    for (let i = 0; i < length; i++) data[i] = stream.normal();
  } else if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < length; i++) data[i] = BigInt(stream.integer(2));
  } else if (type === 'float16' || type === 'bfloat16') {
    // 1 in either format.
    data.fill(type === 'float16' ? 0x3c00 : 0x3f80);
  } else {
    for (let i = 0; i < length; i++) data[i] = stream.integer(2);
  }
  return { type, shape, data };
}
