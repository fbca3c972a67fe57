import { beforeAll, describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { expectGoldenGradient, type GoldenNetwork, readGolden } from '../../../test/support/golden-network.js';
import { gradients } from '../../graph/gradients.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import { ganinRamp, reverseGradient } from './index.js';

const golden = readGolden<GoldenNetwork>(import.meta.url, 'domain-adversarial');

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('domain-adversarial against PyTorch', () => {
  it.each(golden.cases.map((test, i) => ({ i, test })))('case $i', ({ test }) =>
    expectGoldenGradient(runtime, golden, test),
  );
});

describe('reverseGradient', () => {
  it('is the identity, to the bit, with -lambda times its gradient', async () => {
    const x = [0.1, -3.25, 1e-20, 7e5].map(Math.fround);
    const found = await computed({ x: float32([4], x), lambda: float32([], [0.3]) }, ({ b, inputs }) => {
      const y = reverseGradient(b, inputs.x, inputs.lambda);
      return { y, gradient: gradients(b, b.reduceSum(b.mul(y, 2)), [inputs.x])[0]! };
    });
    expect(found.y).toEqual(x);
    for (const value of found.gradient) expect(value).toBeCloseTo(-0.6, 6);
  });
});

describe('ganinRamp', () => {
  it('grows from 0 to 1 as in section 5.2.2 of the paper', () => {
    expect(ganinRamp(0)).toBe(0);
    expect(ganinRamp(0.1)).toBeCloseTo(Math.tanh(0.5), 12);
    expect(ganinRamp(0.5)).toBeCloseTo(0.98661, 5);
    expect(ganinRamp(1)).toBeCloseTo(0.99991, 5);
  });
});
