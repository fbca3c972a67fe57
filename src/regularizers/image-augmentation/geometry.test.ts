import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { type Border, resample, sampleAffine } from './geometry.js';
import { evenSizes, inParts } from './parts.js';

type Image = readonly (readonly number[])[];
type Moved = Readonly<Record<'zero' | 'edge' | 'mirror', Image>>;

const goldens = JSON.parse(readFileSync(new URL('./goldens/affine.json', import.meta.url), 'utf8')) as {
  axes: readonly {
    readonly image: Image;
    readonly shift: readonly number[];
    readonly zoom: readonly number[];
    readonly moved: Moved;
  }[];
  maps: readonly {
    readonly image: Image;
    readonly matrix: readonly (readonly number[])[];
    readonly shift: readonly number[];
    readonly moved: Moved;
  }[];
};

const BORDERS = ['zero', 'edge', 'mirror'] as const;

/** rows @ image @ columns', with one shift and zoom an axis; also of a second channel, twice as bright. */
async function alongAxes(
  image: Image,
  [down, right]: readonly number[],
  [tall, wide]: readonly number[],
  border: (typeof BORDERS)[number],
): Promise<number[]> {
  const [height, width] = [image.length, image[0].length];
  const { y } = await computed(
    {
      image: float32([1, 2, height, width], [...image.flat(), ...image.flat().map((v) => 2 * v)]),
      down: float32([1, 1, 1], [down]),
      right: float32([1, 1, 1], [right]),
      tall: float32([1, 1, 1], [tall]),
      wide: float32([1, 1, 1], [wide]),
    },
    ({ b, inputs }) => {
      const outside: Border = border === 'zero' ? b.scalar(0) : border;
      const [rows, columns] = [
        { shift: inputs.down, zoom: inputs.tall },
        { shift: inputs.right, zoom: inputs.wide },
      ];
      return { y: resample(b, inputs.image, rows, columns, outside) };
    },
  );
  return y;
}

const close = (found: readonly number[], expected: readonly number[]): void => {
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(found[i] - value)).toBeLessThan(1e-5);
  });
};
const twice = (image: Image): number[] => [...image.flat(), ...image.flat().map((value) => 2 * value)];

describe('resampling along the axes', () => {
  it.each(goldens.axes.flatMap((golden, i) => BORDERS.map((border) => ({ i, border, golden }))))(
    'is scipy.ndimage.affine_transform: case $i, border $border',
    async ({ border, golden: { image, shift, zoom, moved } }) => {
      close(await alongAxes(image, shift, zoom, border), twice(moved[border]));
    },
  );

  it('moves by whole pixels exactly, and mirrors exactly', async () => {
    const stream = derive(4, 'image');
    const image = Array.from({ length: 5 }, () => Array.from({ length: 6 }, () => Math.fround(stream.normal())));
    const at = (row: number, column: number): number => image[row]?.[column] ?? 0;
    const expected = (read: (r: number, c: number) => number): number[] =>
      image.flatMap((line, r) => line.map((_, c) => read(r, c)));
    const moved = async (shift: number[], zoom: number[]): Promise<number[]> =>
      (await alongAxes(image, shift, zoom, 'zero')).slice(0, 30);
    expect(await moved([0, 0], [1, 1])).toEqual(image.flat());
    expect(await moved([2, -1], [1, 1])).toEqual(expected((r, c) => at(r + 2, c - 1)));
    expect(await moved([0, 0], [1, -1])).toEqual(expected((r, c) => at(r, 5 - c)));
    expect(await moved([0, 0], [-1, -1])).toEqual(expected((r, c) => at(4 - r, 5 - c)));
  });
});

describe('resampling of tall images', () => {
  it.each(BORDERS)('gathers rows as the products blend them, border %s', async (border) => {
    const stream = derive(5, 'tall');
    const tall = Array.from({ length: 70 }, () => Array.from({ length: 3 }, () => Math.fround(stream.normal())));
    const [shift, zoom] = [3.3, -1.1];
    const found = await alongAxes(tall, [shift, 0], [zoom, 1], border);
    const last = tall.length - 1;
    const at = (row: number, column: number): number => {
      if (border === 'zero') return tall[row]?.[column] ?? 0;
      const folded = border === 'edge' ? row : last - Math.abs(last - Math.abs(row));
      return tall[Math.min(last, Math.max(0, folded))][column];
    };
    const expected = tall.flatMap((line, r) =>
      line.map((_, c) => {
        const position = (r - last / 2) * zoom + last / 2 + shift;
        const upper = Math.floor(position);
        return at(upper, c) * (upper + 1 - position) + at(upper + 1, c) * (position - upper);
      }),
    );
    expected.forEach((value, i) => {
      expect(Math.abs(found[i] - value)).toBeLessThan(1e-4);
    });
  });
});

/** Many images, each through the same map, so that they are sampled in parts. */
async function mapped(
  image: Image,
  [[xx, xy], [yx, yy]]: readonly (readonly number[])[],
  [down, right]: readonly number[],
  border: (typeof BORDERS)[number],
  count = 1,
): Promise<number[]> {
  const [height, width] = [image.length, image[0].length];
  const all = (value: number) =>
    float32(
      [count, 1, 1],
      Array.from({ length: count }, () => value),
    );
  const { y } = await computed(
    {
      image: float32([count, 2, height, width], Array.from({ length: count }, () => twice(image)).flat()),
      xx: all(xx),
      xy: all(xy),
      yx: all(yx),
      yy: all(yy),
      x: all(right),
      y: all(down),
    },
    ({ b, inputs }) => {
      const { image: source, ...map } = inputs;
      const outside: Border = border === 'zero' ? b.scalar(0) : border;
      return { y: inParts(b, source, map, (part, of) => sampleAffine(b, part, of as never, outside)) };
    },
  );
  return y;
}

describe('sampling by an affine map', () => {
  it.each(goldens.maps.flatMap((golden, i) => BORDERS.map((border) => ({ i, border, golden }))))(
    'is scipy.ndimage.affine_transform: case $i, border $border',
    async ({ border, golden: { image, matrix, shift, moved } }) => {
      close(await mapped(image, matrix, shift, border), twice(moved[border]));
    },
  );

  it('gives the same however many images there are', async () => {
    const { image, matrix, shift, moved } = goldens.maps[3];
    const large = image.concat(...Array.from({ length: 40 }, () => image));
    const one = await mapped(large, matrix, shift, 'edge');
    const many = await mapped(large, matrix, shift, 'edge', 70);
    for (const i of [0, 33, 69]) expect(many.slice(i * one.length, (i + 1) * one.length)).toEqual(one);
    expect(moved.edge.flat()).not.toEqual(image.flat());
  });
});

describe('evenSizes', () => {
  it('shares out evenly', () => {
    expect(evenSizes(10, 4)).toEqual([2, 3, 2, 3]);
    expect(evenSizes(3, 5)).toEqual([1, 1, 1]);
  });
});
