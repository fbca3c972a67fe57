import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { difference, predictive, validationOutput } from '../../../test/support/predictive.js';
import {
  FEATURES,
  openRuntimes,
  PICTURES,
  problem,
  SMALL_CNN,
  trained,
} from '../../../test/support/training-problem.js';
import { GraphBuilder } from '../../graph/builder.js';
import type { Graph, ValueInfo } from '../../graph/model.js';
import { float32, int64 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { checkProblem, type TrainingProblem } from '../../training/problem.js';
import { bestPrecisions, determined, logEvidence } from './evidence.js';
import { type Covariance, fullPosterior, kronPosterior, type Posterior } from './posterior.js';

interface Rows {
  readonly x: number[][];
  readonly new: number[][];
  readonly precision: number;
  readonly evidence: number;
}

interface ClassCase extends Rows {
  readonly label: number[];
  readonly weight: number[][];
  readonly bias?: number[];
  readonly structure: 'kron' | 'full';
  readonly logits: number[][];
  readonly logitCovariance: number[][][];
  readonly probabilities: number[][];
  readonly hessian?: number[][];
}

const golden = JSON.parse(readFileSync(new URL('./goldens/laplace.json', import.meta.url), 'utf8')) as {
  ridge: Rows & {
    y: number[];
    coefficients: number[];
    noisePrecision: number;
    covariance: number[][];
    mean: number[];
    deviation: number[];
  };
  classes: ClassCase[];
  network: Rows & { label: number[]; weights: number[][][]; probabilities: number[][] };
};

/** A last layer alone, or after one of hyperbolic tangents, with weights that training leaves where they are; the new rows are its validation part. */
function fixedLayer(
  rows: Rows & { label?: number[]; y?: number[] },
  { weight, bias, hidden }: { weight: number[][]; bias?: number[]; hidden?: number[][] },
  options: Record<string, unknown>,
): TrainingProblem {
  const [features, outputs] = [rows.x[0].length, weight[0].length];
  const b = new GraphBuilder('layer');
  const taken = b.input('features', 'float32', [1, features]);
  const x =
    hidden === undefined
      ? taken
      : b.tanh(b.matMul(taken, b.initializer('hidden', float32([features, weight.length], hidden.flat()))));
  const w = b.initializer('weight', float32([weight.length, outputs], weight.flat()));
  b.output(
    'output',
    bias === undefined ? b.matMul(x, w) : b.gemm(x, w, b.initializer('bias', float32([outputs], bias))),
  );
  const graph: Graph = b.graph();
  const anyBatch = (info: ValueInfo): ValueInfo => ({ ...info, shape: ['batch', ...(info.shape ?? []).slice(1)] });
  const all = [...rows.x, ...rows.new];
  const task = rows.y === undefined ? 'classification' : 'regression';
  const base = problem({
    task,
    regularizers: [{ type: 'laplace', ...options }],
    // Where the weights are is given: steps too small for float32 to see.
    training: { epochs: 1, optimizer: { type: 'sgd', learningRate: 1e-30 } },
  });
  const blank = rows.new.map(() => 0);
  return {
    ...base,
    graph: { ...graph, inputs: graph.inputs.map(anyBatch), outputs: graph.outputs.map(anyBatch) },
    inputs: [{ name: 'features', content: 'tabular', type: 'float32', shape: [features] }],
    classes: rows.label === undefined ? [] : Array.from({ length: outputs }, (_, c) => `class ${c}`),
    data: {
      inputs: { features: float32([all.length, features], all.flat()) },
      target:
        rows.label === undefined
          ? float32([all.length, 1], [...(rows.y ?? []), ...blank])
          : int64([all.length], [...rows.label, ...blank]),
      weights: undefined,
      train: Int32Array.from(rows.x, (_, i) => i),
      validation: Int32Array.from(rows.new, (_, i) => rows.x.length + i),
    },
    metrics: Object.assign(() => ({ loss: 0 }), { primary: 'loss', loss: 'loss', higherIsBetter: () => false }),
  };
}

/** Figures of the finding that tells what the evidence chose. */
function figures(findings: readonly { code: string; message: string }[]): number[] {
  const told = findings.find(({ code }) => code === 'LAPLACE_FITTED');
  return Array.from(told!.message.matchAll(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g), ([text]) => Number(text));
}

const softmaxOf = (logits: readonly number[]): number[] => {
  const exponentials = logits.map(Math.exp);
  const sum = exponentials.reduce((a, b) => a + b);
  return exponentials.map((value) => value / sum);
};

describe('Bayesian linear regression', () => {
  const { ridge } = golden;
  const weight = ridge.coefficients.map((value) => [value]);

  it.each(['full', 'kron'])(
    "has BayesianRidge's precisions, evidence and predictive deviation (%s)",
    async (structure) => {
      const { ffi } = await openRuntimes();
      const run = fixedLayer(ridge, { weight }, { structure });
      const { graph, outputs, findings } = await trained(ffi, run);
      const [precision, noise, , , evidence] = figures(findings);
      expect(precision / ridge.precision).toBeCloseTo(1, 3);
      expect(noise ** -2 / ridge.noisePrecision).toBeCloseTo(1, 2);
      expect(evidence).toBeCloseTo(ridge.evidence, 1);
      expect(difference(outputs.validation, ridge.mean)).toBeLessThan(1e-5);
      const total = await validationOutput(ffi, run, graph, 'predictiveDeviation');
      expect(difference(total, ridge.deviation)).toBeLessThan(1e-4);
      const own = await validationOutput(ffi, run, graph, 'deviation');
      const expected = ridge.deviation.map((value) => Math.sqrt(value ** 2 - 1 / ridge.noisePrecision));
      expect(difference(own, expected)).toBeLessThan(1e-4);
    },
  );

  it('has its fixed point in double precision, and its covariance', () => {
    const { x, y, coefficients } = ridge;
    const n = coefficients.length;
    const gram = Float64Array.from({ length: n * n }, (_, at) =>
      x.reduce((sum, row) => sum + row[Math.floor(at / n)] * row[at % n], 0),
    );
    const posterior = fullPosterior(gram, n, 1);
    const squaredNorm = coefficients.reduce((sum, value) => sum + value * value, 0);
    const residual = (row: number[], i: number): number =>
      y[i] - row.reduce((sum, value, f) => sum + value * coefficients[f], 0);
    const squares = x.reduce((sum, row, i) => sum + residual(row, i) ** 2, 0);
    const { curvature } = posterior;
    const found = bestPrecisions({ curvature, squaredNorm }, { rows: x.length, squares, fixed: undefined });
    expect(found.precision / ridge.precision).toBeCloseTo(1, 6);
    expect(found.noisePrecision / ridge.noisePrecision).toBeCloseTo(1, 6);
    const covariance = posterior.at({ ...found, temperature: 1 });
    const { directions, count } = covariance.variances([[1]]);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < count; k++) sum += directions[i * count + k] * directions[j * count + k];
        expect(sum).toBeCloseTo(ridge.covariance[i][j], 8);
      }
    }
  });
});

