import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { difference, predictive, validationOutput } from '../../../test/support/predictive.js';
import { describeStep } from '../../../test/support/stepper.js';
import {
  FEATURES,
  openRuntimes,
  PICTURES,
  problem,
  SMALL_CNN,
  trained,
} from '../../../test/support/training-problem.js';
import type { Value } from '../../graph/builder.js';
import { gradients } from '../../graph/gradients.js';
import type { Graph } from '../../graph/model.js';
import { float64, int64 } from '../../graph/tensor.js';
import { sgd } from '../../training/optimizers.js';
import { compileStep } from '../../training/step.js';
import { divergence, drawnOutput } from './posterior.js';

const golden = JSON.parse(readFileSync(new URL('./goldens/variational.json', import.meta.url), 'utf8')) as {
  mu: number[];
  logSigma: number[];
  cases: { prior: number; divergence: number; gradients: [number[], number[]] }[];
  layer: Record<'x' | 'noise' | 'bias' | 'label' | 'output', number[]> & {
    loss: number;
    gradients: [number[], number[]];
  };
};

const weights = { mu: float64([4, 3], golden.mu), logSigma: float64([4, 3], golden.logSigma) };

describe.each(golden.cases)('the divergence from a prior of deviation $prior', ({ prior, ...expected }) => {
  it("is torch.distributions', with its gradients", async () => {
    const found = await computed(weights, ({ b, inputs: { mu, logSigma } }) => {
      const value = divergence(b, mu, logSigma, prior);
      const [ofMu, ofSigma] = gradients(b, value, [mu, logSigma]);
      return { value, ofMu: ofMu!, ofSigma: ofSigma! };
    });
    expect(found.value[0]).toBeCloseTo(expected.divergence, 8);
    expect(difference(found.ofMu, expected.gradients[0])).toBeLessThan(1e-10);
    expect(difference(found.ofSigma, expected.gradients[1])).toBeLessThan(1e-10);
  });
});

describe('local reparameterization', () => {
  it("has PyTorch's outputs and gradients at the same noise", async () => {
    const { layer } = golden;
    const feeds = {
      ...weights,
      x: float64([5, 4], layer.x),
      bias: float64([3], layer.bias),
      noise: float64([5, 3], layer.noise),
      label: int64([5], layer.label),
    };
    const found = await computed(feeds, ({ b, inputs: { mu, logSigma, x, bias, noise, label } }) => {
      const given = { input: x, output: b.gemm(x, mu, bias), product: (a: Value, w: Value) => b.gemm(a, w) };
      const output = drawnOutput(b, given, b.exp(logSigma), noise);
      const logs = b.mul(b.logSoftmax(output), b.oneHot(label, 3, 'float64'));
      const loss = b.mul(b.reduceSum(logs), -1 / 5);
      const [ofMu, ofSigma] = gradients(b, loss, [mu, logSigma]);
      return { output, loss, ofMu: ofMu!, ofSigma: ofSigma! };
    });
    expect(difference(found.output, layer.output)).toBeLessThan(1e-8);
    expect(found.loss[0]).toBeCloseTo(layer.loss, 8);
    expect(difference(found.ofMu, layer.gradients[0])).toBeLessThan(1e-8);
    expect(difference(found.ofSigma, layer.gradients[1])).toBeLessThan(1e-8);
  });

  it('has no slope that is not finite where all inputs are 0', async () => {
    const feeds = { ...weights, x: float64([2, 4], new Array<number>(8).fill(0)) };
    const found = await computed(feeds, ({ b, inputs: { mu, logSigma, x } }) => {
      const given = { input: x, output: b.gemm(x, mu), product: (a: Value, w: Value) => b.gemm(a, w) };
      const output = drawnOutput(b, given, b.exp(logSigma), 1);
      return { slope: gradients(b, b.reduceSum(output), [logSigma])[0]! };
    });
    expect(found.slope.every(Number.isFinite)).toBe(true);
  });

  it('draws a number a row and unit for fully connected layers, one a weight and step for convolutions', () => {
    const sitesOf = (options: Record<string, unknown>): readonly string[] => {
      const regularizers = [{ type: 'variational', include: ['weight'], ...options }];
      const given = problem({ inputs: PICTURES, model: SMALL_CNN, regularizers });
      return compileStep(describeStep(given, sgd({ momentum: 0, nesterov: false }))).randomSites;
    };
    expect(sitesOf({})).toEqual(sitesOf({ estimator: 'weights' }));
    const shapes = (estimator: string): string => {
      const regularizers = [{ type: 'variational', estimator }];
      const given = problem({ inputs: FEATURES, regularizers });
      const { model } = compileStep(describeStep(given, sgd({ momentum: 0, nesterov: false })));
      return model.graph.nodes.map(({ opType }) => opType).join();
    };
    // The variance of an output is a second product.
    const products = (text: string): number => text.split('Gemm').length - 1;
    expect(products(shapes('local'))).toBeGreaterThan(products(shapes('weights')));
  });
});

