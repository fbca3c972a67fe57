/** Flat minima, averages of weights, and what is dropped at random: effect over seeds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRuntime } from '../../src/graph/index.js';
import type { Graph } from '../../src/graph/model.js';
import { float32, type NumericArray, type Tensor } from '../../src/graph/tensor.js';
import { derive } from '../../src/numeric/random.js';
import { type Arm, scoreRows, show, summary, type Trial, trainArms, valuesOf } from './arms.js';
import { withWrongLabels } from './labels/noise.js';
import type { Results, ResultsSetting } from './page.js';
import { readDigits, writeDigits } from './support/digits.js';
import { chosenArms, fixed, overStrengths, type Technique } from './support/tuned.js';

const plain = fixed({ name: 'plain', regularizers: [] } satisfies Arm);

const FLAT: readonly Technique[] = [
  overStrengths('sam', [0.02, 0.05, 0.1, 0.2], (strength) => [{ type: 'sam', strength }]),
  overStrengths('asam', [0.2, 0.5, 1, 2], (strength) => [{ type: 'sam', adaptive: true, strength }]),
  overStrengths('swa', [0.25, 0.5, 0.75], (strength) => [{ type: 'swa', strength }]),
  overStrengths('ema', [0.9, 0.98, 0.995], (strength) => [{ type: 'ema', strength }]),
];

const DROPPED: readonly Technique[] = [
  overStrengths('dropout', [0.1, 0.3, 0.5], (strength) => [{ type: 'dropout', strength }]),
  overStrengths('dropout, connect', [0.1, 0.3, 0.5], (strength) => [{ type: 'dropout', mode: 'connect', strength }]),
];

/** Draws of noise on the weights. */
const DRAWS = 5;
/** Of the noise, over the root mean square of a layer's weights. */
const RELATIVE = 0.3;

/** Mean rise of the log loss on training rows when every weight is moved by noise in proportion to its layer's. */
async function rise(trial: Trial): Promise<number> {
  const { data, graph } = trial;
  const runtime = await openRuntime();
  const examples = data.preprocessor.transform(data.table, data.split.train);
  const rows = Int32Array.from(data.split.train, (_, i) => i);
  const labels = Array.from(examples.target?.data ?? [], Number);
  const lossOf = async (moved: Graph): Promise<number> => {
    const outputs = await scoreRows(runtime, moved, data.preprocessor.outputs, examples, rows);
    const width = outputs.length / rows.length;
    const losses = labels.map((label, row) => {
      const scores = outputs.subarray(row * width, (row + 1) * width);
      const top = Math.max(...scores);
      return Math.log(scores.reduce((sum, score) => sum + Math.exp(score - top), 0)) + top - scores[label];
    });
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  const stream = derive(trial.seed, 'noise on weights');
  const before = await lossOf(graph);
  let total = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    const initializers = new Map<string, Tensor<NumericArray>>(graph.initializers as Map<string, Tensor<NumericArray>>);
    for (const [name, { shape, data: weights, type }] of initializers) {
      if (!name.endsWith('.weight') || type !== 'float32') continue;
      const values = weights as Float32Array;
      const scale = RELATIVE * Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
      initializers.set(
        name,
        float32(
          shape,
          values.map((value) => value + scale * stream.normal()),
        ),
      );
    }
    total += (await lossOf({ ...graph, initializers })) - before;
  }
  return total / DRAWS;
}

interface Case {
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly techniques: readonly Technique[];
  readonly wrong?: number;
  readonly sharpness: boolean;
}