describe.each(golden.classes)('logistic regression with $weight.0.length classes, $structure', (test) => {
  it("has laplace-torch's precision, evidence and probabilities", async () => {
    const { ffi } = await openRuntimes();
    const run = fixedLayer(test, test, { structure: test.structure });
    const { outputs, findings } = await trained(ffi, run);
    const [precision, , , evidence] = figures(findings);
    expect(precision / test.precision).toBeCloseTo(1, 2);
    expect(evidence).toBeCloseTo(test.evidence, 1);
    const classes = test.weight[0].length;
    const probabilities = test.new.flatMap((_, i) =>
      softmaxOf(Array.from(outputs.validation.subarray(i * classes, (i + 1) * classes))),
    );
    // laplace-torch shrinks the two logits of two classes each by itself; MacKay's formula is about their difference.
    const expected = classes === 2 ? test.logits.flatMap(mackay) : test.probabilities.flat();
    expect(difference(probabilities, expected)).toBeLessThan(2e-4);
  });

  function mackay([first, second]: number[], i: number): number[] {
    const covariance = test.logitCovariance[i];
    const variance = covariance[0][0] + covariance[1][1] - 2 * covariance[0][1];
    const p = 1 / (1 + Math.exp(-(second - first) / Math.sqrt(1 + (Math.PI / 8) * variance)));
    return [1 - p, p];
  }

  it('has the Hessian of finite differences', async () => {
    if (test.hessian === undefined) return;
    const { ffi } = await openRuntimes();
    const run = fixedLayer(test, test, { structure: 'full', precision: 1 });
    const { findings } = await trained(ffi, run);
    const size = test.hessian.length;
    const inputs = size / test.weight[0].length;
    const { curvature } = fullPosterior(Float64Array.from(test.hessian.flat()), inputs, size / inputs);
    const [, effective, all, evidence] = figures(findings);
    expect(all).toBe(size);
    expect(effective).toBeCloseTo(determined(curvature, 1), 1);
    const squaredNorm = [...test.weight.flat(), ...(test.bias ?? [])].reduce((sum, value) => sum + value ** 2, 0);
    const loss = test.x.reduce((sum, row, i) => sum - Math.log(softmaxOf(scoresOf(row))[test.label[i]]), 0);
    expect(evidence).toBeCloseTo(logEvidence({ curvature, squaredNorm }, 1, -loss), 2);
  });

  const scoresOf = (row: readonly number[]): number[] =>
    test.weight[0].map((_, c) => row.reduce((sum, value, f) => sum + value * test.weight[f][c], test.bias?.[c] ?? 0));
});

