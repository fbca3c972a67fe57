/** Rare classes and small data: SMOTE, Borderline-SMOTE, Gaussian copula, beside class weights and focal loss. */
import { join } from 'node:path';
import { type Arm, show, summary, type Trial, trainArms, valuesOf } from './arms.js';
import type { Results } from './page.js';

const BALANCING: readonly Arm[] = [
  { name: 'nothing', regularizers: [] },
  { name: 'class weights', regularizers: [], spec: { training: undefined } },
  { name: 'focal', regularizers: [{ type: 'focal' }] },
  { name: 'SMOTE', regularizers: [{ type: 'smote' }] },
  { name: 'Borderline-SMOTE', regularizers: [{ type: 'smote', variant: 'borderline-1' }] },
  { name: 'Gaussian copula', regularizers: [{ type: 'gaussian-copula', classes: 'balanced' }] },
];

/** Strengths that are tried; the one of the best validation figure is reported, on the holdout. */
const STRENGTHS: Readonly<Record<string, readonly number[]>> = {
  focal: [0.5, 2, 5],
  SMOTE: [0.1, 0.3, 1],
  'Borderline-SMOTE': [0.1, 0.3, 1],
  'Gaussian copula': [0.1, 0.3, 0.9],
};

interface Case {
  readonly name: string;
  readonly source: string;
  readonly metric: 'prAuc' | 'logLoss' | 'rmse';
  readonly spec: Readonly<Record<string, unknown>> & { readonly data: object; readonly training: object };
}

