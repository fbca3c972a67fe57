import type { Roles } from '../data/roles.js';
import { BallastError } from '../errors.js';
import { type Asked, requireAsked, withAsked } from '../evaluation/asked.js';
import type { AttackOptions } from '../evaluation/attacks/options.js';
import type { Robustness } from '../evaluation/attacks/robustness.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import { type Formula, type FormulaValues, formulaValues, requireFormulas } from '../evaluation/formula/formula.js';
import { type PredictionInput, SAID_MEASURES } from '../evaluation/input.js';
import { type Ledger, measureLoss } from '../evaluation/ledger.js';
import { prepareSample } from '../evaluation/sample.js';
import { requireRows, type SliceSearch } from '../evaluation/slices/find-slices.js';
import { corruptionsOf, type StressReport } from '../evaluation/stress/stress.js';
import { noUncertainty } from '../evaluation/uncertainty.js';
import { writeModel } from '../graph/format/encode.js';
import type { Model } from '../graph/model.js';
import type { Runtime, Session } from '../graph/runtime/runtime.js';
import { type PreparedData, prepareData } from '../spec/prepare.js';
import type { Run, Store } from '../store/types.js';
import { attackModel, requireScores } from './attack-model.js';
import { type Judging, judge, primaryMetric, sliceColumns, withSensitive } from './judge.js';
import { type Mirrored, mirrored } from './mirror.js';
import type { ModelPorts } from './model-ports.js';
import { outputOfTarget } from './path-targets.js';
import { CALIBRATED, requireModel } from './result-record.js';
import { keepStage, ledgerOfRun } from './run-ledger.js';
import {
  dataChanged,
  modelOfRun,
  otherRows,
  ownRows,
  type RowsOfRun,
  readAs,
  rolesOfRun,
  specOfRun,
} from './run-rows.js';
import { scoreRows, scoreUnlabelled } from './score.js';
import { type FedRows, type Shift, shiftTo } from './shift.js';
import { searchSlices } from './slice-search.js';
import { type StressedModel, type StressSettings, stressModel } from './stress-model.js';

export interface EvaluatedRun {
  readonly rows: number;
  readonly evaluation: Evaluation;
  readonly predictions: PredictionInput;
  readonly ledger: Ledger;
  /** How often these holdout rows have been read, this time included; undefined where none of them was. */
  readonly holdoutReads: number | undefined;
  /** Rows of another source that are in the locked holdout. */
  readonly locked?: number;
  /** Where an attack was asked for. */
  readonly robustness?: Robustness;
  /** Where they were asked for. */
  readonly stress?: StressReport;
  readonly weakSlices?: SliceSearch;
  readonly mirrored?: Mirrored;
  readonly formulas?: readonly FormulaValues[];
  /** Of a model of several targets, how well it predicts each beside the first. */
  readonly targets?: Readonly<Record<string, Evaluation>>;
}

/** What is measured beside the metrics. */
export interface Beside {
  readonly attack?: AttackOptions | undefined;
  /** Told of each corruption; absent: no stress test. */
  readonly stress?: StressSettings['tell'];
  /** Search for slices with larger errors. */
  readonly slices?: boolean;
  /** Uncertainty is asked for, of whatever the model says. */
  readonly uncertainty?: boolean;
  /** Sensitive columns beside those of the spec. */
  readonly fairness?: readonly string[];
  /** Metrics beside the standard ones, and how classes count. */
  readonly asked?: Asked;
  /** Numbers of each row that are the user's own. */
  readonly formulas?: readonly Formula[];
  /** A source that the rows are weighted towards, so that they mirror it. */
  readonly mirror?: string | undefined;
}

/**
 * Evaluates a run's model on the locked holdout. The read is counted before the rows are scored.
 *
 * @throws BallastError EVALUATE_DATA_CHANGED, HOLDOUT_EMPTY, ARTIFACT_* (the model's hash is verified)
 */
