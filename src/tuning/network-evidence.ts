import type { TransferEvidence } from '../diagnosis/evidence.js';
import type { SpecPatch } from '../diagnosis/patch.js';
import { miscalibrationChange } from '../evaluation/calibrators/change.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { ModelOptions } from '../models/options.js';
import type { PreparedData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import { boundData } from '../training/preparation.js';
import { architectureOf } from '../training/problem.js';
import { runGraph } from '../training/run-graph.js';
import { refuseConflicts } from './experiment.js';
import { predictionsOf } from './judge.js';
import type { PlannedRun } from './plan.js';
import { FEWEST_ROWS } from './prediction-evidence.js';
import { problemOf } from './train-run.js';
import type { Answers } from './variant.js';

/** A run whose diagnosis is asked for, with what it answered. */
export interface JudgedRun {
  readonly resolved: ResolvedSpec;
  readonly data: PreparedData;
  readonly plan: PlannedRun;
  readonly answers: Answers;
}

/**
 * What fine-tuning did to the calibration of the model that it began from: both answer the validation rows. Undefined where
 * the run began from nothing, or with a head that is new and knows no classes yet.
 */
export async function transferEvidence(
  { resolved, data, plan, answers }: JudgedRun,
  runtime: Runtime,
  level: number,
): Promise<TransferEvidence | undefined> {
  const { spec } = resolved;
  const after = answers.validation;
  if (spec.model.type !== 'onnx' || spec.model.head === 'new' || after.task !== 'classification') return undefined;
  if (after.target.length < FEWEST_ROWS || new Set(Array.from(after.target)).size < 2) return undefined;
  const { problem, examples } = await problemOf(resolved, data, plan);
  const bound = boundData(runtime, problem.data);
  try {
    const outputs = await runGraph(runtime, problem.graph, {
      ...{ inputs: problem.inputs, data: bound, rows: problem.data.validation },
      session: { threads: spec.training.threads },
    });
    const before = predictionsOf(spec, data, examples, problem.data.validation, outputs);
    return before.task === 'classification'
      ? miscalibrationChange(before, after, { level, seed: plan.seed })
      : undefined;
  } finally {
    for (const tensor of Object.values(bound.tensors)) tensor.release();
  }
}

const BEFORE_BATCH_NORM = '_BEFORE_BATCH_NORM';

/** Types of regularizers that disturb, while training only, what a batch normalization of the network sees. */
export async function beforeBatchNorm({ resolved, data, plan }: JudgedRun): Promise<Set<string>> {
  const types = new Set<string>();
  if (withoutBatchNorm(resolved.spec.model).length === 0 || resolved.regularizers.length === 0) return types;
  const { problem } = await problemOf(resolved, data, { ...plan, role: 'model' });
  refuseConflicts(problem, architectureOf(problem), false, (event) => {
    if (event.type !== 'warning' || !event.code.endsWith(BEFORE_BATCH_NORM)) return;
    types.add(event.code.slice(0, -BEFORE_BATCH_NORM.length).toLowerCase().replaceAll('_', '-'));
  });
  return types;
}

/** The change of a spec that normalizes by layer (maps by group) wherever it did by batch. */
export function withoutBatchNorm(model: ModelOptions): SpecPatch {
  const replace = (path: string, value: string) => ({ op: 'replace', path, value }) as const;
  if (model.type === 'mlp') return model.normalization === 'batch' ? [replace('/model/normalization', 'layer')] : [];
  if (model.type !== 'cnn') return [];
  return model.layers.flatMap((layer, index) =>
    'normalization' in layer && layer.normalization === 'batch'
      ? [replace(`/model/layers/${index}/normalization`, 'dense' in layer ? 'layer' : 'group')]
      : [],
  );
}