const IMBALANCED: readonly Case[] = [
  {
    name: 'mammography',
    source: 'mammography/mammography.csv',
    metric: 'prAuc',
    spec: {
      task: 'classification',
      data: {
        header: ['x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'label'],
        target: 'label',
        split: { validation: 0.2, holdout: 0.4 },
      },
      model: { type: 'mlp', hidden: [32] },
      training: { epochs: 12, batchSize: 64, optimizer: { type: 'adamw', learningRate: 0.003 } },
    },
  },
  {
    name: 'creditcard-fraud',
    source: 'creditcard-fraud-10k/creditcard_10k.csv.gz',
    metric: 'prAuc',
    spec: {
      task: 'classification',
      data: { target: 'Class', features: { exclude: ['Time'] }, split: { validation: 0.2, holdout: 0.4 } },
      model: { type: 'mlp', hidden: [32] },
      training: { epochs: 12, batchSize: 64, optimizer: { type: 'adamw', learningRate: 0.003 } },
    },
  },
];

const SMALL: readonly Case[] = [
  {
    name: 'sonar',
    source: 'small-n-tabular/sonar.csv',
    metric: 'logLoss',
    spec: {
      task: 'classification',
      data: {
        header: [...Array.from({ length: 60 }, (_, i) => `x${i + 1}`), 'target'],
        target: 'target',
        split: { validation: 0.25, holdout: 0.4 },
      },
      model: { type: 'mlp', hidden: [32] },
      training: { epochs: 40, batchSize: 16 },
    },
  },
  {
    name: 'pima',
    source: 'small-n-tabular/pima-indians-diabetes.csv',
    metric: 'logLoss',
    spec: {
      task: 'classification',
      data: {
        header: [...Array.from({ length: 8 }, (_, i) => `x${i + 1}`), 'target'],
        target: 'target',
        split: { validation: 0.25, holdout: 0.4 },
      },
      model: { type: 'mlp', hidden: [32] },
      training: { epochs: 40, batchSize: 16 },
    },
  },
  {
    name: 'prostate',
    source: 'small-n-tabular/prostate_esl.csv',
    metric: 'rmse',
    spec: {
      task: 'regression',
      data: { target: 'lpsa', features: { exclude: ['rownames'] }, split: { validation: 0.25, holdout: 0.4 } },
      model: { type: 'mlp', hidden: [16] },
      training: { epochs: 100, batchSize: 16 },
    },
  },
];

const sign = (metric: Case['metric']): number => (metric === 'prAuc' ? 1 : -1);
const of = (part: 'validation' | 'holdout', metric: string) => (trial: Trial) => trial[part][metric];

/** Arms of one technique over its strengths; the baseline and class weights have one. */
function armsOf(arm: Arm, { spec }: Case): Arm[] {
  if (arm.name === 'class weights')
    return [{ ...arm, spec: { training: { ...spec.training, classWeights: 'balanced' } } }];
  const strengths = STRENGTHS[arm.name];
  if (strengths === undefined) return [arm];
  return strengths.map((strength) => ({
    ...arm,
    name: `${arm.name} ${strength}`,
    regularizers: arm.regularizers.map((entry) => ({ ...entry, strength })),
  }));
}

async function rowsOf(
  entry: Case,
  arms: readonly Arm[],
  { folder, seeds, tell }: { folder: string; seeds: number; tell: (line: string) => void },
): Promise<string[]> {
  const { metric } = entry;
  const spec = {
    ...entry.spec,
    name: entry.name,
    data: { ...entry.spec.data, source: join(folder, entry.source) },
    objectives: { primary: metric },
  };
  const all = arms.flatMap((arm) => armsOf(arm, entry));
  const trials = await trainArms(spec, all, { seeds, metrics: [metric], tell });
  const plain = valuesOf(trials, 'nothing', of('holdout', metric));
  return arms.map((arm) => {
    const tried = armsOf(arm, entry).map(({ name }) => name);
    const score = (name: string): number =>
      sign(metric) * summary(valuesOf(trials, name, of('validation', metric))).mean.value;
    const chosen = tried.reduce((best, name) => (score(name) > score(best) ? name : best));
    const values = valuesOf(trials, chosen, of('holdout', metric));
    const { mean, gain } = summary(
      values.map((value) => sign(metric) * value),
      plain.map((value) => sign(metric) * value),
    );
    const bounds = mean.interval.map((bound) => sign(metric) * bound).sort((a, b) => a - b);
    const shown = { ...mean, value: sign(metric) * mean.value, interval: [bounds[0], bounds[1]] as const };
    const told = trials.find((trial) => trial.arm === chosen)?.findings.find(({ code }) => code === 'SYNTHETIC_ROWS');
    const distance = told?.message.match(/ROC area (\d\.\d+)/)?.[1] ?? '';
    const share = told?.message.match(/rows: (\d+ %)/)?.[1] ?? '';
    const gained = chosen === 'nothing' || gain === undefined ? '' : show(gain);
    return `| ${entry.name} | ${metric} | ${chosen} | ${share} | ${distance} | ${show(shown)} | ${gained} |`;
  });
}

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const setting = { folder: datasets, seeds: quick ? 2 : 5, tell };
    const imbalanced: string[] = [];
    for (const entry of IMBALANCED) imbalanced.push(...(await rowsOf(entry, BALANCING, setting)));
    const blended: readonly Arm[] = [
      BALANCING[0],
      { name: 'Gaussian copula', regularizers: [{ type: 'gaussian-copula' }] },
    ];
    const small: string[] = [];
    for (const entry of SMALL) small.push(...(await rowsOf(entry, blended, setting)));
    const head =
      '| data | metric | technique and strength | synthetic | told apart | holdout | gain over nothing |\n| --- | --- | --- | --- | --- | --- | --- |';
    return `# Synthetic rows

Means over ${setting.seeds} seeds **on the holdout** (40 % of the rows, real ones alone), with 95 % intervals (Student's t); gains are paired by
seed, above 0 is better. Of three strengths the one with the best mean validation figure is shown: strengths are chosen on
validation, not on what is reported. \`synthetic\` is the share of synthetic rows in what is trained on, \`told apart\` the ROC area with which a
nearest-neighbour classifier tells them from real rows of their class (0.5: it cannot; below: they lie between real rows). Class weights and
focal loss, which make no rows, stand beside.

## Rare classes

${head}
${imbalanced.join('\n')}

## Few rows, blended with rows of a Gaussian copula

${head}
${small.join('\n')}
`;
  },
};