export async function evaluateHoldout(
  store: Store,
  runtime: Runtime,
  run: Run,
  beside: Beside = {},
): Promise<EvaluatedRun> {
  await requireModel(store, run);
  const resolved = specOfRun(run);
  const register = store.holdoutRegister('evaluate --holdout');
  const data = await prepareData(resolved, { register, uses: rolesOfRun(run) });
  if (data.version !== run.dataVersion) throw dataChanged(data.version, run);
  const rows = data.split.holdout;
  if (rows.length === 0) {
    throw new BallastError('there is no holdout: data.split.holdout is 0', {
      code: 'HOLDOUT_EMPTY',
      remedy: 'Evaluate other rows with --data',
    });
  }
  const roles = withSensitive(data.roles, beside.fairness ?? [], { table: data.table, task: resolved.spec.task });
  await refuseImpossible(store, run, beside, { table: data.table, rows, roles });
  const shift = await shiftAsked(store, runtime, run, { table: data.table, rows }, beside);
  const holdoutReads = await register.countRead(data.name, data.rowSet, `runs:/${run.id}`);
  const part = { table: data.table, rows, roles };
  const { stressTest, ...scored } = await scoreRun(store, runtime, run, part, beside);
  const { predictions } = scored;
  const judged = (answers: PredictionInput, of: Uint32Array): Evaluation =>
    judge(resolved.spec, part, answers, of, beside.asked?.metrics);
  const evaluation = judged(predictions, rows);
  await keepStage(store, run, 'holdout', evaluation);
  if (stressTest !== undefined) {
    const { clean, mixed, stressed } = stressTest;
    const lost = measureLoss('holdout', clean, mixed);
    await keepStage(store, run, 'stress', judged(mixed, stressed), { lost });
  }
  const calibrated = await scoreCalibrated(store, runtime, run, part);
  if (calibrated !== undefined) {
    const { predictions: answers, model } = calibrated;
    const lost = measureLoss('holdout', predictions, answers);
    await keepStage(store, run, 'calibrated', judged(answers, rows), { lost, model });
  }
  const ledger = await ledgerOfRun(store, run, primaryMetric(resolved.spec));
  const toMirror = shift && { mirrored: mirrored(predictions, shift, (answers) => judged(answers, rows)) };
  return { rows: rows.length, evaluation, ...scored, ...toMirror, ledger, holdoutReads };
}

/** Where rows are to be weighted: before they are read, as a source that is not there must not cost a read. */
async function shiftAsked(
  store: Store,
  runtime: Runtime,
  run: Run,
  own: FedRows,
  { mirror }: Beside,
): Promise<Shift | undefined> {
  return mirror === undefined ? undefined : await shiftTo(store, runtime, run, own, mirror);
}

/** What the run's model says of the same rows with its calibration behind it, where it was calibrated. */
async function scoreCalibrated(
  store: Store,
  runtime: Runtime,
  run: Run,
  { table, rows, roles }: RowsOfRun,
): Promise<{ predictions: PredictionInput; model: string } | undefined> {
  if (!(await store.listArtifacts(run.id)).some(({ path }) => path === CALIBRATED)) return undefined;
  const { ports } = await modelOfRun(store, run);
  const artifact = await store.openArtifact(run.id, CALIBRATED);
  const session = await runtime.load(await artifact.bytes());
  try {
    const columns = { target: roles.target ?? '', weight: roles.weight, event: roles.event };
    return { predictions: await scoreRows(session, ports, table, rows, columns), model: artifact.sha256 };
  } finally {
    session.release();
  }
}

/** What cannot be done is refused before the read is counted: a refused command must not have looked. */
async function refuseImpossible(
  store: Store,
  run: Run,
  { slices, stress, attack, uncertainty, asked, formulas = [] }: Beside,
  { table, rows, roles }: RowsOfRun,
): Promise<void> {
  if (slices === true) requireRows(rows.length);
  if (stress !== undefined) corruptionsOf(table, roles.features);
  const { model, ports } = await modelOfRun(store, run);
  if (asked !== undefined) requireAsked(asked, ports.task, ports.classes);
  requireFormulas(formulas, classesOf(ports), table);
  if (attack !== undefined) requireScores(ports);
  if (uncertainty !== true || ports.task === 'classification') return;
  if (!model.graph.outputs.some(({ name }) => SAID_MEASURES.some((measure) => measure === name))) {
    throw noUncertainty(ports.task);
  }
}

