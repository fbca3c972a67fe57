import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Computation, computed, stepContext } from '../../../test/support/computed.js';
import { farthest, float64, valueAndGradients } from '../../../test/support/gradients.js';
import type { Value } from '../../graph/builder.js';
import { float32 } from '../../graph/tensor.js';
import type { StepView } from '../regularizer.js';
import { gradientPenalty, squaredGradient } from './index.js';

interface Expected {
  readonly value: number;
  readonly gradients: readonly [w1: number[][], b1: number[], w2: number[][]];
}

interface Golden {
  readonly activation: 'tanh' | 'relu';
  readonly x: number[][];
  readonly labels: number[];
  readonly w1: number[][];
  readonly b1: number[];
  readonly w2: number[][];
  readonly loss: Expected | null;
  readonly jacobian: Expected;
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/gradient-penalty.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

const feedsOf = ({ x, w1, b1, w2, labels }: Golden) => ({
  x: float64([x.length, x[0].length], x.flat()),
  w1: float64([w1.length, w1[0].length], w1.flat()),
  b1: float64([b1.length], b1),
  w2: float64([w2.length, w2[0].length], w2.flat()),
  hot: float64(
    [x.length, w2[0].length],
    labels.flatMap((label) => w2[0].map((_, i) => (i === label ? 1 : 0))),
  ),
});

const networkOf = ({ b, inputs: { x, w1, b1, w2 } }: Computation, activation: 'tanh' | 'relu'): Value =>
  b.matMul(b[activation](b.add(b.matMul(x, w1), b1)), w2);

function expectAs(found: Awaited<ReturnType<typeof valueAndGradients>>, { value, gradients }: Expected): void {
  expect(found.value).toBeCloseTo(value, 10);
  ['w1', 'b1', 'w2'].forEach((name, i) => {
    const expected = (gradients[i] as number[]).flat();
    // Nothing depends on the biases of a ReLU network but which units are on.
    expect(farthest(found.gradients[name] ?? expected.map(() => 0), expected)).toBeLessThan(1e-10);
  });
}

describe('squaredGradient', () => {
  const classified = cases.filter(({ loss }) => loss !== null);
  it.each(classified)("of the loss of $activation units is PyTorch's, with its own gradients", async (golden) => {
    const found = await valueAndGradients(feedsOf(golden), (computation) => {
      const { b, inputs } = computation;
      const loss = b.neg(b.reduceSum(b.mul(b.logSoftmax(networkOf(computation, golden.activation)), inputs.hot)));
      return squaredGradient(b, loss, [inputs.x])!;
    });
    expectAs(found, golden.loss!);
  });

  it.each(cases)("of every output of $activation units adds up to PyTorch's Jacobian", async (golden) => {
    const outputs = golden.w2[0].length;
    const found = await valueAndGradients(feedsOf(golden), (computation) => {
      const { b, inputs } = computation;
      const columns = b.split(
        networkOf(computation, golden.activation),
        golden.w2[0].map(() => 1),
        1,
      );
      return columns.map((column) => squaredGradient(b, b.reduceSum(column), [inputs.x])!).reduce(b.add);
    });
    expectAs(found, golden.jacobian);
    expect(outputs).toBeGreaterThan(0);
  });
});

describe('gradient-penalty of the output', () => {
  const [golden] = cases;
  const [rows, outputs] = [golden.x.length, golden.w2[0].length];

  it('is lambda / 2 times the mean squared Jacobian, on average over its projections', async () => {
    const feeds = Object.fromEntries(
      Object.entries(feedsOf(golden)).map(([name, { shape, data }]) => [
        name,
        float32(shape, Float32Array.from(data as Float64Array)),
      ]),
    );
    const { y: values } = await computed({ ...feeds, strength: float32([], [0.6]) }, (computation) => {
      const { strength, x } = computation.inputs;
      const context = stepContext(computation, strength, { inputs: [], batchSize: rows, outputs });
      const logits = networkOf(computation, golden.activation);
      const view = { logits, batch: { inputs: { x }, target: x } } as unknown as StepView;
      // Each call draws anew.
      const draws = Array.from({ length: 80 }, () =>
        computation.b.reshape(gradientPenalty.hooks.objective!(context, { of: 'output' }, [], view)!, [1]),
      );
      return { y: computation.b.concat(draws, 0) };
    });
    const mean = values.reduce((a, b) => a + b) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
    expect(Math.abs(mean - (0.6 / 2) * (golden.jacobian.value / rows))).toBeLessThan(
      (5 * deviation) / Math.sqrt(values.length),
    );
  });
});