async function linesOf(entry: Case, { tell }: ResultsSetting, seeds: number): Promise<string[]> {
  const options = entry.wrong === undefined ? { tell } : { tell, change: withWrongLabels(entry.wrong) };
  const score = ({ validation }: Trial): number => validation.accuracy;
  const arms = await chosenArms(entry.spec, [plain, ...entry.techniques], score, options);
  const trials = await trainArms(entry.spec, arms, { seeds, ...options });
  const accuracy = (arm: string): number[] => valuesOf(trials, arm, ({ holdout }) => holdout.accuracy);
  const lines: string[] = [];
  for (const [place, { name }] of arms.entries()) {
    const { mean, gain } = summary(accuracy(name), place === 0 ? undefined : accuracy('plain'));
    const own = trials.filter(({ arm }) => arm === name);
    const rises: number[] = [];
    if (entry.sharpness) for (const trial of own) rises.push(await rise(trial));
    const cells = [
      entry.name,
      name,
      show(mean),
      gain === undefined ? '' : show(gain),
      show(summary(own.map(({ holdout }) => holdout.logLoss)).mean, 3),
      entry.sharpness ? show(summary(rises).mean, 3) : '',
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines;
}

export const results: Results = {
  async page(setting) {
    const seeds = setting.quick ? 2 : 5;
    const folder = await mkdtemp(join(tmpdir(), 'ballast-results-'));
    try {
      const source = join(folder, 'fashion.csv.gz');
      writeDigits(
        source,
        readDigits(setting.datasets, 'fashion-mnist-t10k')
          .slice(0, 3600)
          .map((row) => ({ ...row, domain: 'all' })),
      );
      const common = { target: 'label', split: { validation: 500, holdout: 2500 } };
      const dense = {
        name: 'fashion',
        task: 'classification',
        data: { ...common, source, features: { scaling: 'none', exclude: ['domain'] } },
        model: { type: 'mlp', hidden: [64, 64] },
        training: {
          epochs: 40,
          batchSize: 32,
          optimizer: { type: 'sgd', learningRate: 0.05, momentum: 0.9 },
          trainMetricsRows: 100,
        },
      };
      const residual = {
        name: 'fashion-residual',
        task: 'classification',
        data: {
          source: join(setting.datasets, 'fashion-mnist-t10k/t10k-images-idx3-ubyte.gz'),
          target: 'label',
          split: { validation: 500, holdout: 8500 },
        },
        model: {
          type: 'cnn',
          layers: [
            { conv: 8, stride: 2 },
            { residual: 8 },
            { residual: 16, stride: 2 },
            { residual: 16 },
            { globalPool: 'average' },
          ],
        },
        training: {
          epochs: 8,
          batchSize: 32,
          optimizer: { type: 'adamw', learningRate: 0.003, schedule: { type: 'cosine' } },
          trainMetricsRows: 100,
        },
      };
      const cases: readonly Case[] = [
        { name: 'fashion-mnist', spec: dense, techniques: [...FLAT, ...DROPPED], sharpness: true },
        { name: 'fashion-mnist, 30 % of labels wrong', spec: dense, techniques: FLAT, wrong: 0.3, sharpness: true },
        {
          name: 'fashion-mnist, residual cnn',
          spec: residual,
          techniques: [
            overStrengths('stochastic-depth', [0.1, 0.3], (strength) => [{ type: 'stochastic-depth', strength }]),
            overStrengths('dropout, spatial', [0.1, 0.3], (strength) => [
              { type: 'dropout', mode: 'spatial', strength },
            ]),
          ],
          sharpness: false,
        },
      ];
      const lines: string[] = [];
      for (const entry of cases) lines.push(...(await linesOf(entry, setting, seeds)));
      return `# Flat minima, averages, dropping

Fashion-MNIST's test images. A perceptron of twice 64 units on 600 of them at 14 x 14 pixels (40 epochs, SGD with momentum at a constant rate, weights of the last
epoch; 2,500 held out), with right labels and with 30 % of those of training and validation wrong; and a small residual network of three blocks on 1,000 of
them at full size (8 epochs; 8,500 held out). Means over ${seeds} seeds **on the holdout** with 95 % intervals (Student's t); gains are paired by seed, above 0 is better. Strengths
are the best of a grid on validation accuracy, under two seeds that are not reported.

The last column is a measure of sharpness: how much the log loss on training rows rises, in the mean over ${DRAWS} draws, when noise of ${RELATIVE} times the root mean square of its layer
is added to every weight. It does not change where layers are scaled against each other.

| data | technique and strength | accuracy | gain over plain | log loss | rise under noise on weights |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