/** What a run's model answers to its own validation rows: what calibration may be fitted on. */
export async function scoreValidation(store: Store, runtime: Runtime, run: Run): Promise<PredictionInput> {
  const part = await ownRows(store, run, 'validation', 'calibrate');
  return (await scoreRun(store, runtime, run, part)).predictions;
}

/**
 * Evaluates a run's model on the rows of another source, read as the run's own data was. Where locked rows are among them,
 * the holdout has been read, and that is counted.
 */
export async function evaluateOther(
  store: Store,
  runtime: Runtime,
  run: Run,
  source: string,
  beside: Beside = {},
): Promise<EvaluatedRun> {
  await requireModel(store, run);
  const resolved = specOfRun(run);
  const { table, rows, roles: own, locked } = await otherRows(store, run, source);
  const roles = withSensitive(own, beside.fairness ?? [], { table, task: resolved.spec.task });
  const shift = await shiftAsked(store, runtime, run, { table, rows }, beside);
  const { stressTest: _stressTest, ...scored } = await scoreRun(store, runtime, run, { table, rows, roles }, beside);
  const { predictions } = scored;
  const judged = (answers: PredictionInput): Evaluation =>
    judge(resolved.spec, { table, roles }, answers, rows, beside.asked?.metrics);
  const evaluation = judged(predictions);
  const toMirror = shift && { mirrored: mirrored(predictions, shift, judged) };
  const ledger = await ledgerOfRun(store, run, primaryMetric(resolved.spec));
  const holdoutReads =
    locked === undefined || run.datasetName === undefined
      ? undefined
      : await store.holdoutRegister('evaluate --data').countRead(run.datasetName, locked.rowSet, `runs:/${run.id}`);
  return { rows: rows.length, evaluation, ...scored, ...toMirror, ledger, holdoutReads, locked: locked?.rows ?? 0 };
}

/** What a run's model answers to the rows of another source, which need no target. */
export async function scoreOutside(store: Store, runtime: Runtime, run: Run, source: string): Promise<PredictionInput> {
  const { table } = await readAs(store, run, source, false);
  const { bytes, ports } = await modelOfRun(store, run);
  const session = await runtime.load(bytes);
  try {
    const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
    return await scoreUnlabelled(session, ports, table, rows);
  } finally {
    session.release();
  }
}

async function scoreRun(
  store: Store,
  runtime: Runtime,
  run: Run,
  part: RowsOfRun,
  { attack, stress, slices, formulas = [], asked = NOTHING_ASKED }: Beside = {},
): Promise<
  Pick<EvaluatedRun, 'predictions' | 'robustness' | 'stress' | 'weakSlices' | 'formulas' | 'targets'> & {
    readonly stressTest?: StressedModel;
  }
> {
  const { table, rows, roles } = part;
  const { bytes, model, ports } = await modelOfRun(store, run);
  requireAsked(asked, ports.task, ports.classes);
  const session = await runtime.load(bytes);
  try {
    const target = roles.target ?? '';
    const scored = await scoreRows(session, ports, table, rows, { target, weight: roles.weight, event: roles.event });
    const predictions = withAsked(scored, asked);
    const { spec } = specOfRun(run);
    const settings = { metric: primaryMetric(spec), seed: spec.training.seed, tell: stress };
    const stressTest = stress === undefined ? undefined : await stressModel(session, ports, part, settings);
    return {
      predictions,
      ...(stressTest === undefined ? {} : { stressTest, stress: stressTest.report }),
      ...(attack === undefined
        ? {}
        : { robustness: await attackModel(runtime, { model, ports, table, rows, target }, attack) }),
      ...(slices === true ? { weakSlices: searchSlices(part, predictions, settings.seed) } : {}),
      ...formulasOf(formulas, predictions, part),
      ...(roles.targets.length === 0 ? {} : { targets: await targetsBeside(session, ports, part, spec, asked) }),
    };
  } finally {
    session.release();
  }
}

