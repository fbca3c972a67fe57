import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { openRuntimes, problem, trained, weightBytes } from '../../../test/support/training-problem.js';
import { float32 } from '../../graph/tensor.js';
import { adam, type Optimizer, sgd } from '../optimizers.js';
import { UpdateMemory } from './memory.js';

const OPTIMIZERS: readonly [string, Optimizer][] = [
  ['plain descent', sgd({ momentum: 0, nesterov: false })],
  ['momentum', sgd({ momentum: 0.9, nesterov: false })],
  ['Nesterov momentum', sgd({ momentum: 0.8, nesterov: true })],
  ['Adam', adam('adam', { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 })],
];

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(OPTIMIZERS)('the kernel of %s', (_name, optimizer) => {
  it('has the bits of the optimizer graph, whatever the length', async () => {
    const number = fc.float({ min: -10, max: 10, noNaN: true });
    const weight = fc.tuple(number, number, fc.float({ min: 0, max: 10, noNaN: true }), number);
    const scene = fc.record({
      weights: fc.array(weight, { minLength: 1, maxLength: 40 }),
      step: fc.integer({ min: 1, max: 5000 }),
      learningRate: fc.constantFrom(0.1, 1e-3, 3e-5),
      kept: fc.constantFrom(1, 0.99, 0.5),
    });
    await fc.assert(
      fc.asyncProperty(scene, async ({ weights, step, learningRate, kept }) => {
        const shape = [weights.length];
        const columns = [0, 1, 2, 3].map((column) => Float32Array.from(weights, (values) => values[column]));
        const slots = columns.slice(1, 1 + optimizer.slots.length);
        const [parameter, gradient] = [columns[0], columns[3]];
        const position = { step, learningRate };

        const memory = UpdateMemory.create([shape, ...slots.map(() => shape), shape])!;
        const arrays = [parameter, ...slots, gradient].map((values) => {
          const array = memory.array(shape);
          array.set(values);
          return array;
        });
        const addresses = arrays.map(({ byteOffset }) => byteOffset);
        optimizer.update(
          memory.kernels,
          {
            parameter: addresses[0],
            slots: addresses.slice(1, -1),
            gradient: addresses[addresses.length - 1],
            length: weights.length,
          },
          position,
          kept,
        );

        const named = Object.fromEntries(optimizer.slots.map((slot, i) => [slot, float32(shape, slots[i])]));
        const feeds = { parameter: float32(shape, parameter), gradient: float32(shape, gradient), ...named };
        const expected = await computed(feeds, ({ b, inputs }) => {
          const scalar = (name: string) => b.scalar(optimizer.scalars[name](position));
          const result = optimizer.step(b, {
            gradient: inputs.gradient,
            slots: optimizer.slots.map((slot) => inputs[slot]),
            learningRate: b.scalar(learningRate),
            scalar,
          });
          const old = kept === 1 ? inputs.parameter : b.mul(inputs.parameter, kept);
          const slotResults = Object.fromEntries(optimizer.slots.map((slot, i) => [slot, result.slots[i]]));
          return { parameter: b.sub(old, result.displacement), ...slotResults };
        });
        ['parameter', ...optimizer.slots].forEach((name, i) => {
          expect(Array.from(arrays[i])).toEqual(expected[name]);
        });
      }),
      { numRuns: 25 },
    );
  });
});

describe('updates by the host', () => {
  it('train to the same bytes as updates in the graph, on both runtimes', async () => {
    const given = problem({
      model: { type: 'cnn', layers: [{ conv: 4, normalization: 'batch' }, { pool: 2 }, { dense: 6 }] },
      inputs: [{ name: 'picture', content: 'image', type: 'float32', shape: [2, 6, 6] }],
      regularizers: [
        { type: 'weight-decay', strength: 0.1, schedule: { from: 0, to: 1, over: 2 } },
        { type: 'dropout', strength: 0.2 },
      ],
    });
    for (const runtime of Object.values(await openRuntimes())) {
      const onHost = weightBytes(await trained(runtime, given));
      const refuse = vi.spyOn(UpdateMemory, 'create').mockReturnValue(undefined);
      const inGraph = weightBytes(await trained(runtime, given));
      expect(refuse).toHaveBeenCalled();
      refuse.mockRestore();
      expect(onHost).toEqual(inGraph);
    }
  });
});

describe('UpdateMemory', () => {
  it('gives arrays that do not overlap, each on a cache line', () => {
    const shapes = [[3], [64], [], [5, 7]];
    const memory = UpdateMemory.create(shapes)!;
    const arrays = shapes.map((shape) => memory.array(shape));
    arrays.forEach((array, i) => {
      expect(array.byteOffset % 64).toBe(0);
      array.fill(i + 1);
    });
    arrays.forEach((array, i) => {
      expect(new Set(array)).toEqual(new Set([i + 1]));
    });
  });

  it('is absent where 32-bit addresses do not reach', () => {
    expect(UpdateMemory.create([[2 ** 30]])).toBeUndefined();
  });
});

describe('update.wasm', () => {
  it('is what assembly/update.ts compiles to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballast-wasm-'));
    try {
      const root = join(import.meta.dirname, '../../..');
      await promisify(execFile)(process.execPath, [join(root, 'scripts/build-wasm.mjs'), folder]);
      expect(readFileSync(join(folder, 'update.wasm'))).toEqual(readFileSync(join(import.meta.dirname, 'update.wasm')));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
