import { beforeAll, describe, expect, it } from 'vitest';
import { ATTACK_FEEDS, ATTACK_GOLDENS, goldenNetwork, worstOf } from '../../../test/support/attack-goldens.js';
import { computed } from '../../../test/support/computed.js';
import { GraphBuilder } from '../../graph/builder.js';
import type { Graph } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { type AttackTarget, attack } from './attack.js';
import { attackOptions, parseAttack } from './options.js';
import { type Ball, climb, drawInBall } from './perturb.js';
import { measureRobustness } from './robustness.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('projected gradient ascent in a graph', () => {
  it.each(ATTACK_GOLDENS.attacks.map((golden) => ({ ...golden, title: `${golden.steps} steps in ${golden.norm}` })))(
    "finds PyTorch's points: $title",
    async ({ norm, epsilon, stepSize, steps, range, start, points }) => {
      const feeds = { ...ATTACK_FEEDS, start: { ...ATTACK_FEEDS.x, data: Float64Array.from(start) } };
      const { found } = await computed(feeds, ({ b, inputs }) => {
        const network = goldenNetwork(b, inputs);
        const ball: Ball = { center: { x: inputs.x }, epsilon, norm, range: range ?? undefined };
        const hot = b.oneHot(inputs.y, 3, 'float64');
        const result = climb(b, ball, {
          steps,
          stepSize,
          start: { x: inputs.start },
          lossOf: (at) => b.neg(b.reduceSum(b.mul(b.logSoftmax(network(at).logits), hot), [1])),
        });
        return { found: result.x };
      });
      // PyTorch's renorm divides by the length plus 1e-7.
      expect(worstOf(found, points)).toBeLessThan(norm === 'l2' ? 1e-6 : 1e-12);
    },
  );

  it.each(['linf', 'l2'] as const)('draws uniformly from the ball of %s', async (norm) => {
    const [rows, dimension, epsilon] = [4000, 3, 0.5];
    const { x } = await computed(
      { center: float32([rows, dimension], new Float32Array(rows * dimension).fill(2)) },
      (c) => drawInBall(c.b, { center: { x: c.inputs.center }, epsilon, norm }, (label) => c.random.site(label)),
    );
    const lengths = Array.from({ length: rows }, (_, row) => {
      const offset = x.slice(row * dimension, (row + 1) * dimension).map((value) => Math.abs(value - 2));
      return norm === 'linf' ? Math.max(...offset) : Math.hypot(...offset);
    });
    expect(Math.max(...lengths)).toBeLessThanOrEqual(epsilon + 1e-6);
    // The share of the ball within r is (r / epsilon)^d.
    for (const share of [0.25, 0.5, 0.75]) {
      const within = lengths.filter((length) => length <= epsilon * share ** (1 / dimension)).length / rows;
      expect(Math.abs(within - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / rows));
    }
    expect(Math.abs(x.reduce((sum, value) => sum + value - 2, 0) / x.length)).toBeLessThan(0.02);
  });
});

const ROWS = 300;
const WIDTH = 5;

/** A linear classifier of two classes on random rows, its labels mostly right. */
function linear(gain = 1): { target: AttackTarget; margins: number[]; difference: number[] } {
  const stream = derive('attacks', 'linear');
  const w = Array.from({ length: WIDTH * 2 }, () => stream.normal());
  const x = Float32Array.from({ length: ROWS * WIDTH }, () => stream.normal());
  const difference = Array.from({ length: WIDTH }, (_, d) => Math.fround(w[2 * d + 1]) - Math.fround(w[2 * d]));
  const scores = Array.from({ length: ROWS }, (_, row) =>
    difference.reduce((sum, value, d) => sum + value * x[row * WIDTH + d], 0.2),
  );
  const labels = scores.map((score) => (score + 0.5 * stream.normal() > 0 ? 1 : 0));
  const b = new GraphBuilder('linear');
  const input = b.input('x', 'float32', [1, WIDTH]);
  const logits = b.gemm(input, b.initializer('w', float32([WIDTH, 2], w)), b.initializer('c', float32([2], [0, 0.2])));
  b.output('probabilities', b.softmax(b.mul(logits, gain)));
  const graph = anyBatch(b.graph());
  return {
    target: { graph, output: 'probabilities', inputs: { x: float32([ROWS, WIDTH], x) }, target: labels },
    margins: scores.map((score, row) => (labels[row] === 1 ? score : -score)),
    difference,
  };
}

function anyBatch(graph: Graph): Graph {
  const free = (info: Graph['inputs'][number]) => ({ ...info, shape: ['batch', ...(info.shape ?? []).slice(1)] });
  return { ...graph, inputs: graph.inputs.map(free), outputs: graph.outputs.map(free) };
}

