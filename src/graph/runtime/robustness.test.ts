import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { float32, int64 } from '../tensor.js';
import { encodeModel } from './minimal-model.js';
import { CLASSIFIER, classifierFeeds, failure, RUNTIMES } from './models.fixture.js';
import type { Session } from './runtime.js';

describe.each(RUNTIMES.map((runtime) => ({ name: runtime.name, runtime })))('$name', ({ runtime }) => {
  it('survives models with bytes changed at random', async () => {
    const change = fc.record({ at: fc.nat(), to: fc.constantFrom(0, 1, 127, 128, 255) });
    const changes = fc.array(change, { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const bytes = Uint8Array.from(CLASSIFIER);
        for (const { at, to } of list) bytes[at % bytes.length] = to;
        const outcome = await runtime.load(bytes).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'MODEL_REJECTED' });
        else (outcome as Session).release();
      }),
      { numRuns: 200 },
    );
  });

  describe('loading', () => {
    const good = CLASSIFIER;
    const unknownOperator = encodeModel({
      nodes: [{ op: 'Frobnicate', inputs: ['x'], outputs: ['y'] }],
      inputs: [['x', 'float32', [1]]],
      outputs: [['y', 'float32', [1]]],
    });
    const cycle = encodeModel({
      nodes: [
        { op: 'Add', inputs: ['x', 'b'], outputs: ['a'] },
        { op: 'Relu', inputs: ['a'], outputs: ['b'] },
      ],
      inputs: [['x', 'float32', [1]]],
      outputs: [['b', 'float32', [1]]],
    });
    const hugeInitializer = encodeModel({
      nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
      inputs: [['x', 'float32', [1]]],
      outputs: [['y', 'float32', ['n']]],
      initializers: [{ name: 'w', dims: [2_500_000_000n], dataType: 1, rawData: new Uint8Array(8) }],
    });
    it.each([
      ['nothing', new Uint8Array(0)],
      ['noise', Uint8Array.from({ length: 500 }, (_, i) => (i * 31) & 255)],
      ['a truncated model', good.subarray(0, good.length >> 1)],
      ['an unknown operator', unknownOperator],
      ['a cycle', cycle],
      ['10 GB declared and 8 bytes given', hugeInitializer],
      ['the runtime’s own format', new TextEncoder().encode('\x10\0\0\0ORTM and then some')],
    ])('refuses %s', async (_, bytes) => {
      const error = await failure(() => runtime.load(bytes));
      expect(error).toMatchObject({ name: 'BallastError', code: 'MODEL_REJECTED', kind: 'input' });
    });

    it('names the operator that it does not know', async () => {
      expect(String(await failure(() => runtime.load(unknownOperator)))).toContain('Frobnicate');
    });

    it('refuses a provider that is not there, and a number of threads that is none', async () => {
      expect(await failure(() => runtime.load(good, { provider: 'cuda' }))).toMatchObject({
        code: 'PROVIDER_ABSENT',
        kind: 'environment',
        remedy: 'Use one of: cpu.',
      });
      for (const threads of [0, -1, 1.5, Number.NaN, 1e9]) {
        expect(await failure(() => runtime.load(good, { threads }))).toMatchObject({ code: 'THREADS_INVALID' });
      }
    });

    it.each(['all', 'extended', 'basic', 'none'] as const)('takes optimization %s and two threads', async (level) => {
      const session = await runtime.load(good, { optimization: level, threads: 2 });
      const { p } = await session.run(classifierFeeds(2));
      const [a, b, c] = p!.data as Float32Array;
      expect(a! + b! + c!).toBeCloseTo(1, 6);
      session.release();
    });

    it('reads the bytes before it returns', async () => {
      const bytes = Uint8Array.from(good);
      const loading = runtime.load(bytes);
      if (runtime.name === 'ffi') bytes.fill(0);
      const session = await loading;
      session.release();
    });
  });

  describe('external data', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballast-external-'));
    const inside = join(folder, 'model');
    mkdirSync(inside);
    writeFileSync(join(inside, 'w.bin'), new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer));
    writeFileSync(join(folder, 'secret.bin'), new Uint8Array(16));
    symlinkSync('../secret.bin', join(inside, 'link.bin'));
    afterAll(() => rmSync(folder, { recursive: true }));
    const refersTo = (location: string): Uint8Array =>
      encodeModel({
        nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
        inputs: [['x', 'float32', [4]]],
        outputs: [['y', 'float32', [4]]],
        initializers: [
          { name: 'w', dims: [4n], dataType: 1, dataLocation: 1, externalData: [{ key: 'location', value: location }] },
        ],
      });

    it('is read from the folder that is named', async () => {
      const session = await runtime.load(refersTo('w.bin'), { externalData: inside });
      const { y } = await session.run({ x: float32([4], [10, 10, 10, 10]) });
      expect(y!.data).toEqual(Float32Array.of(11, 12, 13, 14));
      session.release();
    });

    it.each([
      ['above the folder', '../secret.bin', inside],
      ['at an absolute path', join(folder, 'secret.bin'), inside],
      ['behind a link out of the folder', 'link.bin', inside],
      ['that is missing', 'none.bin', inside],
      ['without a folder', 'w.bin', undefined],
    ])('is refused %s', async (_, location, externalData) => {
      const options = externalData === undefined ? {} : { externalData };
      expect(await failure(() => runtime.load(refersTo(location), options))).toMatchObject({
        code: 'MODEL_REJECTED',
        remedy: 'Keep the external data files in the folder of the model.',
      });
    });
  });

  it('reports what fails while a model runs', async () => {
    const session = await runtime.load(
      encodeModel({
        nodes: [{ op: 'Gather', inputs: ['x', 'i'], outputs: ['y'] }],
        inputs: [
          ['x', 'float32', [3]],
          ['i', 'int64', [1]],
        ],
        outputs: [['y', 'float32', [1]]],
      }),
    );
    const error = await failure(() => session.run({ x: float32([3], [1, 2, 3]), i: int64([1], [7]) }));
    expect(error).toMatchObject({ code: 'RUN_FAILED', kind: 'input' });
    expect((error as Error).message).toMatch(/Gather_0.*idx=7/);
    expect((error as Error).message).not.toContain('onnxruntime_src');
    const { y } = await session.run({ x: float32([3], [1, 2, 3]), i: int64([1], [2]) });
    expect(y!.data).toEqual(Float32Array.of(3));
    session.release();
  });

  it('reports memory that is not there as a fault of the machine', async () => {
    const session = await runtime.load(
      encodeModel({
        nodes: [{ op: 'ConstantOfShape', inputs: ['shape'], outputs: ['y'] }],
        inputs: [['shape', 'int64', [1]]],
        outputs: [['y', 'float32', ['n']]],
      }),
    );
    const error = await failure(() => session.run({ shape: int64([1], [2n ** 48n]) }));
    expect(error).toMatchObject({ code: 'RUN_FAILED', kind: 'environment' });
    session.release();
  });

  it('refuses to allocate what no array can hold', () => {
    for (const shape of [[2_500_000_000], [1 << 20, 1 << 20], [-1], [1.5]]) {
      expect(() => runtime.allocate('float32', shape)).toThrowError(
        expect.objectContaining({ code: 'TENSOR_TOO_LARGE' }),
      );
    }
  });

  it('holds memory steady over 2,000 runs and 100 sessions', { timeout: 120_000 }, async () => {
    const session = await runtime.load(CLASSIFIER);
    const feeds = classifierFeeds(2000);
    const cycle = async (runs: number, sessions: number): Promise<void> => {
      for (let i = 0; i < runs; i++) await session.run(feeds);
      for (let i = 0; i < sessions; i++) (await runtime.load(CLASSIFIER)).release();
    };
    await cycle(300, 20);
    const before = process.memoryUsage.rss();
    await cycle(2000, 100);
    // One leaked tensor per run would be 2,000 x 24 kB = 48 MB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(24e6);
    session.release();
  });
});
