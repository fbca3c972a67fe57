import { checkData } from '../data/check/check.js';
import { rowHashes } from '../data/version.js';
import { diagnose } from '../diagnosis/diagnose.js';
import type { Evidence, Probe, SeedEvidence } from '../diagnosis/evidence.js';
import type { Finding } from '../diagnosis/finding.js';
import { bestProbe, isPromising } from '../diagnosis/gain.js';
import { applyPatch } from '../diagnosis/patch.js';
import { type ProbePlan, planProbes, separateProbes } from '../diagnosis/plan-probes.js';
import { fewerFalsePositives } from '../diagnosis/rules/augmentation.js';
import { falsePositivesByClass } from '../evaluation/class-losses.js';
import { evaluate } from '../evaluation/evaluate.js';
import type { PredictionInput } from '../evaluation/input.js';
import { gapOf } from '../evaluation/ledger.js';
import { findMetric } from '../evaluation/metrics/index.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { derive, wilsonInterval } from '../numeric/index.js';
import { type PreparedData, prepareData } from '../spec/prepare.js';
import { type ResolvedSpec, resolveSpec } from '../spec/read.js';
import type { Run, Store } from '../store/types.js';
import { scoreOutside } from './evaluate-run.js';
import { primaryMetric } from './judge.js';
import { beforeBatchNorm, type JudgedRun, transferEvidence, withoutBatchNorm } from './network-evidence.js';
import { planRuns } from './plan.js';
import { evidenceOfPredictions, outsideEvidence } from './prediction-evidence.js';
import { loadResult } from './result-record.js';
import { compressionOf } from './run-ledger.js';
import type { RunResult } from './run-result.js';
import { dataChanged, specOfRun } from './run-rows.js';
import { findSuspectLabels } from './suspect-labels.js';
import { trainingEvidence } from './training-evidence.js';
import { type Answers, answersOf, changeOf, trainVariant } from './variant.js';
import { compareRuns } from './worth.js';

export interface DiagnoseOptions {
  readonly runtime: Runtime;
  /** Train variants of the spec to tell causes apart; without them only what was recorded is judged. */
  readonly probes: boolean;
  /** Look for wrong labels too: the model is trained on folds of the rows outside the holdout. */
  readonly labels?: boolean;
  /** Rows of another kind than those of training, which need no target. */
  readonly outside?: string;
  /** What production says of the model. */
  readonly production?: Evidence['production'] | undefined;
  /** Told before each training. */
  readonly onProbe?: (label: string, seconds: number) => void;
  readonly signal?: AbortSignal;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly evidence: Evidence;
  /** The spec that was judged. */
  readonly resolved: ResolvedSpec;
}

/** Several causes are asked after at once: each answer has to be surer than 95 %. */
const LEVEL = 0.99;
/**
 * Diagnoses a run that Ballast trained: from what was recorded and, with probes, from controlled experiments, in which
 * one thing of the spec is changed and the result compared on the same validation rows. A change that helps is tried again
 * under a second seed. The holdout is not read, and nothing is recorded.
 *
 * @throws BallastError EVALUATE_DATA_CHANGED, RUN_WITHOUT_RESULT, INTERRUPTED
 */
export async function diagnoseRun(store: Store, run: Run, options: DiagnoseOptions): Promise<Diagnosis> {
  const resolved = specOfRun(run);
  const result = await loadResult(store, run.id);
  const data = await prepareData(resolved, { register: store.holdoutRegister('diagnose') });
  if (data.version !== run.dataVersion) throw dataChanged(data.version, run);
  const siblings = run.groupId === undefined ? [] : await store.listRuns({ groupId: run.groupId, limit: 1000 });
  const others = await Promise.all(
    siblings
      .filter(({ id, status, role }) => id !== run.id && status === 'finished' && role !== 'ablation')
      .map(({ id }) => loadResult(store, id)),
  );
  const compression = await compressionOf(store, run, primaryMetric(resolved.spec));
  const outside =
    options.outside === undefined ? undefined : await scoreOutside(store, options.runtime, run, options.outside);
  return diagnoseResult({ resolved, data, result, others, compression, outside }, options);
}

/**
 * The same for results in memory.
 *
 * @param others results of the same experiment: the baseline and other seeds are taken from them
 */
