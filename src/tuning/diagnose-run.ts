import { checkData } from '../data/check/check.js';
import { rowHashes } from '../data/version.js';
import { diagnose } from '../diagnosis/diagnose.js';
import type { DeclaredStrength, Evidence, Probe, SeedEvidence, TrainingEvidence } from '../diagnosis/evidence.js';
import type { Finding } from '../diagnosis/finding.js';
import { bestProbe, isPromising } from '../diagnosis/gain.js';
import { applyPatch } from '../diagnosis/patch.js';
import { type ProbePlan, planProbes, separateProbes } from '../diagnosis/plan-probes.js';
import { evaluate } from '../evaluation/evaluate.js';
import { gapOf } from '../evaluation/ledger.js';
import { findMetric } from '../evaluation/metrics/index.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { derive, wilsonInterval } from '../numeric/index.js';
import type { Active } from '../regularizers/regularizer.js';
import { type PreparedData, prepareData } from '../spec/prepare.js';
import { type ResolvedSpec, resolveSpec } from '../spec/read.js';
import type { Run, Store } from '../store/types.js';
import { primaryMetric } from './judge.js';
import { type PlannedRun, planRuns } from './plan.js';
import { evidenceOfPredictions } from './prediction-evidence.js';
import { loadResult } from './result-record.js';
import { compressionOf } from './run-ledger.js';
import type { RunResult } from './run-result.js';
import { dataChanged, specOfRun } from './run-rows.js';
import { findSuspectLabels } from './suspect-labels.js';
import { type Answers, answersOf, changeOf, trainVariant } from './variant.js';
import { compareRuns } from './worth.js';

export interface DiagnoseOptions {
  readonly runtime: Runtime;
  /** Train variants of the spec to tell causes apart; without them only what was recorded is judged. */
  readonly probes: boolean;
  /** Look for wrong labels too: the model is trained on folds of the rows outside the holdout. */
  readonly labels?: boolean;
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
/** Techniques whose strength fits the training rows less, the more there is of it. */
const ADJUSTABLE = new Set(['T1', 'T2', 'T3', 'T4', 'T6', 'T8', 'T11', 'T12', 'T17', 'T18']);

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
  return diagnoseResult({ resolved, data, result, others, compression }, options);
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
  }: {
    resolved: ResolvedSpec;
    data: PreparedData;
    result: RunResult;
    others: readonly RunResult[];
    compression?: Evidence['compression'] | undefined;
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
  const recorded = {
    ...recordedEvidence(subject, result, others),
    ...(compression === undefined ? {} : { compression }),
    ...(options.production === undefined ? {} : { production: options.production }),
  };
  const known = options.labels === true ? { ...recorded, labelNoise: await labelNoiseOf(subject, options) } : recorded;
  const evidence = options.probes ? await probe(subject, known, others, options) : known;
  return { findings: diagnose(evidence), evidence, resolved: judged };
}

interface Subject {
  readonly resolved: ResolvedSpec;
  readonly data: PreparedData;
  readonly plan: PlannedRun;
  readonly answers: Answers;
}

function recordedEvidence(subject: Subject, result: RunResult, others: readonly RunResult[]): Evidence {
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
    training: trainingEvidence(subject, result, { train, gap }),
    ...(baseline === undefined || comparison === undefined
      ? {}
      : { baseline: { train: baseline.train.metrics[metric]?.value ?? Number.NaN, comparison } }),
    ...evidenceOfPredictions(answers.validation, { level: LEVEL, seed: plan.seed }),
    data: checkData(data.table, { roles: data.roles, split: data.split, task: spec.task }),
    ...(seeds.length === 0 ? {} : { seeds }),
    probes: [],
  };
}

function trainingEvidence(
  { resolved: { spec, regularizers }, plan, answers }: Subject,
  result: RunResult,
  { train, gap }: Pick<TrainingEvidence, 'train' | 'gap'>,
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
    regularizers: regularizers.map(declared),
  };
}

function declared(
  { regularizer: { type, technique, strength: scale }, strength }: Active,
  index: number,
): DeclaredStrength {
  const adjustable =
    ADJUSTABLE.has(technique) && scale.switch !== true && scale.fixed !== true && scale.inverse === undefined;
  return { index, type, strength, adjustable, range: scale.range };
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

/** Folds for out-of-fold probabilities: each row is judged by a model of the other four fifths. */
const LABEL_FOLDS = 5;

async function labelNoiseOf(
  { resolved, data }: Subject,
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

function seedEvidence(subject: Subject, seed: number, answers: Answers): SeedEvidence[] {
  const { resolved, plan } = subject;
  const metric = primaryMetric(resolved.spec);
  const difference = changeOf(metric, { from: subject.answers, to: answers }, { level: LEVEL, seed: plan.seed });
  const value = evaluate({ ...answers.validation, primary: metric, bootstrap: { resamples: 1 } }).metrics[metric]
    ?.value;
  return difference === undefined || value === undefined ? [] : [{ seed, value, difference }];
}

/** Runs what `planProbes` finds worth asking, and what its answers raise. */
async function probe(
  subject: Subject,
  recorded: Evidence,
  others: readonly RunResult[],
  { runtime, onProbe, signal }: DiagnoseOptions,
): Promise<Evidence> {
  const { resolved, data, plan } = subject;
  const { training } = recorded;
  if (training === undefined) return recorded;
  const seconds = training.history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const train = (label: string, spec: ResolvedSpec, seed: number, rows?: ProbePlan['rows']): Promise<Answers> => {
    onProbe?.(label, seconds);
    return trainVariant(spec, { runtime, data, plan: { ...plan, seed, train: rowsOf(subject, rows) }, signal });
  };
  const plans = planProbes(recorded, { dropout: ['mlp', 'cnn', 'transformer'].includes(resolved.spec.model.type) });
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
    const answers = await train(asked.label, changed, plan.seed, asked.rows);
    const first = compared(subject, asked, subject.answers, answers, plan.seed);
    if (!isPromising(first, recorded)) return first;
    const repeated = await train(`${asked.label}, again under seed ${secondSeed}`, changed, secondSeed, asked.rows);
    const { change, logLoss } = compared(subject, asked, await again(), repeated, secondSeed);
    return { ...first, again: { change, ...(logLoss && { logLoss }) } };
  };
  const probes: Probe[] = [];
  for (const asked of plans) probes.push(await ask(asked));
  // Which of several strengths it was that is too high.
  const weaker = bestProbe({ ...recorded, probes }, ['weaker']);
  if (weaker !== undefined) {
    for (const asked of separateProbes(weaker.probe, training)) probes.push(await ask(asked));
  }
  return { ...recorded, ...(seeds.length === 0 ? {} : { seeds }), probes };
}

/** The training rows of a probe. */
function rowsOf({ data, plan }: Subject, which: ProbePlan['rows']): Uint32Array {
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
  subject: Subject,
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
    before: {
      primary: before[metric].value,
      ...(before.logLoss === undefined ? {} : { logLoss: before.logLoss.value }),
    },
    train: to.trainValue,
  };
}
