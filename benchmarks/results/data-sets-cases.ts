/**
 * Baseline and regularized model on real data sets, five seeds each: what `npm run results -- data-sets` trains. Choices
 * were made on validation rows; the holdout is read once a model, at the end.
 */
import { ADULT } from './labels/adult.js';

const mlp = (...hidden: number[]) => ({ type: 'mlp', hidden });

const columns = (count: number): string[] => [...Array.from({ length: count }, (_, i) => `x${i + 1}`), 'target'];

export interface DataSetCase {
  readonly kind: string;
  /** Below the data sets' folder. */
  readonly source: string;
  readonly spec: Readonly<Record<string, unknown>> & { readonly data: Readonly<Record<string, unknown>> };
}

export const DATA_SETS: readonly DataSetCase[] = [
  {
    kind: 'tabular, small n',
    source: 'small-n-tabular/sonar.csv',
    spec: {
      name: 'sonar',
      task: 'classification',
      data: { header: columns(60), target: 'target', split: { validation: 0.25, holdout: 0.25 } },
      model: mlp(64, 64),
      training: { epochs: 100, batchSize: 16 },
      regularizers: [
        { type: 'weight-decay', strength: 0.1 },
        { type: 'dropout', strength: 0.3 },
        { type: 'input-noise', strength: 0.2 },
        { type: 'early-stopping', patience: 25 },
      ],
    },
  },
  {
    kind: 'tabular, large',
    source: 'adult/adult-train.csv.gz',
    spec: {
      name: 'adult',
      task: 'classification',
      data: {
        header: ADULT.data.header,
        target: 'income',
        features: { exclude: ['fnlwgt'] },
        columns: { sensitive: 'sex' },
      },
      model: mlp(256, 256),
      training: { epochs: 15, batchSize: 256 },
      regularizers: [
        { type: 'weight-decay', strength: 0.05 },
        { type: 'dropout', strength: 0.3 },
        { type: 'early-stopping', patience: 4 },
      ],
    },
  },
  {
    kind: 'images',
    source: 'fashion-mnist-t10k/t10k-images-idx3-ubyte.gz',
    spec: {
      name: 'fashion-mnist',
      task: 'classification',
      data: { target: 'label', split: { validation: 1000, holdout: 7500 } },
      model: {
        type: 'cnn',
        layers: [{ conv: 16 }, { pool: 2 }, { conv: 32 }, { pool: 2 }, { dense: 128 }],
      },
      training: {
        epochs: 20,
        batchSize: 64,
        optimizer: { type: 'adamw', learningRate: 0.002, schedule: { type: 'cosine' } },
      },
      regularizers: [
        { type: 'weight-decay', strength: 0.05 },
        { type: 'dropout', strength: 0.4 },
        { type: 'mixup', strength: 0.2 },
        { type: 'early-stopping', patience: 8 },
      ],
    },
  },
  {
    kind: 'imbalanced',
    source: 'creditcard-fraud-10k/creditcard_10k.csv.gz',
    spec: {
      name: 'creditcard-fraud',
      task: 'classification',
      data: { target: 'Class', features: { exclude: ['Time'] } },
      model: mlp(128, 128),
      training: { epochs: 30, batchSize: 64 },
      regularizers: [
        { type: 'weight-decay', strength: 0.1 },
        { type: 'dropout', strength: 0.3 },
        { type: 'early-stopping', patience: 8 },
      ],
      objectives: { primary: 'prAuc' },
    },
  },
  {
    kind: 'regression',
    source: 'small-n-tabular/prostate_esl.csv',
    spec: {
      name: 'prostate',
      task: 'regression',
      data: { target: 'lpsa', features: { exclude: ['rownames'] }, split: { validation: 0.25, holdout: 0.25 } },
      model: mlp(32, 32),
      training: { epochs: 200, batchSize: 16 },
      regularizers: [
        { type: 'elastic-net', strength: 0.02 },
        { type: 'input-noise', strength: 0.3 },
        { type: 'early-stopping', patience: 30 },
      ],
    },
  },
  {
    kind: 'text',
    source: 'sms-spam/sms.tsv',
    spec: {
      name: 'sms-spam',
      task: 'classification',
      data: { header: ['label', 'text'], target: 'label', split: { validation: 1000, holdout: 4000 } },
      model: mlp(64),
      training: { epochs: 40, batchSize: 32 },
      regularizers: [
        { type: 'weight-decay', strength: 0.3 },
        { type: 'dropout', strength: 0.5 },
        { type: 'early-stopping', patience: 8 },
      ],
      objectives: { primary: 'logLoss' },
    },
  },
];
