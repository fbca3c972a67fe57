import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.js';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-checkpoint-'));
  path = join(folder, 'run.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

const CHECKPOINT: Checkpoint = {
  progress: {
    seed: 7,
    epoch: 3,
    batch: 5,
    step: 41,
    lossSum: 1.25,
    seconds: 0.5,
    history: [
      {
        epoch: 1,
        trainLoss: Number.NaN,
        learningRate: 0.1,
        train: { accuracy: 0.5, 'f1.group': Number.NaN },
        validation: { accuracy: Number.NEGATIVE_INFINITY },
        gap: -0.125,
        seconds: 1,
      },
    ],
    monitors: [{ best: Number.NaN, bestEpoch: 0 }, {}],
    plateau: { best: Number.POSITIVE_INFINITY, waiting: 0, drops: 0 },
    bestEpoch: 2,
  },
  state: new Map([
    ['parameter.a/b', Float32Array.of(1, -0, Number.NaN, 3.4e38)],
    ['momentum.a', new Float32Array(0)],
    ['buffer.ü', Float32Array.of(1e-45)],
  ]),
  kept: { epoch: 2, monitored: true, weights: new Map([['parameter.a/b', Float32Array.of(0.5, 1, 2, 3)]]) },
};

const bits = (arrays: ReadonlyMap<string, Float32Array>): [string, string][] =>
  [...arrays].map(([name, values]) => [
    name,
    Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex'),
  ]);

function expectSame(found: Checkpoint, expected: Checkpoint): void {
  expect(found.progress).toEqual(expected.progress);
  expect(bits(found.state)).toEqual(bits(expected.state));
  expect(bits(found.kept.weights)).toEqual(bits(expected.kept.weights));
  expect({ ...found.kept, weights: 0 }).toEqual({ ...expected.kept, weights: 0 });
}

describe('a checkpoint file', () => {
  it('gives back what was written, to the bit, undefined metrics included', async () => {
    await writeCheckpoint(path, CHECKPOINT);
    expectSame(await readCheckpoint(path), CHECKPOINT);
  });

  it('replaces the one before and leaves nothing else behind', async () => {
    await writeCheckpoint(path, CHECKPOINT);
    const later = { ...CHECKPOINT, progress: { ...CHECKPOINT.progress, epoch: 4 } };
    await writeCheckpoint(path, later);
    expectSame(await readCheckpoint(path), later);
    expect(await readdir(folder)).toEqual(['run.safetensors']);
  });

  it('is in the safetensors layout', async () => {
    await writeCheckpoint(path, CHECKPOINT);
    const bytes = await readFile(path);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<string, Record<string, unknown>>;
    expect(Object.values(header.__metadata__).every((value) => typeof value === 'string')).toBe(true);
    expect(header['state/parameter.a/b']).toEqual({ dtype: 'F32', shape: [4], data_offsets: [0, 16] });
    expect(bytes.length).toBe(8 + length + 4 * (4 + 0 + 1 + 4));
  });

  it('leaves the old file where it cannot be written', async () => {
    await expect(writeCheckpoint(join(folder, 'absent', 'x'), CHECKPOINT)).rejects.toMatchObject({
      code: 'FILE_WRITE',
      kind: 'environment',
    });
  });
});

describe('a damaged checkpoint', () => {
  it('is refused whichever bytes change, never read as other weights', async () => {
    await writeCheckpoint(path, CHECKPOINT);
    const whole = await readFile(path);
    const damaged = join(folder, 'damaged');
    const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Buffer.from(whole);
        for (const { at, to } of changes) bytes[at] = to;
        await writeFile(damaged, bytes);
        await expectRefusedOrSame(damaged);
      }),
      { numRuns: 400 },
    );
  });

  it('is refused at whichever length it was cut, or with more behind it', async () => {
    await writeCheckpoint(path, CHECKPOINT);
    const whole = await readFile(path);
    const damaged = join(folder, 'damaged');
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(damaged, whole.subarray(0, length));
      await expect(readCheckpoint(damaged)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT', place: damaged });
    }
    await writeFile(damaged, Buffer.concat([whole, Buffer.alloc(4)]));
    await expect(readCheckpoint(damaged)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  });

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['a header of 2^63 bytes', Buffer.concat([u64(2n ** 63n), Buffer.from('{}')])],
    ['no JSON', Buffer.concat([u64(3n), Buffer.from('{a}')])],
    ['no object', Buffer.concat([u64(2n), Buffer.from('[]')])],
    ['another format', header({ __metadata__: { format: 'pt' } })],
    ['an array of huge extent', header({ x: { data_offsets: [0, 2 ** 52] } })],
    ['an array before the start', header({ x: { data_offsets: [-4, 0] } })],
    ['overlapping arrays', header({ x: { data_offsets: [0, 4] }, y: { data_offsets: [0, 4] } }, 4)],
    ['half a float', header({ x: { data_offsets: [0, 2] } }, 2)],
    ['fractional offsets', header({ x: { data_offsets: [0, 1.5] } }, 2)],
  ])('is refused: %s', async (_title, bytes) => {
    const damaged = join(folder, 'damaged');
    await writeFile(damaged, bytes);
    await expect(readCheckpoint(damaged)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  });

  async function expectRefusedOrSame(file: string): Promise<void> {
    let read: Checkpoint;
    try {
      read = await readCheckpoint(file);
    } catch (error) {
      expect(error).toMatchObject({ code: 'CHECKPOINT_CORRUPT', place: file });
      return;
    }
    // White space for white space in the header, or the same bytes again.
    expectSame(read, CHECKPOINT);
  }
});

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

function header(entries: object, data = 0): Buffer {
  const metadata = { format: 'ballast-checkpoint-2', progress: '{}', sha256: '00' };
  const json = Buffer.from(JSON.stringify({ __metadata__: metadata, ...entries }));
  return Buffer.concat([u64(BigInt(json.length)), json, Buffer.alloc(data)]);
}
