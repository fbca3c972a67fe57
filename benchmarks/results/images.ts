/** Augmentation of images and of tables on few real rows. */
import { join } from 'node:path';
import { trainArms } from './arms.js';
import type { Results } from './page.js';
import { gainRow } from './support/gain-row.js';
import { germanCredit } from './support/german-credit.js';

interface Technique {
  readonly name: string;
  readonly type: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /** The regularizer's default. */
  readonly strength: number;
}

interface Case {
  readonly title: string;
  readonly about: string;
  readonly spec: (datasets: string) => Readonly<Record<string, unknown>>;
  readonly techniques: readonly Technique[];
}

const NONE = 'none';

const CASES: readonly Case[] = [
  {
    title: 'Images: 300 handwritten digits',
    about: "MNIST's test digits: 300 to train on, 9,200 held out. A cnn of 8 and 16 channels and 32 units, 15 epochs.",
    spec: (datasets) => ({
      name: 'few-digits',
      task: 'classification',
      data: {
        source: join(datasets, 'mnist-t10k/t10k-images-idx3-ubyte.gz'),
        target: 'label',
        split: { validation: 500, holdout: 9200 },
      },
      model: { type: 'cnn', layers: [{ conv: 8 }, { pool: 2 }, { conv: 16 }, { pool: 2 }, { dense: 32 }] },
      training: { epochs: 15, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.003 } },
    }),
    techniques: [
      { name: 'image-augmentation, shift and zoom', type: 'image-augmentation', strength: 1 },
      {
        name: 'image-augmentation, and turn by 15 degrees',
        type: 'image-augmentation',
        options: { rotate: 15 },
        strength: 1,
      },
      { name: 'rand-augment', type: 'rand-augment', strength: 9 },
      { name: 'augmix', type: 'augmix', strength: 3 },
    ],
  },
  {
    title: 'Tables: 400 rows of german-credit',
    about: 'A perceptron of twice 64 units, 30 epochs; 400 rows held out.',
    spec: (datasets) => ({
      ...germanCredit(datasets),
      model: { type: 'mlp', hidden: [64, 64] },
      training: { epochs: 30, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.001 } },
    }),
    techniques: [
      { name: 'swap noise', type: 'tabular-augmentation', strength: 0.1 },
      {
        name: 'feature dropout',
        type: 'tabular-augmentation',
        options: { swap: 0, dropout: 1 },
        strength: 0.1,
      },
      {
        name: 'swap noise and feature dropout',
        type: 'tabular-augmentation',
        options: { dropout: 1 },
        strength: 0.1,
      },
    ],
  },
];

const named = ({ name, strength }: Technique): string => `${name} ${strength}`;

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const seeds = quick ? 2 : 5;
    const sections: string[] = [];
    for (const { title, about, spec, techniques } of CASES) {
      const arms = techniques.map((technique) => ({
        name: named(technique),
        regularizers: [{ type: technique.type, strength: technique.strength, ...technique.options }],
      }));
      const trials = await trainArms(spec(datasets), [{ name: NONE, regularizers: [] }, ...arms], { seeds, tell });
      const shown = [NONE, ...techniques.map(named)];
      sections.push(`## ${title}

${about}

| augmentation and strength | accuracy | gain | log loss | gain |
| --- | --- | --- | --- | --- |
${shown.map((name) => gainRow(trials, name, NONE)).join('\n')}
`);
    }
    return `# Augmentation of images and tables

Means over ${seeds} seeds **on the holdout**, which nothing else read; gains are paired by seed, with 95 % intervals (Student's t over
seeds: the luck of initial weights, order and augmentation, not of the rows), above 0 where it is better, whatever the metric's direction;
\`helped\` and \`hurt\` stand where the interval is off 0. Nothing is tuned: each is at its default strength, weights are those of the last epoch,
and the number of epochs is the same for all.

${sections.join('\n')}`;
  },
};
