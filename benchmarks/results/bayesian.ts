/** Posteriors over weights against one network: negative log-likelihood, calibration, and what the evidence chooses. */
import { join } from 'node:path';
import { type Arm, show, summary, type Trial, trainArms, valuesOf } from './arms.js';
import type { Results } from './page.js';

const SEEDS = 5;

type Entry = Readonly<Record<string, unknown>>;

interface Case {
  readonly name: string;
  readonly source: string;
  readonly spec: Entry & { readonly data: Entry; readonly training: Entry };
}

const columns = (count: number): string[] => [...Array.from({ length: count }, (_, i) => `x${i + 1}`), 'target'];

const small = (name: string, file: string, features: number, epochs: number): Case => ({
  name,
  source: `small-n-tabular/${file}`,
  spec: {
    task: 'classification',
    data: { header: columns(features), target: 'target', split: { validation: 0.25, holdout: 0.4 } },
    model: { type: 'mlp', hidden: [32, 32] },
    training: { epochs, batchSize: 32, optimizer: { type: 'sgd', learningRate: 0.05 } },
  },
});

/** Few rows and networks that can learn them by heart: where one set of weights is too sure. */
const CASES: readonly Case[] = [
  small('pima', 'pima-indians-diabetes.csv', 8, 80),
  small('sonar', 'sonar.csv', 60, 80),
  small('glass', 'glass.csv', 9, 120),
  {
    name: 'digits',
    source: 'small-n-tabular/digits.csv.gz',
    spec: {
      task: 'classification',
      data: { header: columns(64), target: 'target', split: { validation: 0.2, holdout: 0.6 } },
      model: { type: 'mlp', hidden: [48] },
      training: { epochs: 60, batchSize: 32, optimizer: { type: 'sgd', learningRate: 0.05 } },
    },
  },
];

const PRIORS = [0.1, 1, 10, 30] as const;
const RATES = [0.1, 0.3, 0.5] as const;
const WEIGHTS = [0.01, 0.1, 1] as const;

const METRICS = ['logLoss', 'ece', 'brier', 'accuracy'] as const;

/** Logarithms of deviations and means are of different sizes: Adam's steps suit both. */
const forDeviations = ({ spec }: Case): Entry => ({
  training: { ...spec.training, optimizer: { type: 'adam', learningRate: 0.005 } },
});

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const seeds = quick ? 2 : SEEDS;
    const methods: string[] = [];
    const evidence: string[] = [];
    for (const each of quick ? CASES.slice(0, 1) : CASES) {
      const made = await caseRows(each, { datasets, seeds, tell });
      methods.push(...made.methods);
      evidence.push(...made.evidence);
    }
    return `# Posteriors over weights

Means over ${seeds} seeds with 95 % intervals (Student's t); gains are paired by seed, above 0 is better. Multilayer perceptrons on few
rows, plain descent at a constant rate (variational weights: Adam), weights of the last epoch. Strengths are chosen by the mean log
loss on validation rows: the precision of MAP's Gaussian prior (${PRIORS.join(', ')}), which Laplace, SWAG and the ensemble take over,
as dropout does, whose rate is one of ${RATES.join(', ')}; the weight of the divergence (${WEIGHTS.join(', ')}). All figures are of the holdout, which nothing else reads.

## Log loss, calibration, accuracy

Cost of prediction: Laplace one product more in the last layer, or the way back through all of them for each class; SWAG 30 networks,
MC dropout and variational weights 20, the ensemble 5.

| data | method | chosen | log loss | gain | ECE | gain | Brier | accuracy |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${methods.join('\n')}

## The prior precision of Laplace: evidence against validation rows

The evidence reads training rows alone and takes no search; \`precision: validation\` tries 1e-4 to 1e4 in half decades and takes the
lowest log loss on validation rows, seed by seed. Log loss on the holdout; the gain is that of the evidence over validation.

| data | layers | precision by evidence | by validation | log loss, evidence | log loss, validation | gain |
| --- | --- | --- | --- | --- | --- | --- |
${evidence.join('\n')}
`;
  },
};

