import { syntheticFeeds } from '../../compression/measure/feeds.js';
import { parseSeen, SEEN_KEY } from '../../data/seen-values.js';
import { sizeOf, type Tensor } from '../../graph/index.js';
import { derive } from '../../numeric/random.js';
import type { ServedVersion } from '../../serving/model/served-version.js';
import { decodeJson } from '../../serving/protocol/decode-json.js';
import type { Tensors } from '../../serving/worker/messages.js';

/**
 * Made-up rows of a model: each column anything between the least and the largest that training had, or any of its categories; of a
 * column that its metadata does not describe, standard normal numbers.
 *
 * @throws BallastError `BENCH_DIMENSION` where an axis other than the first is free
 */
export function syntheticRows({ model, columns }: ServedVersion, count: number, seed: number): Tensors[] {
  const seen = parseSeen(model.metadata[SEEN_KEY] ?? '[]') ?? [];
  return Array.from({ length: count }, (_, row) => {
    const random = derive(seed, 'synthetic', row);
    const plain = syntheticFeeds(model.inputs, { batch: 1, dimensions: new Map(), seed: seed + row });
    const own = model.inputs.flatMap(({ name, type }): [string, Tensor][] => {
      const known = seen.find(({ column }) => column === columns.columnOf(name));
      const { shape } = plain[name];
      const draw = (): string | number | undefined => {
        if (known?.categories !== undefined) return known.categories[random.integer(known.categories.length)];
        if (known?.range === undefined || type === 'string') return undefined;
        const value = random.uniform(...known.range);
        return type === 'float32' || type === 'float64' ? value : Math.round(value);
      };
      const values = Array.from({ length: sizeOf(shape) }, draw);
      return values.includes(undefined) ? [] : [[name, decodeJson(name, type, shape, values)]];
    });
    return { ...plain, ...Object.fromEntries(own) };
  });
}
