/** Pairs of regularizers in 2 x 2 factorials: what two are worth together, beyond the sum of each alone. */
import { join } from 'node:path';
import type { Figure } from '../../src/evaluation/index.js';
import { INTERACTIONS } from '../../src/regularizers/interactions.js';
import { type Arm, show, summary, type Trial, trainArms } from './arms.js';
import type { Results } from './page.js';

const SEEDS = 5;

type Entry = Readonly<Record<string, unknown>>;

/** One thing that is on or off: a regularizer, or a part of the network. */
interface Factor {
  readonly name: string;
  readonly regularizers?: readonly Entry[];
  /** Merged over the spec's own sections. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Pairs on one data set; cells that pairs share are trained once. */
interface Study {
  readonly title: string;
  readonly what: string;
  readonly source: string;
  readonly spec: Readonly<Record<string, unknown>> & { readonly data: Readonly<Record<string, unknown>> };
  readonly factors: Readonly<Record<string, Factor>>;
  readonly pairs: readonly (readonly [first: string, second: string])[];
}

const DIGITS: Study = {
  title: 'Digits, a perceptron on few rows',
  what: '300 training rows, two hidden layers of 64 units, 60 epochs of AdamW at 0.003',
  source: 'small-n-tabular/digits.csv.gz',
  spec: {
    name: 'digits',
    task: 'classification',
    data: {
      header: [...Array.from({ length: 64 }, (_, i) => `x${i + 1}`), 'target'],
      target: 'target',
      split: { validation: 300, holdout: 1197 },
    },
    model: { type: 'mlp', hidden: [64, 64] },
    training: { epochs: 60, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.003 } },
  },
  factors: {
    dropout: { name: 'dropout 0.3', regularizers: [{ type: 'dropout', strength: 0.3 }] },
    strongDropout: { name: 'dropout 0.6', regularizers: [{ type: 'dropout', strength: 0.6 }] },
    l2: { name: 'l2 0.001', regularizers: [{ type: 'l2', strength: 1e-3 }] },
    weightDecay: { name: 'weight-decay 0.1', regularizers: [{ type: 'weight-decay', strength: 0.1 }] },
    smoothing: { name: 'label-smoothing 0.1', regularizers: [{ type: 'label-smoothing', strength: 0.1 }] },
    mixup: { name: 'mixup 0.2', regularizers: [{ type: 'mixup', strength: 0.2 }] },
    distillation: { name: 'distillation (self)', regularizers: [{ type: 'distillation' }] },
    sam: { name: 'sam 0.05', regularizers: [{ type: 'sam', strength: 0.05 }] },
    swa: { name: 'swa 0.25', regularizers: [{ type: 'swa', strength: 0.25 }] },
    pruning: { name: 'pruning 0.9', regularizers: [{ type: 'pruning', strength: 0.9 }] },
    stopping: { name: 'early-stopping, patience 5', regularizers: [{ type: 'early-stopping', patience: 5 }] },
    layerNorm: {
      name: 'layer normalization',
      spec: { model: { type: 'mlp', hidden: [64, 64], normalization: 'layer' } },
    },
    batchNorm: {
      name: 'batch normalization',
      spec: { model: { type: 'mlp', hidden: [64, 64], normalization: 'batch' } },
    },
  },
  pairs: [
    ['dropout', 'batchNorm'],
    ['strongDropout', 'batchNorm'],
    ['strongDropout', 'layerNorm'],
    ['dropout', 'l2'],
    ['dropout', 'weightDecay'],
    ['l2', 'weightDecay'],
    ['smoothing', 'mixup'],
    ['smoothing', 'distillation'],
    ['dropout', 'mixup'],
    ['strongDropout', 'mixup'],
    ['sam', 'swa'],
    ['pruning', 'dropout'],
    ['pruning', 'strongDropout'],
    ['stopping', 'weightDecay'],
    ['stopping', 'swa'],
  ],
};

const cnn = (...dense: readonly Entry[]) => ({
  type: 'cnn',
  layers: [{ conv: 8 }, { pool: 2 }, { conv: 16 }, { pool: 2 }, ...dense],
});

const FASHION: Study = {
  title: 'Fashion-MNIST, a small convolutional network on few images',
  what: '600 training images, two convolutions of 8 and 16 channels and two dense layers of 32, 15 epochs of AdamW at 0.003',
  source: 'fashion-mnist-t10k/t10k-images-idx3-ubyte.gz',
  spec: {
    name: 'fashion-mnist',
    task: 'classification',
    data: { target: 'label', split: { validation: 400, holdout: 9000 } },
    model: cnn({ dense: 32 }, { dense: 32 }),
    training: { epochs: 15, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.003 } },
  },
  factors: {
    dropout: { name: 'dropout 0.3', regularizers: [{ type: 'dropout', strength: 0.3 }] },
    before: {
      name: 'batch normalization before dropout (first dense layer)',
      spec: { model: cnn({ dense: 32, normalization: 'batch' }, { dense: 32 }) },
    },
    behind: {
      name: 'batch normalization behind dropout (second dense layer)',
      spec: { model: cnn({ dense: 32 }, { dense: 32, normalization: 'batch' }) },
    },
    augmentation: { name: 'image-augmentation', regularizers: [{ type: 'image-augmentation' }] },
    weightDecay: { name: 'weight-decay 0.1', regularizers: [{ type: 'weight-decay', strength: 0.1 }] },
  },
  pairs: [
    ['dropout', 'before'],
    ['dropout', 'behind'],
    ['augmentation', 'dropout'],
    ['augmentation', 'weightDecay'],
  ],
};

