import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { openRuntimes, problem, trained } from '../../../test/support/training-problem.js';
import { gradients } from '../../graph/gradients.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import { inFormat, rounded } from './index.js';

type Number_ = number | 'inf' | '-inf';
const GOLDENS = JSON.parse(readFileSync(new URL('goldens/formats.json', import.meta.url), 'utf8')) as {
  readonly x: readonly number[];
  readonly bf16: readonly Number_[];
  readonly fp16: readonly Number_[];
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = (await openRuntimes()).ffi;
});

describe('rounding', () => {
  it.each(['bf16', 'fp16'] as const)("to %s is PyTorch's to the bit, beyond the range and below it", async (format) => {
    const { y } = await computed({ x: float32([GOLDENS.x.length], GOLDENS.x) }, ({ b, inputs }) => ({
      y: rounded(b, inputs.x, format),
    }));
    const expected = GOLDENS[format].map((v) => (v === 'inf' ? Infinity : v === '-inf' ? -Infinity : v));
    expect(y).toEqual(expected);
  });

  it('of a gradient loses what is small, and loss scaling keeps it', async () => {
    const feeds = { x: float32([2], [1, 2]), seed: float32([2], [1e-8, 1e-3]), scale: float32([], [65_536]) };
    const found = await computed(feeds, ({ b, inputs: { x, seed, scale } }) => {
      const slope = (factor: typeof scale): typeof x =>
        gradients(b, b.reduceSum(b.mul(inFormat(b, x, 'fp16', factor), seed)), [x])[0]!;
      return { plain: slope(b.scalar(1)), scaled: slope(scale) };
    });
    expect(found.plain[0]).toBe(0);
    expect(found.scaled[0]).toBeCloseTo(1e-8, 11);
    expect(found.plain[1]).toBeCloseTo(1e-3, 6);
  });
});

describe('a run in mixed precision', () => {
  const of = (given: Record<string, unknown>, training: Record<string, unknown> = {}) =>
    trained(
      runtime,
      problem({ training: { epochs: 4, ...training }, regularizers: [{ type: 'mixed-precision', ...given }] }),
    );

  it('exports weights that the format holds, near those of float32', async () => {
    const plain = await trained(runtime, problem({ training: { epochs: 4 } }));
    const { graph, findings, history } = await of({});
    const scratch = new DataView(new ArrayBuffer(4));
    for (const value of graph.initializers.get('dense1.weight')!.data as Float32Array) {
      scratch.setFloat32(0, value);
      expect(scratch.getUint16(2)).toBe(0);
    }
    expect(history.at(-1)!.train.logLoss).toBeCloseTo(plain.history.at(-1)!.train.logLoss, 1);
    expect(findings.map(({ code }) => code)).toEqual(['MIXED_PRECISION_FIT']);
  });

  it('tells of overflow, skips those steps, and lowers the scale until it fits', async () => {
    const { findings, outcome, history } = await of({ format: 'fp16', initialScale: 2 ** 40 });
    expect(findings.map(({ code }) => code)).toContain('MIXED_PRECISION_OVERFLOW');
    expect(outcome).toBe('completed');
    expect(history.every(({ trainLoss }) => Number.isFinite(trainLoss))).toBe(true);
  });

  it('tells of gradients that are lost where the scale is too small', async () => {
    const { findings } = await of({ format: 'fp16', initialScale: 2 ** -20 });
    expect(findings.map(({ code }) => code)).toContain('MIXED_PRECISION_UNDERFLOW');
  });
});