describe('all layers', () => {
  it("have laplace-torch's precision, evidence and probabilities", async () => {
    const { ffi } = await openRuntimes();
    const { network } = golden;
    const [hidden, weight] = network.weights;
    const { outputs, findings } = await trained(ffi, fixedLayer(network, { hidden, weight }, { layers: 'all' }));
    const [precision, , , evidence] = figures(findings);
    expect(precision / network.precision).toBeCloseTo(1, 2);
    expect(evidence).toBeCloseTo(network.evidence, 1);
    const probabilities = network.new.flatMap((_, i) =>
      softmaxOf(Array.from(outputs.validation.subarray(3 * i, 3 * i + 3))),
    );
    expect(difference(probabilities, network.probabilities.flat())).toBeLessThan(2e-4);
  });

  it('of a network of one are the last, its bias included', async () => {
    const { ffi } = await openRuntimes();
    for (const test of [golden.classes[0], golden.classes[1], golden.ridge]) {
      const layer = 'weight' in test ? test : { weight: test.coefficients.map((value) => [value]) };
      const last = await trained(ffi, fixedLayer(test, layer, {}));
      const all = await trained(ffi, fixedLayer(test, layer, { layers: 'all' }));
      expect(figures(all.findings)).toEqual(figures(last.findings));
      expect(difference(all.outputs.validation, last.outputs.validation)).toBeLessThan(1e-5);
    }
  });

  it('take any number of rows, behind convolutions and normalizations too', async () => {
    const { ffi } = await openRuntimes();
    const layers = [...SMALL_CNN.layers.slice(0, 2), { dense: 6, activation: 'gelu' }, { dense: 5 }];
    const run = problem({
      inputs: PICTURES,
      model: { ...SMALL_CNN, layers },
      regularizers: [{ type: 'laplace', layers: 'all' }],
    });
    const { graph, outputs } = await trained(ffi, run);
    const some = { ...run, data: { ...run.data, validation: run.data.validation.subarray(0, 3) } };
    expect(difference(await validationOutput(ffi, some, graph), outputs.validation.subarray(0, 9))).toBeLessThan(1e-6);
  });
});