/** What was found of a pair, for one metric; above 0 is better. */
interface Contrast {
  readonly first: Figure;
  readonly second: Figure;
  readonly both: Figure;
  /** both - first - second. */
  readonly beyond: Figure;
}

const METRICS = [
  { name: 'accuracy', sign: 1, digits: 3 },
  { name: 'logLoss', sign: -1, digits: 3 },
] as const;

const armOf = (factors: readonly Factor[]): Arm => ({
  name: factors.map(({ name }) => name).join(' + ') || 'neither',
  regularizers: factors.flatMap(({ regularizers = [] }) => regularizers),
  ...Object.assign({}, ...factors.map(({ spec }) => (spec === undefined ? {} : { spec }))),
});

/** The paired contrast of a 2 x 2: per seed, what both gain beyond the sum of what each gains alone. */
function contrastOf(quality: (arm: Arm) => readonly number[], cells: readonly [Arm, Arm, Arm, Arm]): Contrast {
  const [none, first, second, both] = cells.map(quality);
  const gain = (values: readonly number[]): Figure => summary(values.map((value, seed) => value - none[seed])).mean;
  return {
    first: gain(first),
    second: gain(second),
    both: gain(both),
    beyond: summary(both.map((value, seed) => value - first[seed] - second[seed] + none[seed])).mean,
  };
}

function verdict({ beyond: { interval }, both, first, second }: Contrast): string {
  const [low, high] = interval;
  if (low > 0) return 'more than the sum';
  if (high >= 0) return 'no clear difference from the sum';
  const better = Math.max(first.value, second.value);
  return both.value < better ? 'less than the better one alone' : 'less than the sum';
}

async function study(
  { title, what, source, spec, factors, pairs }: Study,
  { datasets, tell }: Parameters<Results['page']>[0],
  seeds: number,
): Promise<string> {
  const cells = pairs.map((names) => {
    const [first, second] = names.map((name) => factors[name]);
    return [armOf([]), armOf([first]), armOf([second]), armOf([first, second])] as const;
  });
  const arms = new Map(cells.flat().map((arm) => [arm.name, arm]));
  const trials: Trial[] = await trainArms(
    { ...spec, data: { ...spec.data, source: join(datasets, source) } },
    [...arms.values()],
    { seeds, tell },
  );
  const [none] = cells[0];
  const start = METRICS.map(({ name, digits }) => {
    const values = trials.filter(({ arm }) => arm === none.name).map(({ holdout }) => holdout[name]);
    return `${name} ${show(summary(values).mean, digits)}`;
  });
  const tables = METRICS.map(({ name, sign, digits }) => {
    const quality = (arm: Arm): number[] =>
      trials.filter((trial) => trial.arm === arm.name).map(({ holdout }) => sign * holdout[name]);
    const lines = cells.map((cell) => {
      const found = contrastOf(quality, [...cell]);
      const [, first, second] = cell;
      const text = (figure: Figure): string => show(figure, digits);
      return `| ${first.name} | ${second.name} | ${text(found.first)} | ${text(found.second)} | ${text(found.both)} | ${text(found.beyond)} | ${verdict(found)} |`;
    });
    return `Gain in ${name === 'logLoss' ? 'log loss (how much lower it is)' : name}:

| first | second | first alone | second alone | both | beyond the sum | both are worth |
| --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
  });
  return `## ${title}

${what}. Without any: ${start.join(', ')}.

${tables.join('\n')}`;
}

/** Entries of the table of interactions whose pair was measured here. */
function known(studies: readonly Study[]): string {
  const typesOf = ({ regularizers = [] }: Factor): unknown[] => regularizers.map(({ type }) => type);
  const measured = new Set(
    studies.flatMap(({ pairs, factors }) =>
      pairs.map((names) =>
        names
          .flatMap((name) => typesOf(factors[name]))
          .sort()
          .join(' + '),
      ),
    ),
  );
  return INTERACTIONS.filter(({ first, second }) => measured.has([first, second].sort().join(' + ')))
    .map(({ first, second, kind, reason, source }) => `- ${first} + ${second} (${kind}): ${reason} (${source}).`)
    .join('\n');
}

export const results: Results = {
  async page(setting) {
    const seeds = setting.quick ? 2 : SEEDS;
    const parts = [await study(DIGITS, setting, seeds), await study(FASHION, setting, seeds)];
    return `# Pairs of regularizers

Each pair in a 2 x 2 factorial: neither, each alone, both, under the same ${seeds} seeds and on one split. The interaction contrast
"beyond the sum" is both - first - second + neither, paired by seed; its interval (95 %, Student's t over seeds) covers the luck of
initial weights and order, not of the rows. Figures are of the rows held out; strengths are defaults or the middle of their range
and were not chosen by any of these figures. An interval that covers 0 is no proof that two go together: of so few seeds only
large interactions show. \`ballast regularizers --interactions --spec SPEC\` measures the pairs of your own spec.

${parts.join('\n')}
## What the table of interactions says of these pairs

\`ballast regularizers --interactions\` lists it, with what was measured here.

${known([DIGITS, FASHION])}
`;
  },
};