describe('attacks on a linear model', () => {
  it.each([
    { method: 'fgsm', norm: 'linf', epsilon: 0.2 },
    { method: 'pgd', norm: 'linf', epsilon: 0.2, steps: 5 },
    { method: 'fgsm', norm: 'l2', epsilon: 0.4 },
    { method: 'pgd', norm: 'l2', epsilon: 0.4, steps: 8, restarts: 2, loss: 'margin' },
  ])('fool exactly the rows whose margin is below epsilon ||w||*: $method $norm', async (given) => {
    const { target, margins, difference } = linear();
    const options = attackOptions.parse(given);
    // The dual norm: l1 for l-inf, l2 for l2.
    const reach =
      options.epsilon *
      (options.norm === 'linf' ? difference.reduce((sum, d) => sum + Math.abs(d), 0) : Math.hypot(...difference));
    const found = await attack(runtime, target, options);
    margins.forEach((margin, row) => {
      expect(found.right[row]).toBe(margin > 0 ? 1 : 0);
      if (Math.abs(margin - reach) > 1e-4) expect(found.fooled[row]).toBe(margin < reach ? 1 : 0);
    });
    const { robustAccuracy, accuracy, masking } = await measureRobustness(runtime, target, options);
    expect(accuracy.value).toBe(margins.filter((margin) => margin > 0).length / ROWS);
    expect(robustAccuracy.value).toBeCloseTo(margins.filter((margin) => margin > reach).length / ROWS, 2);
    expect(robustAccuracy.interval[0]).toBeLessThan(robustAccuracy.value);
    expect(masking.suspected).toBe(false);
  });

  it('stay within the ball and the range', async () => {
    const { target } = linear();
    const x = target.inputs.x.data as Float32Array;
    for (const norm of ['linf', 'l2'] as const) {
      const options = attackOptions.parse({ norm, epsilon: 0.3, steps: 4, restarts: 3, low: -4, high: 4 });
      const { inputs } = await attack(runtime, target, options);
      for (let row = 0; row < ROWS; row++) {
        const offset = Array.from({ length: WIDTH }, (_, d) => inputs.x[row * WIDTH + d] - x[row * WIDTH + d]);
        const size = norm === 'linf' ? Math.max(...offset.map(Math.abs)) : Math.hypot(...offset);
        expect(size).toBeLessThanOrEqual(0.3 + 1e-5);
      }
      expect(Math.max(...inputs.x.map(Math.abs))).toBeLessThanOrEqual(4);
    }
  });

  it('give the same points for the same seed', async () => {
    const { target } = linear();
    const of = async (seed: number) =>
      (await attack(runtime, target, attackOptions.parse({ norm: 'l2', epsilon: 0.1, steps: 2, stepSize: 0.01, seed })))
        .inputs.x;
    expect(await of(1)).toEqual(await of(1));
    expect(await of(2)).not.toEqual(await of(1));
  });
});

describe('the check for masked gradients', () => {
  it('is passed by cross-entropy where the margin loss does as well, and tells of rows without a gradient', async () => {
    // A gain of 1e4 saturates the softmax: the gradient of cross-entropy is exactly zero at rows that are right.
    const { target } = linear(1e4);
    const masked = await measureRobustness(runtime, target, attackOptions.parse({ epsilon: 0.2, steps: 10 }));
    expect(masked.masking.suspected).toBe(true);
    expect(masked.masking.checks.filter(({ passed }) => !passed).map(({ name }) => name)).toContain('gradient');
    const options = attackOptions.parse({ epsilon: 0.2, steps: 10, loss: 'margin' });
    const clear = await measureRobustness(runtime, target, options);
    expect(clear.masking.suspected).toBe(false);
    expect(clear.robustAccuracy.value).toBeLessThan(masked.robustAccuracy.value);
  });

  it('tells where rounding of the input leaves no way to follow (a shattered gradient)', async () => {
    const { target } = linear();
    const b = new GraphBuilder('rounded');
    const x = b.input('x', 'float32', [1, WIDTH]);
    const rounded = b.div(b.op('Round', [b.mul(x, 20)]), 20);
    const w = target.graph.initializers.get('w')!;
    b.output('logits', b.gemm(rounded, b.initializer('w', w), b.initializer('c', float32([2], [0, 0.2]))));
    const shattered = { ...target, graph: anyBatch(b.graph()), output: 'logits' };
    const { masking } = await measureRobustness(runtime, shattered, attackOptions.parse({ epsilon: 0.3, steps: 5 }));
    const failed = masking.checks.filter(({ passed }) => !passed).map(({ name }) => name);
    expect(failed).toEqual(expect.arrayContaining(['unbounded', 'gradient', 'noise']));
  });
});

describe('what is asked for', () => {
  it('is read from text', () => {
    expect(parseAttack('pgd,epsilon=0.03,steps=10,restarts=2')).toMatchObject({
      method: 'pgd',
      norm: 'linf',
      epsilon: 0.03,
      steps: 10,
      restarts: 2,
    });
  });

  it.each([
    ['pgd', 'epsilon is not given'],
    ['pgd,epsilon=0', 'epsilon is 0, and must be above 0'],
    ['pgd,epsilon=x', 'epsilon is "x", and a number is needed'],
    ['pgd,epsilon=1,steps=1.5', 'steps is "1.5", and a whole number is needed'],
    ['pgd,epsilon=1,restarts=2000', 'restarts is 2000, and must be at most 1000'],
    ['cw,epsilon=1', 'method is "cw", and must be fgsm or pgd'],
    ['pgd,epsilon=1,size=2', 'there is no "size"'],
    ['pgd,epsilon', '"epsilon" is not KEY=VALUE'],
    ['fgsm,epsilon=1,low=1,high=0', 'low must be below high'],
  ])('is refused in a plain sentence, with the keys there are: %s', (text, message) => {
    expect(() => parseAttack(text)).toThrow(
      expect.objectContaining({
        code: 'ATTACK_OPTION',
        kind: 'input',
        message,
        remedy: expect.stringMatching(/epsilon/),
      }),
    );
  });

  it('is refused for a model without class scores', async () => {
    const { target } = linear();
    const b = new GraphBuilder('one');
    b.output('y', b.reduceSum(b.input('x', 'float32', [1, WIDTH]), [1], true));
    const one = { ...target, graph: anyBatch(b.graph()), output: 'y' };
    await expect(attack(runtime, one, attackOptions.parse({ epsilon: 0.1 }))).rejects.toMatchObject({
      code: 'ATTACK_OUTPUT',
    });
  });
});
