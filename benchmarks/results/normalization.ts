/** What normalization of layers is worth, as weights learn quickly or slowly and batches are large or small. */
import { join } from 'node:path';
import { show, summary, type Trial, trainArms, valuesOf } from './arms.js';
import type { Results } from './page.js';
import { germanCredit } from './support/german-credit.js';

type Kind = 'none' | 'batch' | 'layer' | 'group';

interface Case {
  readonly title: string;
  readonly about: string;
  readonly kinds: readonly Kind[];
  readonly spec: (datasets: string) => Readonly<Record<string, unknown>>;
  readonly model: (normalization: Kind) => Readonly<Record<string, unknown>>;
  /** Batch size and learning rate of stochastic gradient descent, with momentum. */
  readonly settings: readonly (readonly [batchSize: number, learningRate: number])[];
  readonly epochs: number;
}

const CASES: readonly Case[] = [
  {
    title: 'Images: 500 handwritten digits, a convolutional network',
    about:
      "MNIST's test digits: 500 to train on, 9,000 held out. Convolutions of 8 and 16 channels and 32 units, 8 epochs of SGD with momentum 0.9.",
    kinds: ['none', 'batch', 'layer', 'group'],
    spec: (datasets) => ({
      name: 'digits',
      task: 'classification',
      data: {
        source: join(datasets, 'mnist-t10k/t10k-images-idx3-ubyte.gz'),
        target: 'label',
        split: { validation: 500, holdout: 9000 },
      },
    }),
    model: (normalization) => ({
      type: 'cnn',
      layers: [{ conv: 8, normalization }, { pool: 2 }, { conv: 16, normalization }, { pool: 2 }, { dense: 32 }],
    }),
    settings: [
      [32, 0.01],
      [4, 0.01],
    ],
    epochs: 8,
  },
  {
    title: 'A table: 400 rows of german-credit, a perceptron of four layers',
    about: 'Four layers of 64 units; 400 rows held out. 20 epochs of SGD with momentum 0.9.',
    kinds: ['none', 'batch', 'layer'],
    spec: (datasets) => ({
      ...germanCredit(datasets),
    }),
    model: (normalization) => ({ type: 'mlp', hidden: [64, 64, 64, 64], normalization }),
    settings: [
      [32, 0.003],
      [32, 0.03],
      [4, 0.003],
    ],
    epochs: 20,
  },
];

const armOf = (kind: Kind, batchSize: number, rate: number): string => `${kind}, ${batchSize}, ${rate}`;

function rowOf(trials: readonly Trial[], kind: Kind, batchSize: number, rate: number): string {
  const arm = armOf(kind, batchSize, rate);
  const plain = armOf('none', batchSize, rate);
  const cells = (['accuracy', 'logLoss'] as const).flatMap((metric) => {
    // A gain is above 0 where it is better.
    const sign = metric === 'accuracy' ? 1 : -1;
    const of = (name: string): number[] => valuesOf(trials, name, ({ holdout }) => sign * holdout[metric]);
    const { mean, gain } = summary(of(arm), of(plain));
    const told = kind === 'none' || gain === undefined ? '' : show(gain);
    const [low, high] = kind === 'none' || gain === undefined ? [0, 0] : gain.interval;
    return [(sign * mean.value).toFixed(4), `${told}${low > 0 ? ' helped' : high < 0 ? ' hurt' : ''}`];
  });
  const gap = summary(valuesOf(trials, arm, ({ train, holdout }) => train.accuracy - holdout.accuracy)).mean;
  return `| ${[batchSize, rate, kind, ...cells, gap.value.toFixed(4)].join(' | ')} |`;
}

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const seeds = quick ? 2 : 5;
    const sections: string[] = [];
    for (const { title, about, kinds, spec, model, settings, epochs } of CASES) {
      const arms = settings.flatMap(([batchSize, learningRate]) =>
        kinds.map((kind) => ({
          name: armOf(kind, batchSize, learningRate),
          regularizers: [],
          spec: {
            model: model(kind),
            training: { epochs, batchSize, optimizer: { type: 'sgd', momentum: 0.9, learningRate } },
          },
        })),
      );
      const trials = await trainArms(spec(datasets), arms, { seeds, tell });
      sections.push(`## ${title}

${about}

| batch | learning rate | normalization | accuracy | gain | log loss | gain | gap in accuracy |
| --- | --- | --- | --- | --- | --- | --- | --- |
${settings.flatMap(([batchSize, rate]) => kinds.map((kind) => rowOf(trials, kind, batchSize, rate))).join('\n')}
`);
    }
    return `# Normalization

Batch, layer and group normalization between a layer's map and its activation, against the same network without. Means over ${seeds} seeds
**on the holdout**, which nothing else read; gains are paired by seed, with 95 % intervals (Student's t over seeds: the luck of initial
weights and order, not of the rows), above 0 where it is better, whatever the metric's direction; \`helped\` and \`hurt\` stand where
the interval is off 0. Nothing is tuned; weights are those of the last epoch. Normalization is part of the architecture: baselines keep it,
and the manifest names it. What dropout beside it does is in [pairs](interactions.md).

${sections.join('\n')}`;
  },
};