async function caseRows(
  each: Case,
  { datasets, seeds, tell }: { datasets: string; seeds: number; tell: (line: string) => void },
): Promise<{ methods: string[]; evidence: string[] }> {
  const { name } = each;
  const spec = { name, ...each.spec, data: { ...each.spec.data, source: join(datasets, each.source) } };
  const train = (arms: readonly Arm[]): Promise<Trial[]> => trainArms(spec, arms, { seeds, tell });
  const best = async (arms: readonly Arm[]): Promise<{ arm: Arm; trials: Trial[] }> => {
    const all = await train(arms);
    const loss = (arm: Arm): number => mean(valuesOf(all, arm.name, ({ validation }) => validation.logLoss));
    const [arm] = [...arms].sort((a, b) => loss(a) - loss(b));
    return { arm, trials: all.filter((trial) => trial.arm === arm.name) };
  };

  const map = await best(
    PRIORS.map((strength) => ({ name: `prior ${strength}`, regularizers: [{ type: 'prior', strength }] })),
  );
  const shared = map.arm.regularizers;
  const with_ = (title: string, entry: Entry): Arm => ({ name: title, regularizers: [...shared, entry] });
  const dropped = (strength: number, more: readonly Entry[] = []): Arm => ({
    name: `rate ${strength}`,
    regularizers: [...shared, { type: 'dropout', strength }, ...more],
  });
  const one = async (arm: Arm): Promise<{ arm: Arm; trials: Trial[] }> => ({ arm, trials: await train([arm]) });
  const laplace = async (options: Entry): Promise<{ arm: Arm; trials: Trial[] }> =>
    one(with_('', { type: 'laplace', ...options }));
  const last = await laplace({});
  const lastByRows = await laplace({ precision: 'validation' });
  const all = await laplace({ layers: 'all' });
  const allByRows = await laplace({ layers: 'all', precision: 'validation' });
  const found: [string, { arm: Arm; trials: Trial[] }][] = [
    ['MAP', map],
    ['Laplace, last layer, kron', last],
    ['Laplace, last layer, full', await laplace({ structure: 'full' })],
    ['Laplace, all layers, kron', all],
    ['Laplace, last layer, validation', lastByRows],
    ['Laplace, all layers, validation', allByRows],
    ['SWAG', await one(with_('', { type: 'swag' }))],
    ['dropout', await best(RATES.map((rate) => dropped(rate)))],
    ['MC dropout', await best(RATES.map((rate) => dropped(rate, [{ type: 'mc-dropout' }])))],
    ['ensemble of 5', await one(with_('', { type: 'ensemble', members: 5 }))],
    [
      'variational',
      await best(
        WEIGHTS.map((strength) => ({
          name: `weight ${strength}`,
          regularizers: [{ type: 'variational', strength }],
          spec: forDeviations(each),
        })),
      ),
    ],
  ];
  const methods = found.map(([title, { arm, trials }]) => {
    const figures = METRICS.map((metric) => {
      const values = trials.map(({ holdout }) => holdout[metric]);
      // Gains count downwards for what is better low.
      const against = map.trials.map(({ holdout }) => -holdout[metric]);
      const { mean: value } = summary(values);
      const { gain } =
        title === 'MAP'
          ? {}
          : summary(
              values.map((v) => -v),
              against,
            );
      const shown = show(value, metric === 'accuracy' ? 3 : 4);
      if (metric === 'brier' || metric === 'accuracy') return shown;
      return `${shown} | ${gain === undefined ? '' : show(gain)}`;
    });
    return `| ${name} | ${title} | ${arm.name} | ${figures.join(' | ')} |`;
  });

  const evidence = [['last', last, lastByRows] as const, ['all', all, allByRows] as const].map(
    ([layers, byEvidence, byRows]) => {
      const [ours, theirs] = [byEvidence, byRows].map(({ trials }) => trials.map(({ holdout }) => holdout.logLoss));
      const negated = (values: readonly number[]): number[] => values.map((value) => -value);
      const { gain } = summary(negated(ours), negated(theirs));
      const figures = [summary(ours).mean, summary(theirs).mean, ...(gain === undefined ? [] : [gain])];
      const precisions = [byEvidence, byRows].map(({ trials }) => range(trials.map(precisionOf)));
      return `| ${[name, layers, ...precisions, ...figures.map((figure) => show(figure))].join(' | ')} |`;
    },
  );
  return { methods, evidence };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;

const range = (values: readonly number[]): string =>
  `${Math.min(...values).toPrecision(3)} to ${Math.max(...values).toPrecision(3)}`;

/** The precision that the finding tells. */
function precisionOf({ findings }: Trial): number {
  const told = findings.find(({ code }) => code === 'LAPLACE_FITTED');
  return Number(told?.message.match(/prior precision (\S+)/)?.[1]);
}