describe('variational in a run', () => {
  const MLP = { type: 'mlp', hidden: [5], activation: 'tanh' };
  const given = (options: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    problem({ inputs: FEATURES, model: MLP, regularizers: [{ type: 'variational', ...options }], ...more });

  it('predicts by the mean of the networks that it drew, and says what they disagree about', async () => {
    const { ffi } = await openRuntimes();
    const run = given({ samples: 4, initialDeviation: 0.5 });
    const { graph, outputs } = await trained(ffi, run);
    const data = (name: string): Float32Array => graph.initializers.get(name)!.data as Float32Array;
    const dense = (x: number[], layer: string): number[] => {
      const [weight, bias] = [data(`${layer}.weight`), data(`${layer}.bias`)];
      return Array.from(bias, (b, j) => x.reduce((sum, value, i) => sum + value * weight[i * bias.length + j], b));
    };
    const rows = Array.from(run.data.validation, (row) =>
      Array.from((run.data.inputs.features.data as Float32Array).subarray(row * 7, row * 7 + 7)),
    );
    const logits = Array.from({ length: 4 }, (_, k) =>
      rows.map((x) => dense(dense(x, `sample.${k}.dense1`).map(Math.tanh), `sample.${k}.output`)),
    );
    const expected = predictive(logits);
    expect(difference(outputs.validation, expected.log)).toBeLessThan(1e-5);
    const information = await validationOutput(ffi, run, graph, 'mutualInformation');
    expect(difference(information, expected.mutualInformation)).toBeLessThan(1e-5);
  });

  it('draws around the means with the deviations that it learned', async () => {
    const { ffi } = await openRuntimes();
    const options = { samples: 200, initialDeviation: 0.3 };
    const { graph } = await trained(ffi, given(options));
    const means = (await trained(ffi, given({ ...options, predictive: 'mean' }))).graph;
    const of = (which: Graph, name: string): Float32Array => which.initializers.get(name)!.data as Float32Array;
    const mean = of(means, 'dense1.weight');
    const squares = Array.from({ length: 200 }, (_, k) =>
      of(graph, `sample.${k}.dense1.weight`).reduce((sum, value, i) => sum + (value - mean[i]) ** 2, 0),
    );
    const deviation = Math.sqrt(squares.reduce((a, b) => a + b) / 200 / mean.length);
    // Two epochs move the deviations little.
    expect(Math.abs(deviation / 0.3 - 1)).toBeLessThan(0.15);
  });

  it('draws weights to their prior, deviations included, where the divergence outweighs the data', async () => {
    const { ffi } = await openRuntimes();
    const training = { epochs: 60, optimizer: { type: 'adam', learningRate: 0.05 } };
    const options = { strength: 100, priorDeviation: 0.5, samples: 200 };
    const { graph } = await trained(ffi, given(options, { training }));
    const values = Array.from({ length: 200 }, (_, k) => [
      ...(graph.initializers.get(`sample.${k}.dense1.weight`)!.data as Float32Array),
    ]).flat();
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    expect(deviation).toBeGreaterThan(0.45);
    expect(deviation).toBeLessThan(0.55);
  });

  it('has one network with predictive: mean, whose metrics are those of its epochs', async () => {
    const { ffi } = await openRuntimes();
    const { graph, outputs, history } = await trained(ffi, given({ predictive: 'mean' }));
    expect([...graph.initializers.keys()].some((name) => name.startsWith('sample.'))).toBe(false);
    const run = given({});
    const metrics = run.metrics(run.data.validation, outputs.validation);
    expect(metrics.logLoss).toBeCloseTo(history.at(-1)!.validation.logLoss, 6);
  });

  it('leaves points what it is not told to include', async () => {
    const { ffi } = await openRuntimes();
    const { graph } = await trained(ffi, given({ include: ['weight'], samples: 2 }));
    const names = [...graph.initializers.keys()];
    expect(names).toContain('sample.1.dense1.weight');
    // Stored once: the networks have it in common.
    expect(names.filter((name) => name.endsWith('dense1.bias'))).toEqual(['dense1.bias']);
  });
});