describe('a precision chosen on validation rows', () => {
  it.each(['classification', 'regression'] as const)('has the lowest log loss there (%s)', async (task) => {
    const { ffi } = await openRuntimes();
    const lossAt = async (precision: number | string): Promise<{ loss: number; chosen: number }> => {
      const regularizers = [{ type: 'laplace', precision }];
      const run = problem({ inputs: FEATURES, task, regularizers });
      const { graph, outputs, findings } = await trained(ffi, run);
      const [chosen] = figures(findings);
      if (task === 'classification')
        return { loss: run.metrics(run.data.validation, outputs.validation).logLoss, chosen };
      const deviations = await validationOutput(ffi, run, graph, 'predictiveDeviation');
      const targets = run.data.target.data;
      const loss = run.data.validation.reduce(
        (sum, row, i) =>
          sum + ((Number(targets[row]) - outputs.validation[i]) / deviations[i]) ** 2 / 2 + Math.log(deviations[i]),
        0,
      );
      return { loss, chosen };
    };
    const { loss, chosen } = await lossAt('validation');
    for (const other of [1e-4, 0.01, 1, 100, 1e4]) {
      if (other !== chosen) expect(loss).toBeLessThan((await lossAt(other)).loss);
    }
  });

  it('is refused where there are none', async () => {
    const { ffi } = await openRuntimes();
    const run = problem({ validation: 0, regularizers: [{ type: 'laplace', precision: 'validation' }] });
    await expect(trained(ffi, run)).rejects.toThrow(expect.objectContaining({ code: 'LAPLACE_NEEDS_VALIDATION' }));
  });
});

describe('draws', () => {
  const stream = derive('laplace draws');
  const symmetric = (n: number): Float64Array => {
    const factor = Array.from({ length: n * n }, () => stream.normal());
    return Float64Array.from({ length: n * n }, (_, at) => {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += factor[Math.floor(at / n) * n + k] * factor[(at % n) * n + k];
      return sum;
    });
  };
  const [features, outputs] = [3, 2];
  const posteriors: [string, Posterior][] = [
    ['full', fullPosterior(symmetric(features * outputs), features, outputs)],
    ['kron', kronPosterior(symmetric(features), symmetric(outputs), 2)],
  ];

  it.each(posteriors)('of %s have the variances that the closed form uses', (_name, posterior) => {
    const covariance: Covariance = posterior.at({ precision: 0.7, noisePrecision: 1.5, temperature: 0.8 });
    const phi = [0.5, -1, 2];
    const contrasts = [
      [1, 0],
      [0, 1],
      [-1, 1],
    ];
    const { directions, count, weights } = covariance.variances(contrasts);
    const expected = contrasts.map((_, c) => {
      let variance = 0;
      for (let k = 0; k < count; k++) {
        const along = phi.reduce((sum, value, f) => sum + value * directions[f * count + k], 0);
        variance += along ** 2 * weights[k * contrasts.length + c];
      }
      return variance;
    });
    const draws = 20_000;
    const sums = contrasts.map(() => 0);
    const source = derive(4);
    for (let i = 0; i < draws; i++) {
      const drawn = covariance.draw(source);
      contrasts.forEach((contrast, c) => {
        let value = 0;
        for (let f = 0; f < features; f++) {
          for (let o = 0; o < outputs; o++) value += phi[f] * contrast[o] * drawn[f * outputs + o];
        }
        sums[c] += value ** 2 / draws;
      });
    }
    // The variance of a variance of normal numbers: 2 sigma^4 / draws.
    sums.forEach((sum, c) => {
      expect(Math.abs(sum / expected[c] - 1)).toBeLessThan(5 * Math.sqrt(2 / draws));
    });
  });
});

