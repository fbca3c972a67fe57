import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataOptionsSchema } from '../options.js';
import { resolveRoles } from '../roles.js';
import { Budget } from './budget.js';
import { parseIdx } from './idx.js';
import { elementsOf, type NdArray, stringsOf } from './nd-array.js';
import { parseNpy } from './npy.js';
import { readTable } from './read.js';
import { column, expectedValues, failure, golden, testFolder, valuesOf, write } from './testing.fixture.js';
import { readZip } from './zip.js';

const folder = await testFolder();

function idx(code: number, shape: readonly number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = code;
  header[3] = shape.length;
  for (const [axis, length] of shape.entries()) header.writeUInt32BE(length, 4 + 4 * axis);
  return Buffer.concat([header, data]);
}

/** A zip archive of one file, with whatever is to be wrong about it. */
function zip(
  name: string,
  content: Buffer,
  lies: { size?: number; crc?: number; offset?: number; flags?: number } = {},
): Buffer {
  const packed = deflateRawSync(content);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(8, 8);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(lies.flags ?? 0, 8);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(lies.crc ?? crc32(content), 16);
  central.writeUInt32LE(packed.length, 20);
  central.writeUInt32LE(lies.size ?? content.length, 24);
  central.writeUInt16LE(name.length, 28);
  central.writeUInt32LE(lies.offset ?? 0, 42);
  const start = local.length + name.length + packed.length;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length + name.length, 12);
  end.writeUInt32LE(start, 16);
  return Buffer.concat([local, Buffer.from(name), packed, central, Buffer.from(name), end]);
}

