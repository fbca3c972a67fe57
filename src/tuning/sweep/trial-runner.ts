import { join } from 'node:path';
import { BallastError } from '../../errors.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { canonicalJson } from '../../regularizers/canonical-json.js';
import { manifestOf, regularizerId } from '../../regularizers/manifest.js';
import type { Verdict } from '../../search/pruner.js';
import { type PreparedData, prepareData } from '../../spec/prepare.js';
import type { ResolvedSpec } from '../../spec/read.js';
import { isResumable } from '../../store/run-status.js';
import { newRunId } from '../../store/runs.js';
import type { StoredTrial, TrialClaim } from '../../store/sweep-types.js';
import type { NewRun, Store } from '../../store/types.js';
import { architectureOf, type TrainingProblem } from '../../training/problem.js';
import { CheckpointFolder } from '../checkpoints.js';
import { codeCommit, describeEnvironment } from '../environment.js';
import { refuseConflicts } from '../experiment.js';
import { planRuns } from '../plan.js';
import { patiently } from '../queue/patience.js';
import { problemOf } from '../train-run.js';
import type { OpenSweep } from './definition.js';
import { outcomeOf, type TrialOutcome, type TrialProgress, type UnitOutcome } from './outcome.js';
import { recordTrial } from './trial-record.js';
import { checkpointName, trainUnit } from './trial-unit.js';

/** What a trial tells on its way, and is told. */
export interface TrialHost {
  /** After an epoch of the first unit, or after a unit that others follow: whether to go on. */
  readonly report: (progress: TrialProgress, after: 'epoch' | 'unit') => Promise<Verdict>;
  /** Aborted: the trial keeps a checkpoint and is given back. */
  readonly signal: AbortSignal;
}

/** How a trial's work here ended; `queued`: given back, to be gone on with from its checkpoint. */
export type TrialEnd =
  | { readonly state: 'complete' | 'pruned' | 'failed'; readonly outcome: TrialOutcome }
  | { readonly state: 'queued'; readonly progress: TrialProgress };

export interface RunnerOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  /** Folder for checkpoints. */
  readonly workFolder: string;
  readonly sweepId: string;
  readonly sweep: OpenSweep;
}

/** A trial at work. */
interface Work {
  readonly trial: StoredTrial & TrialClaim;
  readonly resolved: ResolvedSpec;
  readonly data: PreparedData;
  readonly host: TrialHost;
  readonly progress: { units: UnitOutcome[]; reports: TrialProgress['reports'] };
  runId: string | undefined;
  readonly started: number;
}

/**
 * Trains trials of one sweep in this process. Data that no parameter of the sweep changes is read and encoded once. Each
 * trial is a run of the store; rows of the holdout are set apart and never looked at.
 */