async function diagnoseResult(
  {
    resolved,
    data,
    result,
    others,
    compression,
    outside,
  }: {
    resolved: ResolvedSpec;
    data: PreparedData;
    result: RunResult;
    others: readonly RunResult[];
    compression?: Evidence['compression'] | undefined;
    /** Answers to rows of another kind. */
    outside?: PredictionInput | undefined;
  },
  options: DiagnoseOptions,
): Promise<Diagnosis> {
  const plan = planRuns(resolved.spec, data).find(({ seed, fold }) => seed === result.seed && fold === result.fold);
  if (plan === undefined) throw new Error('a run is planned by its own spec');
  // A baseline is judged as what it is: the spec without its regularizers.
  const judged =
    result.role === 'baseline'
      ? { ...resolved, spec: { ...resolved.spec, regularizers: [] }, regularizers: [] }
      : resolved;
  const subject = { resolved: judged, data, plan, answers: answersOf(judged, data, plan, result) };
  const transfer = await transferEvidence(subject, options.runtime, LEVEL);
  const foreign = outside && outsideEvidence(subject.answers.validation, outside, LEVEL);
  const recorded = {
    ...(await recordedEvidence(subject, result, others)),
    ...(transfer === undefined ? {} : { transfer }),
    ...(foreign === undefined ? {} : { outside: foreign }),
    ...(compression === undefined ? {} : { compression }),
    ...(options.production === undefined ? {} : { production: options.production }),
  };
  const known = options.labels === true ? { ...recorded, labelNoise: await labelNoiseOf(subject, options) } : recorded;
  const evidence = options.probes ? await probe(subject, known, others, options) : known;
  return { findings: diagnose(evidence), evidence, resolved: judged };
}

async function recordedEvidence(
  subject: JudgedRun,
  result: RunResult,
  others: readonly RunResult[],
): Promise<Evidence> {
  const { resolved, data, plan, answers } = subject;
  const { spec } = resolved;
  const metric = primaryMetric(spec);
  const baseline = others.find(
    ({ role, seed, fold }) =>
      role === 'baseline' && result.role === 'model' && seed === result.seed && fold === result.fold,
  );
  const comparison =
    baseline &&
    compareRuns(resolved, { data, primary: metric }, { model: result, without: baseline, interval: { level: LEVEL } });
  const limits = { ece: spec.objectives.constraints.ece ?? 0.05, gap: spec.objectives.constraints.gap ?? 0.03 };
  const common = { level: LEVEL, seed: plan.seed, primary: metric };
  const [train, validation] = [answers.train, answers.validation].map((input) => evaluate({ ...input, ...common }));
  const gap = gapOf(train, validation, metric) ?? result.gap;
  const seeds = others
    .filter(({ role, seed, fold }) => role === result.role && seed !== result.seed && fold === result.fold)
    .flatMap((other) => seedEvidence(subject, other.seed, answersOf(resolved, data, plan, other)));
  return {
    task: spec.task,
    metric,
    direction: findMetric(metric).metric.direction,
    level: LEVEL,
    validation,
    limits,
    manifest: true,
    training: trainingEvidence(subject, result, { train, gap, beforeBatchNorm: await beforeBatchNorm(subject) }),
    ...(baseline === undefined || comparison === undefined
      ? {}
      : { baseline: { train: baseline.train.metrics[metric]?.value ?? Number.NaN, comparison } }),
    ...evidenceOfPredictions(answers.validation, { level: LEVEL, seed: plan.seed }),
    data: checkData(data.table, { roles: data.roles, split: data.split, task: spec.task }),
    ...(seeds.length === 0 ? {} : { seeds }),
    probes: [],
  };
}

/** Folds for out-of-fold probabilities: each row is judged by a model of the other four fifths. */
const LABEL_FOLDS = 5;

async function labelNoiseOf(
  { resolved, data }: JudgedRun,
  { runtime, signal, onProbe }: DiagnoseOptions,
): Promise<NonNullable<Evidence['labelNoise']>> {
  let fold = 0;
  const tell = (): void => onProbe?.(`labels, fold ${++fold} of ${LABEL_FOLDS} done`, 0);
  const { noiseRate: rate, rows } = await findSuspectLabels(resolved, data, {
    runtime,
    folds: LABEL_FOLDS,
    tell,
    ...(signal === undefined ? {} : { signal }),
  });
  const [low] = wilsonInterval(Math.round(rate * rows), rows, LEVEL);
  return { rate, low, rows };
}

function seedEvidence(subject: JudgedRun, seed: number, answers: Answers): SeedEvidence[] {
  const { resolved, plan } = subject;
  const metric = primaryMetric(resolved.spec);
  const difference = changeOf(metric, { from: subject.answers, to: answers }, { level: LEVEL, seed: plan.seed });
  const value = evaluate({ ...answers.validation, primary: metric, bootstrap: { resamples: 1 } }).metrics[metric]
    ?.value;
  return difference === undefined || value === undefined ? [] : [{ seed, value, difference }];
}