describe('the exported network', () => {
  const MLP = { type: 'mlp', hidden: [6], activation: 'tanh' };

  it('leaves classes as they are and takes confidence back, more so at a higher temperature', async () => {
    const { ffi } = await openRuntimes();
    const confidences = async (strength: number): Promise<number[][]> => {
      const run = problem({ inputs: FEATURES, model: MLP, regularizers: [{ type: 'laplace', strength }] });
      const { outputs } = await trained(ffi, run);
      return Array.from({ length: outputs.validation.length / 3 }, (_, i) =>
        softmaxOf(Array.from(outputs.validation.subarray(3 * i, 3 * i + 3))),
      );
    };
    const [plain, warm, hot] = await Promise.all([0, 1, 10].map(confidences));
    const mean = (rows: number[][]): number => rows.reduce((sum, row) => sum + Math.max(...row), 0) / rows.length;
    expect(mean(warm)).toBeLessThan(mean(plain));
    expect(mean(hot)).toBeLessThan(mean(warm));
  });

  it('is less wrong where it is wrong, after a network has learnt its rows by heart', async () => {
    const { ffi } = await openRuntimes();
    const lossWith = async (regularizers: Record<string, unknown>[]): Promise<number> => {
      const training = { epochs: 80, optimizer: { type: 'adamw', learningRate: 0.02 } };
      const run = problem({
        inputs: FEATURES,
        model: { type: 'mlp', hidden: [20] },
        training,
        regularizers,
        validation: 200,
      });
      const { outputs } = await trained(ffi, run);
      return run.metrics(run.data.validation, outputs.validation).logLoss;
    };
    const plain = await lossWith([]);
    expect(await lossWith([{ type: 'laplace' }])).toBeLessThan(plain);
    expect(await lossWith([{ type: 'laplace', layers: 'all' }])).toBeLessThan(plain);
  });

  it('averages its samples, and says what they disagree about', async () => {
    const { ffi } = await openRuntimes();
    const run = problem({
      inputs: PICTURES,
      model: SMALL_CNN,
      regularizers: [{ type: 'laplace', predictive: 'samples', samples: 5 }],
    });
    const { graph, outputs } = await trained(ffi, run);
    const weights = graph.initializers.get('laplace.matrix')!.data as Float32Array;
    const bias = graph.initializers.get('laplace.row')!.data as Float32Array;
    // The features are what the node takes that multiplies by all the draws.
    const features = graph.nodes.find(({ inputs }) => inputs[1] === 'laplace.matrix')!.inputs[0];
    const open = { ...graph, outputs: [{ name: features, type: 'float32' as const, shape: ['batch', 6] }] };
    const phi = await validationOutput(ffi, run, open);
    const rows = phi.length / 6;
    const logits = Array.from({ length: 5 }, (_, s) =>
      Array.from({ length: rows }, (_r, i) =>
        [0, 1, 2].map((c) =>
          phi
            .subarray(6 * i, 6 * i + 6)
            .reduce((sum, value, f) => sum + value * weights[f * 15 + 3 * s + c], bias[3 * s + c]),
        ),
      ),
    );
    const expected = predictive(logits);
    expect(difference(outputs.validation, expected.log)).toBeLessThan(1e-5);
    const information = await validationOutput(ffi, run, graph, 'mutualInformation');
    expect(difference(information, expected.mutualInformation)).toBeLessThan(1e-5);
    expect(Math.max(...information)).toBeGreaterThan(1e-4);
  });

  it('weighs rows relatively: weights of 3 are weights of 1, and a weight of 0 is a row less', async () => {
    const { ffi } = await openRuntimes();
    const [test] = golden.classes;
    const run = fixedLayer(test, test, { structure: 'full' });
    const total = test.x.length + test.new.length;
    const withWeights = (weights: Float32Array): TrainingProblem => ({ ...run, data: { ...run.data, weights } });
    const plain = await trained(ffi, run);
    const tripled = await trained(ffi, withWeights(new Float32Array(total).fill(3)));
    expect(difference(tripled.outputs.validation, plain.outputs.validation)).toBeLessThan(1e-5);
    const uneven = new Float32Array(total).fill(1);
    uneven.fill(0, 0, 25);
    const half = await trained(ffi, withWeights(uneven));
    expect(difference(half.outputs.validation, plain.outputs.validation)).toBeGreaterThan(1e-3);
  });
});

describe('what laplace cannot finish', () => {
  it('is refused before training: a layer too large, a network that does not end in one', () => {
    const wide = problem({
      model: { type: 'mlp', hidden: [400] },
      regularizers: [{ type: 'laplace', structure: 'full' }],
    });
    expect(() => checkProblem(wide)).toThrow(expect.objectContaining({ code: 'LAPLACE_TOO_LARGE' }));
    const run = problem({ regularizers: [{ type: 'laplace' }] });
    const { nodes, outputs } = run.graph;
    const ending = { name: 'end', opType: 'Tanh', domain: '', inputs: ['before'], outputs: ['output'], attributes: {} };
    const renamed = nodes.map((node) => ({
      ...node,
      outputs: node.outputs.map((name) => (name === 'output' ? 'before' : name)),
    }));
    const bent = { ...run, graph: { ...run.graph, outputs, nodes: [...renamed, ending] } };
    expect(() => checkProblem(bent)).toThrow(expect.objectContaining({ code: 'LAPLACE_HEAD' }));
  });
});