export class TrialRunner {
  readonly #options: RunnerOptions;
  readonly #checkpoints: CheckpointFolder;
  readonly #prepared = new Map<string, Promise<PreparedData>>();
  readonly #commit: Promise<string | undefined>;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#checkpoints = new CheckpointFolder(join(options.workFolder, 'checkpoints'));
    this.#commit = codeCommit(options.sweep.definition.baseDirectory);
  }

  /**
   * Trains a claimed trial to its end, from its checkpoint where it has one, and records what it came to. A spec that
   * does not work is an outcome too: `failed`.
   *
   * @throws BallastError of kind environment: the machine's fault, not the trial's
   */
  async run(trial: StoredTrial & TrialClaim, host: TrialHost): Promise<TrialEnd> {
    const { store, sweep } = this.#options;
    const before = trial.progress as TrialProgress | undefined;
    const progress = { units: [...(before?.units ?? [])], reports: before?.reports ?? [] };
    // What earlier processes spent on it counts.
    const started = performance.now() - 1000 * (before?.seconds ?? 0);
    let work: Work | undefined;
    let end: TrialEnd;
    try {
      const resolved = sweep.specAt(trial.point);
      work = { trial, resolved, data: await this.data(resolved), host, progress, runId: trial.runId, started };
      end = await this.#train(work);
    } catch (error) {
      // A mix that does not work is an answer of the search; a machine that does not work is not.
      if (!(error instanceof BallastError) || error.kind === 'environment' || ofRecords(error)) throw error;
      const { code, message, remedy } = error;
      const outcome = { ...progress, seconds: since(started), error: { code, message, remedy } };
      end = { state: 'failed', outcome };
    }
    const { signal } = host;
    if (end.state === 'queued') await patiently(() => store.trialAtWork(trial, { progress: end.progress }), signal);
    const outcome = end.state === 'queued' ? undefined : end.outcome;
    // The trial first: from here on it is done once and for all, and its run only says so.
    const own = await patiently(() => store.endTrial(trial, end.state, outcome), signal);
    const { runId } = work ?? {};
    if (own && runId !== undefined) {
      const at = Date.now();
      await patiently(() => recordTrial(store, runId, end, at), signal);
    }
    return end;
  }

  /** The data of a spec of this sweep; the specs of most sweeps have it in common. */
  data(resolved: ResolvedSpec): Promise<PreparedData> {
    const { store } = this.#options;
    const key = canonicalJson([resolved.spec.data, resolved.spec.task]);
    let data = this.#prepared.get(key);
    if (data === undefined) {
      data = prepareData(resolved, { register: store.holdoutRegister('sweep') });
      this.#prepared.set(key, data);
      // What failed for one trial is tried again for the next: the fault may have been of the moment.
      data.catch(() => this.#prepared.delete(key));
    }
    return data;
  }

  async #train(work: Work): Promise<TrialEnd> {
    const { store, runtime, sweep, sweepId } = this.#options;
    const { resolved, data, host, progress, trial } = work;
    const plans = planRuns(resolved.spec, data).filter(({ role }) => role === 'model');
    const ended = (): TrialOutcome => ({ ...progress, seconds: since(work.started) });
    // What a worker saw that died is remembered, so that the next one knows whether it comes any further.
    const before = trial.progress as TrialProgress | undefined;
    const isFurther = (): boolean =>
      before !== undefined &&
      (progress.units.length > before.units.length || progress.reports.length > before.reports.length);
    let said = false;
    const further = async (): Promise<void> => {
      if (trial.lost === 0 || said) return;
      said = isFurther();
      const more = progress.reports.length > (before?.reports.length ?? 0);
      if (more) await store.trialAtWork(trial, { progress, further: said });
    };
    for (let opened = false; progress.units.length < plans.length; opened = true) {
      const index = progress.units.length;
      const plan = plans[index];
      const { problem, examples } = await problemOf(resolved, data, plan);
      const name = checkpointName(sweepId, trial.number, index);
      const newRun = opened ? false : await this.#open(work, problem, name);
      const runId = work.runId!;
      const unit = await trainUnit({
        store,
        runtime,
        checkpoints: this.#checkpoints,
        checkpoint: name,
        runId,
        newRun,
        index,
        plan,
        problem,
        examples,
        resolved,
        data,
        sweep,
        signal: host.signal,
        reports: progress.reports,
        async report(reports) {
          progress.reports = reports;
          await further();
          return host.report(progress, 'epoch');
        },
      });
      if (unit.state === 'queued') return { state: 'queued', progress: { ...ended(), paused: unit.paused } };
      if (unit.state !== 'complete') {
        return { state: unit.state, outcome: { ...ended(), ...('error' in unit ? { error: unit.error } : {}) } };
      }
      progress.units.push(unit.outcome);
      await store.trialAtWork(trial, { progress, further: isFurther() });
      if (progress.units.length < plans.length && (await host.report(progress, 'unit')) !== 'go-on') {
        return { state: 'pruned', outcome: ended() };
      }
    }
    return { state: 'complete', outcome: outcomeOf(progress, sweep.definition, since(work.started)) };
  }

  /**
   * The run of a trial: a new one, or the one that an earlier process began.
   *
   * @param checkpoint what it goes on from is kept under
   * @returns whether it is a new one
   */
  async #open(work: Work, problem: TrainingProblem, checkpoint: string): Promise<boolean> {
    const { store, runtime, sweepId, sweep } = this.#options;
    const { trial, resolved, data } = work;
    const { spec, baseDirectory } = resolved;
    const architecture = architectureOf(problem);
    refuseConflicts(problem, architecture, spec.model.type === 'onnx', () => undefined);
    if (work.runId !== undefined) {
      const { status } = await store.getRun(work.runId);
      // The trial is this process's; a run that still counts as at work is left to those who look after it.
      if (isResumable(status)) {
        const afterStep = (await this.#checkpoints.load(checkpoint))?.progress.epoch ?? 0;
        await store.resumeRun(work.runId, { afterStep });
        return false;
      }
    }
    const manifest = manifestOf(
      problem.regularizers,
      { normalization: architecture.normalization },
      {
        optimizer: spec.training.optimizer.type,
        epochs: spec.training.epochs,
        batchSize: spec.training.batchSize,
        gradientClip: spec.training.gradientClip ?? null,
        classWeights: canonicalJson(spec.training.classWeights),
      },
    );
    const commit = await this.#commit;
    const run: NewRun = {
      id: newRunId(),
      experiment: spec.name,
      name: `trial ${trial.number}`,
      kind: 'trial',
      role: 'model',
      spec: { ...spec, baseDirectory },
      seed: spec.training.seed,
      datasetName: data.name,
      dataVersion: data.version,
      regularizerId: regularizerId(manifest),
      manifest,
      environment: await describeEnvironment(runtime, spec.training, sweep.definition.ballastVersion),
      groupId: sweepId,
      ...(commit === undefined ? {} : { codeCommit: commit }),
    };
    const runId = await patiently(() => store.createRun(run), work.host.signal);
    work.runId = runId;
    await patiently(() => store.trialAtWork(trial, { runId }), work.host.signal);
    return true;
  }
}

/** Trouble with the records, such as a run that another process has taken over: no answer of the search either. */
function ofRecords({ code }: BallastError): boolean {
  return /^(STORE|RUN|ARTIFACT)_/.test(code);
}

function since(started: number): number {
  return (performance.now() - started) / 1000;
}