/** How well each target is predicted that stands beside the first. */
async function targetsBeside(
  session: Session,
  ports: ModelPorts,
  { table, rows, roles }: RowsOfRun,
  spec: Judging,
  { metrics }: Asked,
): Promise<Record<string, Evaluation>> {
  const found: Record<string, Evaluation> = {};
  for (const target of roles.targets) {
    const own: ModelPorts = { ...ports, output: { name: outputOfTarget(target), kind: 'predictions' } };
    const predictions = await scoreRows(session, own, table, rows, { target, weight: roles.weight });
    found[target] = judge(spec, { table, roles }, predictions, rows, metrics);
  }
  return found;
}

/** What is known of the rows that a model file is evaluated on, and of how it is judged. */
export interface FileSetting {
  readonly roles: Roles;
  readonly primary: string | undefined;
  readonly seed: number;
  /** Shown in messages. */
  readonly path: string;
}

/** Evaluates any model on a table, in slices by its columns of few categories. */
export async function evaluateModel(
  runtime: Runtime,
  model: Model,
  ports: ModelPorts,
  table: PreparedData['table'],
  setting: FileSetting,
  { stress, slices, fairness = [], formulas = [], asked = NOTHING_ASKED }: Omit<Beside, 'attack' | 'mirror'> = {},
): Promise<Pick<EvaluatedRun, 'evaluation' | 'predictions' | 'stress' | 'weakSlices' | 'formulas'>> {
  const { primary, seed } = setting;
  const roles = withSensitive(setting.roles, fairness, { table, task: ports.task });
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
  const { task } = ports;
  requireAsked(asked, task, ports.classes);
  requireFormulas(formulas, classesOf(ports), table);
  const spec = { task, objectives: { primary }, training: { seed } };
  const session = await loadFile(runtime, model, setting.path);
  try {
    const scored = await scoreRows(session, ports, table, rows, { target: roles.target ?? '', weight: roles.weight });
    const predictions = withAsked(scored, asked);
    const evaluation = judge(spec, { table, roles }, predictions, rows, asked.metrics);
    const settings = { metric: primaryMetric(spec), seed, tell: stress };
    const part = { table, rows, roles };
    return {
      evaluation,
      predictions,
      ...(stress === undefined ? {} : { stress: (await stressModel(session, ports, part, settings)).report }),
      ...(slices === true ? { weakSlices: searchSlices(part, predictions, seed) } : {}),
      ...formulasOf(formulas, predictions, part),
    };
  } finally {
    session.release();
  }
}

/** What any model answers to rows of a table, beside the right answers. */
export async function scoreModel(
  runtime: Runtime,
  model: Model,
  ports: ModelPorts,
  table: PreparedData['table'],
  rows: Uint32Array,
  { roles, path }: Pick<FileSetting, 'roles' | 'path'>,
): Promise<PredictionInput> {
  const session = await loadFile(runtime, model, path);
  try {
    return await scoreRows(session, ports, table, rows, { target: roles.target ?? '', weight: roles.weight });
  } finally {
    session.release();
  }
}

async function loadFile(runtime: Runtime, model: Model, path: string): Promise<Session> {
  try {
    return await runtime.load(writeModel(model));
  } catch (error) {
    throw error instanceof BallastError ? error.within(path) : error;
  }
}

/** The values of formulas, where there are any. */
function formulasOf(
  formulas: readonly Formula[],
  predictions: PredictionInput,
  part: RowsOfRun,
): Pick<EvaluatedRun, 'formulas'> {
  if (formulas.length === 0) return {};
  const groups = sliceColumns(part, part.rows);
  return { formulas: formulaValues(formulas, prepareSample(predictions), { ...part, groups }) };
}

const classesOf = ({ task, classes }: ModelPorts): readonly string[] | undefined =>
  task === 'classification' ? classes : undefined;

const NOTHING_ASKED: Asked = { metrics: [] };
