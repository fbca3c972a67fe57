/**
 * Healthy specs on small real data, and faults planted into them: what `npm run results -- diagnosis` judges. The rules of
 * the diagnosis were developed on the sets under DEVELOPMENT; the published figures are of the sets under JUDGED.
 */
import type { PredictionInput } from '../../src/evaluation/index.js';
import { ADULT } from './labels/adult.js';

export interface DiagnosisCase {
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly training: Readonly<Record<string, unknown>> & { readonly epochs: number };
    readonly regularizers: readonly Entry[];
  };
}

export interface Entry {
  readonly type: string;
  readonly strength?: number;
  readonly patience?: number;
}

/** A fault, at severities from mild to grave, and the findings that name it. */
export interface Fault {
  readonly name: string;
  readonly found: readonly string[];
  /** Standard errors by which the first is worse on the rows held out; in log loss unless given. */
  readonly moved?: (faulty: PredictionInput, healthy: PredictionInput) => number;
  readonly severities: readonly ((spec: DiagnosisCase['spec']) => DiagnosisCase['spec'])[];
}

const columns = (count: number): string[] => [...Array.from({ length: count }, (_, i) => `x${i + 1}`), 'target'];

function tabular(
  name: string,
  data: Readonly<Record<string, unknown>>,
  split: Readonly<Record<string, unknown>>,
  { hidden = [64, 64], epochs = 30, decay = 0.1, dropout = 0.2 } = {},
): DiagnosisCase {
  return {
    name,
    spec: {
      name,
      task: 'classification',
      data: { target: 'target', ...data, split: { strategy: 'stratified', seed: 1, ...split } },
      model: { type: 'mlp', hidden },
      training: { epochs, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.003 } },
      regularizers: [
        { type: 'weight-decay', strength: decay },
        { type: 'dropout', strength: dropout },
        { type: 'early-stopping', patience: 8 },
      ],
    },
  };
}

export const DEVELOPMENT: readonly DiagnosisCase[] = [
  tabular(
    'digits',
    { source: 'small-n-tabular/digits.csv.gz', header: columns(64) },
    { validation: 500, holdout: 800 },
  ),
  tabular(
    'pima',
    { source: 'small-n-tabular/pima-indians-diabetes.csv', header: columns(8) },
    { validation: 250, holdout: 250 },
  ),
  tabular(
    'spambase',
    { source: 'small-n-tabular/spambase.data', header: columns(57) },
    { validation: 1200, holdout: 2500 },
  ),
];

export const JUDGED: readonly DiagnosisCase[] = [
  tabular(
    'ionosphere',
    { source: 'small-n-tabular/ionosphere.csv', header: columns(34) },
    { validation: 120, holdout: 120 },
  ),
  tabular(
    'breast-cancer',
    {
      source: 'breast-cancer-wisconsin/breast-cancer-wisconsin.data',
      header: ['id', ...columns(9)],
      features: { exclude: ['id'] },
    },
    { validation: 200, holdout: 200 },
  ),
  tabular(
    'german-credit',
    { source: 'german-credit/german.csv', header: columns(20) },
    { validation: 300, holdout: 350 },
  ),
  tabular(
    'fashion',
    { source: 'fashion-mnist-t10k/t10k-images-idx3-ubyte.gz', target: 'label' },
    { validation: 1000, holdout: 8000 },
    { epochs: 20, decay: 0.05 },
  ),
  tabular(
    'adult',
    { source: 'adult/adult-train.csv.gz', ...ADULT.data },
    { validation: 2000, holdout: 28_000 },
    { epochs: 20 },
  ),
  tabular(
    'mammography',
    { source: 'mammography/mammography.csv', header: columns(6) },
    { validation: 1000, holdout: 8000 },
    { epochs: 20 },
  ),
];

export const withTraining = (change: Readonly<Record<string, unknown>>) => (spec: DiagnosisCase['spec']) => ({
  ...spec,
  training: { ...spec.training, ...change },
});
const rate = (learningRate: number) => withTraining({ optimizer: { type: 'adamw', learningRate } });
const withEntries = (entries: readonly Entry[]) => (spec: DiagnosisCase['spec']) => ({
  ...spec,
  regularizers: [...spec.regularizers.filter(({ type }) => !entries.some((entry) => entry.type === type)), ...entries],
});
export const strengths = (type: string, values: readonly number[]) =>
  values.map((strength) => withEntries([{ type, strength }]));

/** Nothing but the network: wide, long, and nothing to hold it. */
const unregularized = (width: number) => (spec: DiagnosisCase['spec']) => ({
  ...spec,
  model: { type: 'mlp', hidden: [width, width] },
  regularizers: [],
});

export const FAULTS: readonly Fault[] = [
  { name: 'weight decay too strong', found: ['F1'], severities: strengths('weight-decay', [5, 15, 40]) },
  { name: 'dropout too strong', found: ['F1'], severities: strengths('dropout', [0.75, 0.85, 0.93]) },
  { name: 'l1 too strong', found: ['F1', 'X17'], severities: strengths('l1', [0.005, 0.02, 0.08]) },
  {
    name: 'label smoothing too strong',
    found: ['F1', 'F4'],
    severities: strengths('label-smoothing', [0.4, 0.6, 0.8]),
  },
  { name: 'no regularization', found: ['F2'], severities: [unregularized(64), unregularized(128), unregularized(256)] },
  {
    name: 'too few epochs',
    found: ['not-converged', 'learning-rate'],
    severities: [3, 2, 1].map((epochs) => withTraining({ epochs })),
  },
  {
    name: 'learning rate too low',
    found: ['learning-rate', 'not-converged'],
    severities: [1e-4, 3e-5, 1e-5].map(rate),
  },
  { name: 'learning rate too high', found: ['learning-rate', 'diverged', 'F6'], severities: [0.1, 0.3, 1].map(rate) },
];