/** Runs what `planProbes` finds worth asking, and what its answers raise. */
async function probe(
  subject: JudgedRun,
  recorded: Evidence,
  others: readonly RunResult[],
  { runtime, onProbe, signal }: DiagnoseOptions,
): Promise<Evidence> {
  const { resolved, data, plan } = subject;
  const { training } = recorded;
  if (training === undefined) return recorded;
  const seconds = training.history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const train = (
    label: string,
    spec: ResolvedSpec,
    seed: number,
    { rows, undisturbed }: Pick<ProbePlan, 'rows' | 'undisturbed'> = {},
  ): Promise<Answers> => {
    onProbe?.(label, seconds);
    const varied = { ...plan, seed, train: rowsOf(subject, rows) };
    return trainVariant(spec, { runtime, data, plan: varied, signal, undisturbed: undisturbed === true });
  };
  const { model } = resolved.spec;
  const plans = planProbes(recorded, {
    dropout: ['mlp', 'cnn', 'transformer'].includes(model.type),
    normalization: withoutBatchNorm(model),
  });
  // A second seed of the spec itself: how much seeds differ, and what confirmations are compared with.
  const secondSeed = plan.seed + 1;
  let second: Answers | undefined;
  const again = async (): Promise<Answers> =>
    (second ??= await train(`the same under seed ${secondSeed}`, resolved, secondSeed));
  const known = others.find(({ role, seed, fold }) => role === 'model' && seed === secondSeed && fold === plan.fold);
  if (known !== undefined && resolved.regularizers.length > 0) second = answersOf(resolved, data, plan, known);
  const seeds =
    recorded.seeds ?? (training.outcome === 'diverged' ? [] : seedEvidence(subject, secondSeed, await again()));
  const ask = async (asked: ProbePlan): Promise<Probe> => {
    const changed = changedSpec(resolved, asked);
    const answers = await train(asked.label, changed, plan.seed, asked);
    const first = compared(subject, asked, subject.answers, answers, plan.seed);
    if (!isPromising(first, recorded) && fewerFalsePositives(first) === undefined) return first;
    const repeated = await train(`${asked.label}, again under seed ${secondSeed}`, changed, secondSeed, asked);
    const { change, logLoss, falsePositives } = compared(subject, asked, await again(), repeated, secondSeed);
    return { ...first, again: { change, ...(logLoss && { logLoss }), ...(falsePositives && { falsePositives }) } };
  };
  const probes: Probe[] = [];
  for (const asked of plans) probes.push(await ask(asked));
  // Which of several strengths it was that is too high.
  const weaker = bestProbe({ ...recorded, probes }, ['weaker']);
  if (weaker !== undefined) {
    for (const asked of separateProbes(weaker.probe, training)) {
      const known = probes.find(({ patch }) => JSON.stringify(patch) === JSON.stringify(asked.patch));
      probes.push(known === undefined ? await ask(asked) : { ...known, kind: asked.kind });
    }
  }
  return { ...recorded, ...(seeds.length === 0 ? {} : { seeds }), probes };
}

/** The training rows of a probe. */
function rowsOf({ data, plan }: JudgedRun, which: ProbePlan['rows']): Uint32Array {
  if (which === undefined) return plan.train;
  if (which === 'half') {
    const order = derive(plan.seed, 'half of the training rows').permutation(plan.train.length);
    return Uint32Array.from(order.slice(0, Math.ceil(order.length / 2)), (at) => plan.train[at]).sort();
  }
  const hashes = rowHashes(data.table, data.roles.features);
  const validation = new Set(Array.from(plan.validation, (row) => hashes[row]));
  return plan.train.filter((row) => !validation.has(hashes[row]));
}

function changedSpec(resolved: ResolvedSpec, { patch }: ProbePlan): ResolvedSpec {
  return patch.length === 0 ? resolved : resolveSpec(applyPatch(resolved.spec, patch), resolved.baseDirectory);
}

function compared(
  subject: JudgedRun,
  { kind, label, patch }: ProbePlan,
  from: Answers,
  to: Answers,
  seed: number,
): Probe {
  const { spec } = subject.resolved;
  const metric = primaryMetric(spec);
  const options = { level: LEVEL, seed };
  const change = changeOf(metric, { from, to }, options);
  if (change === undefined) throw new Error(`${metric} had a value on these rows before`);
  const logLoss = spec.task === 'classification' ? changeOf('logLoss', { from, to }, options) : undefined;
  const before = evaluate({ ...from.validation, primary: metric, bootstrap: { resamples: 1 } }).metrics;
  return {
    kind,
    label,
    patch,
    change,
    ...(logLoss && { logLoss }),
    ...(kind === 'less augmentation'
      ? { falsePositives: falsePositivesByClass(from.validation, to.validation, LEVEL) }
      : {}),
    before: {
      primary: before[metric].value,
      ...(before.logLoss === undefined ? {} : { logLoss: before.logLoss.value }),
    },
    train: to.trainValue,
  };
}
