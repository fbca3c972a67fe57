import type { DeclaredStrength, TrainingEvidence } from '../diagnosis/evidence.js';
import { evaluate } from '../evaluation/evaluate.js';
import type { Active } from '../regularizers/regularizer.js';
import { primaryMetric } from './judge.js';
import type { JudgedRun } from './network-evidence.js';
import type { RunResult } from './run-result.js';
import type { Answers } from './variant.js';

/** Techniques whose strength fits the training rows less, the more there is of it. */
const ADJUSTABLE = new Set(['T1', 'T2', 'T3', 'T4', 'T6', 'T8', 'T11', 'T12', 'T17', 'T18']);

/** What was trained, and how it went. */
export function trainingEvidence(
  { resolved: { spec, regularizers }, plan, answers }: JudgedRun,
  result: RunResult,
  {
    train,
    gap,
    beforeBatchNorm,
  }: Pick<TrainingEvidence, 'train' | 'gap'> & { readonly beforeBatchNorm: ReadonlySet<string> },
): TrainingEvidence {
  return {
    rows: plan.train.length,
    parameters: result.weights.slice(1).reduce((sum, { count }) => sum + count, 0),
    train,
    gap,
    constant: constantAnswer(answers.train, primaryMetric(spec)),
    history: result.history,
    epochs: { allowed: spec.training.epochs, run: result.epochs, best: result.bestEpoch },
    outcome: result.outcome,
    findings: result.findings,
    learningRate: spec.training.optimizer.learningRate,
    fineTuned: spec.model.type === 'onnx',
    regularizers: regularizers.map((each, index) => declared(each, index, beforeBatchNorm)),
  };
}

function declared(
  { regularizer: { type, technique, strength: scale, hooks, augments = false }, strength }: Active,
  index: number,
  beforeBatchNorm: ReadonlySet<string>,
): DeclaredStrength {
  const adjustable =
    ADJUSTABLE.has(technique) && scale.switch !== true && scale.fixed !== true && scale.inverse === undefined;
  return {
    ...{ index, type, strength, adjustable, range: scale.range },
    // Of rows, by changing them (T8) or by making more (T9).
    augments: augments || (/^T[89]$/.test(technique) && (hooks.batch ?? hooks.examples) !== undefined),
    beforeBatchNorm: beforeBatchNorm.has(type),
  };
}

/** The metric of the best answer that looks at no row: the shares of the classes, or the mean. */
function constantAnswer(input: Answers['train'], metric: string): number | undefined {
  const rows = input.target.length;
  if (input.task === 'regression') {
    const mean = Array.from(input.target).reduce((sum, value) => sum + value, 0) / rows;
    const constant = evaluate({ ...input, predictions: new Float64Array(rows).fill(mean), primary: metric });
    return constant.metrics[metric]?.value;
  }
  const classes = input.classes?.length ?? 2;
  const counts = new Float64Array(classes);
  for (let row = 0; row < rows; row++) counts[input.target[row]]++;
  const probabilities = Float64Array.from({ length: rows * classes }, (_, i) => counts[i % classes] / rows);
  const { target, classes: names } = input;
  return evaluate({ task: 'classification', target, ...(names && { classes: names }), probabilities, primary: metric })
    .metrics[metric]?.value;
}