describe('npy', async () => {
  const { npy } = await expectedValues<{ npy: Record<string, { shape: number[]; values: unknown[] }> }>();

  it.each(Object.keys(npy))('parses %s as numpy wrote it', async (name) => {
    const array: NdArray = parseNpy(await readFile(golden(`${name}.npy`)), name);
    expect(array.shape).toEqual(npy[name].shape);
    const { type } = array;
    const values = type === 'string' ? stringsOf(array) : Array.from<number | bigint>(elementsOf({ ...array, type }));
    const plain = values.map((value) =>
      typeof value === 'bigint' ? String(value) : typeof value === 'number' && !Number.isFinite(value) ? null : value,
    );
    expect(plain.map((value, i) => (typeof npy[name].values[i] === 'boolean' ? value === 1 : value))).toEqual(
      npy[name].values,
    );
  });

  it('parses header versions 2 and 3', async () => {
    for (const version of [2, 3]) {
      const array = parseNpy(await readFile(golden(`version${version}.npy`)), '');
      expect(Array.from(array.data)).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
    }
  });

  it('refuses pickles and types that are no numbers', async () => {
    expect((await failure(readTable(golden('pickled.npy')))).code).toBe('DATA_PICKLE');
    for (const name of ['structured', 'complex']) {
      expect((await failure(readTable(golden(`${name}.npy`)))).code).toBe('DATA_TYPE_UNSUPPORTED');
    }
  });

  it('reads one array as a column', async () => {
    expect(column(await readTable(golden('matrix.npy')), 'matrix')).toMatchObject({ kind: 'array', shape: [2] });
    expect(valuesOf(await readTable(golden('i8_wide.npy')), 'i8_wide')).toEqual([
      '9007199254740993',
      '1152921504606846979',
    ]);
    expect(column(await readTable(golden('bool.npy')), 'bool')).toMatchObject({ kind: 'number', type: 'boolean' });
  });

  it('throws nothing but its own errors, whatever the bytes', async () => {
    const good = await readFile(golden('fortran.npy'));
    fc.assert(
      fc.property(
        fc.nat(good.length),
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
        (cut, edits) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of edits) bytes[at] = value;
          try {
            const array = parseNpy(bytes.subarray(0, cut), 'x');
            const { type } = array;
            if (type !== 'string') elementsOf({ ...array, type });
          } catch (error) {
            expect(error).toMatchObject({ name: 'BallastError' });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('npz', () => {
  it('joins the parts of an archive, and turns channels first', async () => {
    const { parts } = await expectedValues<{ parts: { image: number[]; label: number[] } }>();
    const table = await readTable(golden('parts.npz'));
    expect(column(table, 'image')).toMatchObject({ content: 'image', shape: [3, 5, 3] });
    expect(valuesOf(table, 'image')).toEqual(parts.image);
    expect(valuesOf(table, 'label')).toEqual(parts.label.map(String));
    expect(valuesOf(table, 'split')).toEqual(['train', 'train', 'train', 'test']);
    // Which part a row is of is nothing that a model will be asked with.
    const featuresOf = (features: object): readonly string[] =>
      resolveRoles(table, dataOptionsSchema.parse({ source: 'parts.npz', target: 'label', features })).features;
    expect(featuresOf({})).toEqual(['image']);
    expect(featuresOf({ include: ['split'] })).toEqual(['image', 'split']);
  });

  it('reads x and y, and zip64', async () => {
    const table = await readTable(golden('plain.npz'));
    expect(column(table, 'features')).toMatchObject({ content: 'features', shape: [3] });
    expect(valuesOf(table, 'label')).toEqual([0.5, 1.5, -2, 0]);
    expect(valuesOf(await readTable(golden('zip64.npz')), 'a')).toEqual([0, 1, 2]);
  });

  it('refuses archives that lie', async () => {
    const array = await readFile(golden('f8.npy'));
    const bad = (content: Buffer, options = {}) =>
      write(folder, 'x.npz', content).then((path) => failure(readTable(path, options)));
    expect((await bad(zip('a.npy', array, { size: 20 }))).code).toBe('DATA_CORRUPT');
    expect((await bad(zip('a.npy', array, { size: 1e9 }), { maxBytes: 1e6 })).code).toBe('DATA_TOO_LARGE');
    expect((await bad(zip('a.npy', array, { crc: 1 }))).message).toContain('checksum');
    expect((await bad(zip('a.npy', array, { offset: 1e9 }))).code).toBe('DATA_CORRUPT');
    expect((await bad(zip('a.npy', array, { flags: 1 }))).message).toContain('encrypted');
    expect((await bad(zip('a.npy', Buffer.alloc(5e6)), { maxBytes: 1e6 })).code).toBe('DATA_TOO_LARGE');
    expect((await bad(Buffer.from('PK'))).code).toBe('DATA_CORRUPT');
    expect((await bad(zip('a.txt', array))).code).toBe('DATA_EMPTY');
    const whole = await readFile(golden('parts.npz'));
    expect((await bad(whole.subarray(0, whole.length - 60))).code).toBe('DATA_CORRUPT');
  });

  it('throws nothing but its own errors, whatever the bytes', async () => {
    const good = await readFile(golden('plain.npz'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (edits) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of edits) bytes[at] = value;
          const path = await write(folder, 'fuzz.npz', bytes);
          try {
            const budget = new Budget(1e6);
            await readZip(
              path,
              (name, bytes) => budget.spend(bytes, name),
              () => {},
            );
          } catch (error) {
            expect(error).toMatchObject({ name: 'BallastError' });
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('idx', () => {
  const pixels = Uint8Array.from({ length: 24 }, (_, i) => i * 10);

  it('reads images with the labels beside them', async () => {
    await write(folder, 'train-images-idx3-ubyte.gz', gzipSync(idx(8, [2, 3, 4], pixels)));
    await write(folder, 'train-labels-idx1-ubyte', idx(8, [2], Uint8Array.of(7, 2)));
    const table = await readTable(join(folder, 'train-images-idx3-ubyte.gz'));
    expect(column(table, 'image')).toMatchObject({ content: 'image', shape: [1, 3, 4] });
    expect(valuesOf(table, 'image')).toEqual(Array.from(pixels));
    expect(valuesOf(table, 'label')).toEqual(['7', '2']);
  });

  it('parses big-endian numbers', () => {
    const floats = Buffer.alloc(8);
    floats.writeFloatBE(1.5, 0);
    floats.writeFloatBE(-2, 4);
    const array = parseIdx(idx(13, [2], floats), 'x');
    expect(Array.from(elementsOf({ ...array, type: 'float32' }) as Float32Array)).toEqual([1.5, -2]);
  });

  it('refuses what is truncated, too long or of other length than its labels', async () => {
    const bad = async (bytes: Buffer) => (await failure(readTable(await write(folder, 'bad.idx', bytes)))).code;
    expect(await bad(idx(8, [2, 3, 4], pixels.subarray(1)))).toBe('DATA_CORRUPT');
    expect(await bad(idx(8, [4_000_000_000, 4_000_000_000], pixels))).toBe('DATA_CORRUPT');
    expect(await bad(idx(7, [24], pixels))).toBe('DATA_CORRUPT');
    expect(await bad(Buffer.from([0, 0, 8]))).toBe('DATA_CORRUPT');
    expect(await bad(Buffer.from([0, 0, 8, 3, 0]))).toBe('DATA_CORRUPT');
    expect(await bad(idx(8, [0], new Uint8Array(0)))).toBe('DATA_EMPTY');
    await write(folder, 'odd-images-idx3-ubyte', idx(8, [2, 3, 4], pixels));
    await write(folder, 'odd-labels-idx1-ubyte', idx(8, [3], Uint8Array.of(1, 2, 3)));
    expect((await failure(readTable(join(folder, 'odd-images-idx3-ubyte')))).code).toBe('DATA_ROWS_DIFFER');
  });
});

describe('JSON files of numbers', () => {
  it('makes a class of each file', async () => {
    const classes = await testFolder();
    await write(classes, 'one.json', JSON.stringify({ data: [0, 0.2, 0.4, 1] }));
    await write(classes, 'two.json', JSON.stringify([0, 0, 0, 0.992, 1, 1, 1, 1]));
    const table = await readTable(classes, { image: { size: 2 } });
    expect(column(table, 'image')).toMatchObject({
      content: 'image',
      shape: [1, 2, 2],
      data: expect.any(Uint8Array) as unknown,
    });
    expect(valuesOf(table, 'image')).toEqual([0, 51, 102, 255, 0, 0, 0, 253, 255, 255, 255, 255]);
    expect(valuesOf(table, 'label')).toEqual(['one', 'two', 'two']);
    expect((await failure(readTable(classes))).code).toBe('DATA_IMAGE_SIZE');
    expect((await failure(readTable(classes, { image: { size: 3 } }))).code).toBe('DATA_IMAGE_SIZE');
    await write(classes, 'three.json', '{"data": [1, "2", 3, 4]}');
    expect((await failure(readTable(classes, { image: { size: 2 } }))).code).toBe('DATA_JSON');
  });
});

it('follows no link out of a package', async () => {
  const base = await testFolder();
  const { mkdir } = await import('node:fs/promises');
  await mkdir(join(base, 'node_modules', 'kit'), { recursive: true });
  await write(join(base, 'node_modules', 'kit'), 'data.csv', 'a\n1\n2\n');
  await write(base, 'secret.csv', 'a\n9\n');
  await symlink(join(base, 'secret.csv'), join(base, 'node_modules', 'kit', 'link.csv'));
  const read = (source: string) => readTable(source, { baseDirectory: base });
  expect(valuesOf(await read('npm:kit/data.csv'), 'a')).toEqual([1, 2]);
  expect((await failure(read('npm:kit/link.csv'))).code).toBe('DATA_PATH_OUTSIDE');
  expect((await failure(read('npm:kit/*.csv'))).code).toBe('DATA_PATH_OUTSIDE');
  expect((await failure(read('npm:kit/../../secret.csv'))).code).toBe('DATA_PATH_OUTSIDE');
  expect((await failure(read('npm:kit/none.csv'))).code).toBe('DATA_NOT_FOUND');
  expect((await failure(read('npm:absent-package-of-this-test/a.csv'))).code).toBe('DATA_PACKAGE_MISSING');
  expect((await failure(read('npm:../kit/a.csv'))).code).toBe('DATA_SOURCE');
});
