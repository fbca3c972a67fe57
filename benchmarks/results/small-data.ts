/** Few labels: priors on weights, normalization, and rows without a label. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Arm, trainArms } from './arms.js';
import type { Results } from './page.js';
import { readDigits, writeDigits } from './support/digits.js';
import { gainRow } from './support/gain-row.js';
import { germanCredit } from './support/german-credit.js';
import { chosenArms, fixed, overStrengths, type Technique } from './support/tuned.js';

interface Case {
  readonly title: string;
  readonly about: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** The first is what the others are compared with. */
  readonly techniques: readonly Technique[];
}

const TAUS = [0.1, 1, 10, 100];
const LABELLED = 200;
const VALIDATION = 500;
const HOLDOUT = 3000;
const UNLABELLED = 3000;

const priors = (['gaussian', 'laplace', 'horseshoe'] as const).map((kind) =>
  overStrengths(`${kind} prior`, TAUS, (strength) => [
    {
      type: 'prior',
      kind,
      strength,
      ...(kind === 'horseshoe' ? { schedule: { type: 'linear', from: 0, to: 1, over: 10 } } : {}),
    },
  ]),
);

function onTables(datasets: string): Case[] {
  const training = { epochs: 60, batchSize: 32, optimizer: { type: 'sgd', learningRate: 0.03, momentum: 0.9 } };
  return [
    {
      title: 'Priors (MAP): sonar',
      about:
        'Echoes of metal or rock, 60 numbers a row; 84 rows to train on, 41 to validate. A perceptron of 64 units.',
      spec: {
        name: 'sonar',
        task: 'classification',
        data: {
          source: join(datasets, 'small-n-tabular/sonar.csv'),
          header: [...Array.from({ length: 60 }, (_, i) => `x${i + 1}`), 'target'],
          target: 'target',
          split: { validation: 0.2, holdout: 0.4 },
        },
        model: { type: 'mlp', hidden: [64] },
        training,
      },
      techniques: [fixed({ name: 'no prior', regularizers: [] }), ...priors],
    },
    {
      title: 'Priors (MAP): german-credit',
      about: 'Good or bad risk, 20 columns; 400 rows to train on, 200 to validate. A perceptron of twice 64 units.',
      spec: {
        ...germanCredit(datasets),
        model: { type: 'mlp', hidden: [64, 64] },
        training,
      },
      techniques: [fixed({ name: 'no prior', regularizers: [] }), ...priors],
    },
  ];
}

/** A shallow and a deep network with each normalization between their maps and their activations. */
function normalization(datasets: string): Case[] {
  const digits = {
    task: 'classification',
    data: {
      source: join(datasets, 'mnist-t10k/t10k-images-idx3-ubyte.gz'),
      target: 'label',
      split: { validation: VALIDATION, holdout: 9000 },
    },
    training: { epochs: 10, batchSize: 50, optimizer: { type: 'sgd', learningRate: 0.05, momentum: 0.9 } },
  };
  const arms = (kinds: readonly string[], model: (kind: string) => object): Technique[] =>
    kinds.map((kind) =>
      fixed({
        name: kind === 'none' ? 'none' : `${kind} normalization`,
        regularizers: [],
        spec: { model: model(kind) },
      }),
    );
  const about = '500 digits of 28 x 28 to train on, 500 to validate; 10 epochs, plain descent.';
  return [
    {
      title: 'Normalization: a shallow network',
      about: `${about} A cnn of 8, 16 and 16 channels.`,
      spec: { ...digits, name: 'shallow' },
      techniques: arms(['none', 'batch', 'layer', 'group'], (kind) => ({
        type: 'cnn',
        layers: [
          { conv: 8, stride: 2, normalization: kind },
          { conv: 16, stride: 2, normalization: kind },
          { conv: 16, stride: 2, normalization: kind },
          { globalPool: 'average' },
        ],
      })),
    },
    {
      title: 'Normalization: a deep network',
      about: `${about} A perceptron of twelve layers of 32 units.`,
      spec: { ...digits, name: 'deep' },
      techniques: arms(['none', 'batch', 'layer'], (kind) => ({
        type: 'mlp',
        hidden: Array.from({ length: 12 }, () => 32),
        normalization: kind,
      })),
    },
  ];
}

/** Few labelled digits and many of the same kind without a label. */
function withoutLabels(datasets: string, folder: string): Case {
  const known = LABELLED + VALIDATION + HOLDOUT;
  const digits = readDigits(datasets).slice(0, known + UNLABELLED);
  const all = join(folder, 'labelled.csv.gz');
  const some = join(folder, 'some.csv.gz');
  const rows = digits.map((digit) => ({ ...digit, domain: 'same' }));
  writeDigits(
    some,
    rows.map((row, i) => (i < known ? row : { ...row, label: undefined })),
  );
  writeDigits(all, rows);
  const data = {
    source: some,
    target: 'label',
    unlabelled: 'keep',
    columns: { domain: 'domain' },
    features: { scaling: 'none' },
    split: { validation: VALIDATION, holdout: HOLDOUT },
  };
  const ramp = { type: 'linear', from: 0, to: 1, over: 15 };
  const pseudo = (confidence: number): Technique =>
    overStrengths(`pseudo-labels from ${confidence} on,`, [1], (strength) => [
      { type: 'pseudo-labels', strength, confidence, schedule: ramp },
    ]);
  const reference: Arm = {
    name: 'all labels',
    regularizers: [],
    spec: { data: { ...data, source: all, unlabelled: 'refuse' } },
  };
  return {
    title: `Rows without a label: ${LABELLED} digits with one, ${UNLABELLED} of the same kind without`,
    about: `Digits of 14 x 14; ${VALIDATION} labelled ones validate. A perceptron of 64 units, 30 epochs. \`all labels\` is what would be reached if the ${UNLABELLED} had theirs.`,
    spec: {
      name: 'few-labels',
      task: 'classification',
      data,
      model: { type: 'mlp', hidden: [64] },
      training: {
        epochs: 30,
        batchSize: 128,
        optimizer: { type: 'adamw', learningRate: 0.001 },
        trainMetricsRows: 100,
      },
    },
    techniques: [fixed({ name: 'labels alone', regularizers: [] }), pseudo(0.95), pseudo(0.8), fixed(reference)],
  };
}

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const seeds = quick ? 2 : 5;
    const folder = await mkdtemp(join(tmpdir(), 'ballast-results-'));
    try {
      const sections: string[] = [];
      for (const of of [...onTables(datasets), ...normalization(datasets), withoutLabels(datasets, folder)]) {
        const arms = await chosenArms(of.spec, of.techniques, ({ validation }) => -validation.logLoss, { tell });
        const trials = await trainArms(of.spec, arms, { seeds, tell });
        sections.push(`## ${of.title}

${of.about}

| technique and strength | accuracy | gain | log loss | gain |
| --- | --- | --- | --- | --- |
${arms.map(({ name }) => gainRow(trials, name, arms[0].name)).join('\n')}
`);
      }
      return `# Priors, normalization, rows without a label

Means over ${seeds} seeds **on the holdout**, which nothing else read; gains are paired by seed over the first row, with 95 % intervals
(Student's t over seeds), above 0 where it is better, whatever the metric's direction; \`helped\` and \`hurt\` stand where the interval is off 0.
Strengths of priors (tau ${TAUS.join(', ')}) are those of the lowest log loss on validation rows under two seeds of their own.

${sections.join('\n')}`;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
