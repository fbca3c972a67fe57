import { BallastError } from '../errors.js';
import type { Graph } from '../graph/model.js';
import type { Runtime, SessionOptions } from '../graph/runtime/runtime.js';
import { sizeOf } from '../graph/tensor.js';
import type { Finding } from '../regularizers/finding.js';
import type { EpochMonitor } from '../regularizers/regularizer.js';
import type { Architecture } from './architecture.js';
import type { BatchRequest } from './augment-ahead.js';
import type { Checkpoint } from './checkpoint.js';
import type { Kept } from './checkpoint-progress.js';
import { chooseProvider } from './device.js';
import { explainDivergence, type Symptom } from './divergence.js';
import { stoppedTooEarly } from './early-stop-finding.js';
import { Evaluator, inferenceWeights } from './evaluator.js';
import type { EpochRecord, MetricValues, TrainingEvent } from './events.js';
import { HostHooks, type HostSetting, rateOf, type Statistics } from './host-hooks.js';
import { Hypergradients } from './hypergradient.js';
import { learningOf } from './hypergradient-graph.js';
import type { LearnedStrengths } from './learned-strengths.js';
import { Pace } from './pace.js';
import { boundData, prepareProblem } from './preparation.js';
import {
  architectureOf,
  batchesOf,
  describeStep,
  type MetricsFunction,
  optimizerOf,
  refuseIdle,
  sampledRows,
  type TrainingData,
  type TrainingProblem,
} from './problem.js';
import { type BoundData, StepProgram, type TrainingState } from './program.js';
import { runGraph, sumOverRows } from './run-graph.js';
import { initialPlateau, learningRateAt, observePlateau } from './schedules.js';
import { SquaredGradients, type SquaredGradientsOf } from './squared-gradients.js';
import { RunningStatistics, statisticsOrder } from './statistics.js';
import type { StepDescription } from './step.js';
import { acting, ownContext } from './step-graph.js';
import { strengthFactor } from './strengths.js';
import { forgettingFinding, type TaskRecord, TaskRun, tasksOf } from './tasks.js';

export interface TrainingControls {
  readonly runtime: Runtime;
  /** Rows of an epoch in their order, out of {@link sampledRows}. */
  readonly order: (epoch: number, data: TrainingData) => Int32Array;
  readonly onEvent?: (event: TrainingEvent) => void | Promise<void>;
  readonly signal?: AbortSignal;
  readonly resume?: Checkpoint;
}

export interface TrainingResult {
  /** The architecture with its trained weights. */
  readonly graph: Graph;
  readonly history: readonly EpochRecord[];
  /** Epochs done. */
  readonly epochs: number;
  /** The epoch whose weights these are; 0 = the initial ones. */
  readonly bestEpoch: number;
  readonly outcome: 'completed' | 'stopped-early' | 'diverged' | 'cancelled';
  readonly findings: readonly Finding[];
  /** How well each task was known after each, in a run through several. */
  readonly tasks?: TaskRecord;
  /** Outputs of the network for all train and validation rows, in the order of those lists. */
  readonly outputs: { readonly train: Float32Array; readonly validation: Float32Array };
}

/**
 * Trains a network: epochs of mini-batches, metrics on train and validation after each, decisions of the monitors,
 * checkpoints as events. Pure with respect to storage; the same problem and seed give the same bytes, interrupted or
 * not (one thread, same processor features).
 */
export async function train(given: TrainingProblem, controls: TrainingControls): Promise<TrainingResult> {
  const { runtime, signal } = controls;
  const emit = async (event: TrainingEvent): Promise<void> => controls.onEvent?.(event);
  const prepared = await prepareProblem(given, runtime);
  const { problem } = prepared;
  const { options, data, regularizers, seed, metrics } = problem;
  const architecture = architectureOf(problem);
  const optimizer = optimizerOf(options);
  const active = acting(regularizers);
  const sequence = tasksOf(problem);
  const tasks = sequence === undefined ? undefined : new TaskRun(sequence, problem);
  const { batchSize, stepsPerEpoch, lastBatch } =
    tasks === undefined
      ? batchesOf(sampledRows(data).length, options.batchSize, architecture)
      : { ...tasks, lastBatch: tasks.batchSize };
  const releases: (() => void)[] = [];
  try {
    const bound = boundData(runtime, sequence?.ownHeads === true ? { ...data, taskCodes: sequence.ofRow } : data);
    for (const target of Object.values(bound.tensors)) releases.push(() => target.release());
    const description = describeStep(problem, architecture, batchSize);
    let hyper: Hypergradients | undefined;
    const strengthAt = (index: number, epochs: number): number =>
      hyper?.strengths.at(index) ?? active[index].strength * strengthFactor(active[index].schedule, epochs);
    const setting: HostSetting = {
      active,
      architecture,
      stepsPerEpoch,
      totalEpochs: options.epochs,
      seed,
      strengthAt,
    };
    const rateAt = (parameter: string, epochs: number): number => rateOf(setting, parameter, epochs);
    const context = { data: bound, seed, strengthAt, rateAt, ahead: true };
    const session = { threads: options.threads, provider: chooseProvider(runtime, options.device) };
    const { program, state, compiled } = await StepProgram.create(runtime, description, context, session);
    releases.push(() => state.release());
    releases.push(() => program.release());
    refuseIdle(compiled.idle);
    const learning = learningOf(active);
    if (learning !== undefined) {
      const held = data.held ?? new Int32Array(0);
      const needed = { held, active, context: { ...context, state } };
      hyper = await Hypergradients.create(runtime, description, learning, needed, session);
      releases.push(() => hyper?.release());
    }
    let tail = program;
    if (lastBatch !== batchSize) {
      const smaller = { ...description, batchSize: lastBatch };
      tail = (await StepProgram.create(runtime, smaller, { ...context, state }, session)).program;
      releases.push(() => tail.release());
    }
    const evaluationBatch = Math.min(1024, Math.max(data.train.length, data.validation.length));
    const evaluator = await Evaluator.create(
      runtime,
      { ...description, batchSize: evaluationBatch },
      bound,
      state,
      session,
    );
    releases.push(() => evaluator.release());
    let statistics: RunningStatistics | undefined;
    const statisticsAt: Statistics = async (epochs) => {
      if (statistics === undefined) {
        // A batch may hold rows that were added: of the data's own there must be one full batch.
        const whole = { ...description, batchSize: Math.min(batchSize, data.train.length) };
        statistics = await RunningStatistics.create(runtime, whole, bound, state, session);
        releases.push(() => statistics?.release());
      }
      return statistics.over(statisticsOrder(data.train), (index) => strengthAt(index, epochs));
    };
    const squaredGradients: SquaredGradientsOf = async (rows, labels, task) => {
      const program = await SquaredGradients.create(runtime, description, bound, state, session);
      try {
        return await program.over(rows, { labels, seed, task, strengthAt: (index) => strengthAt(index, 0) });
      } finally {
        program.release();
      }
    };
    const host = new HostHooks(setting, state, compiled, statisticsAt);
    return await run({
      squaredGradients,
      program,
      tail,
      state,
      evaluator,
      host,
      hyper,
      description,
      bound,
      session,
      strengthAt,
    });
  } finally {
    for (const release of releases.reverse()) release();
  }

  async function run(machinery: Machinery): Promise<TrainingResult> {
    const { program, tail, state, evaluator, host, hyper, strengthAt, squaredGradients } = machinery;
    const monitors = active.flatMap(({ regularizer, options: own }) => {
      const monitor: EpochMonitor | undefined = regularizer.hooks.afterEpoch?.(own);
      return monitor === undefined ? [] : [monitor];
    });
    const resumed = controls.resume?.progress;
    if (controls.resume !== undefined) takeUp(controls.resume, { seed, state, monitors, strengths: hyper?.strengths });
    let kept: Kept = controls.resume?.kept ?? { epoch: 0, monitored: false, weights: state.weightSnapshot() };
    let bestEpoch = resumed?.bestEpoch ?? 0;
    let plateau = resumed?.plateau ?? initialPlateau();
    const history: EpochRecord[] = [...(resumed?.history ?? [])];
    const findings: Finding[] = [...prepared.findings];
    let step = resumed?.step ?? 0;
    let outcome: TrainingResult['outcome'] = 'completed';
    const evaluated = evenly(data.train, options.trainMetricsRows);
    let saved = performance.now();
    const pace = new Pace(stepsPerEpoch * options.epochs - step);
    await emit({
      type: 'started',
      parameters: architecture.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      nodes: problem.graph.nodes.length,
      stepsPerEpoch,
      backend: `${runtime.name} ${runtime.version} on ${chooseProvider(runtime, options.device)}`,
    });
    const checkpoint = async (epoch: number, batch: number, lossSum: number, seconds: number): Promise<void> => {
      const progress = {
        seed,
        epoch,
        batch,
        step,
        lossSum,
        seconds,
        history: [...history],
        monitors: monitors.map((monitor) => monitor.state()),
        plateau,
        bestEpoch,
        ...(hyper === undefined ? {} : { learned: hyper.strengths.state() }),
      };
      await emit({ type: 'checkpoint', checkpoint: { progress, state: state.snapshot(), kept } });
      saved = performance.now();
    };

    training: for (let epoch = resumed?.epoch ?? 0; epoch < options.epochs; epoch++) {
      const order =
        tasks === undefined
          ? controls.order(epoch, data)
          : tasks.order(epoch, controls.order, (at, rows) => host.rehearse(at, rows));
      const continued = epoch === resumed?.epoch ? resumed : undefined;
      let lossSum = continued?.lossSum ?? 0;
      const started = performance.now() - 1000 * (continued?.seconds ?? 0);
      let learningRate = 0;
      const divergence = (symptom: Symptom): Finding =>
        explainDivergence({ state, symptom, step, epoch: epoch + 1, learningRate, history });
      const made = (batch: number, step: number): BatchRequest => {
        return { step, epochs: epoch + batch / stepsPerEpoch, rows: order.subarray(batch * batchSize) };
      };
      for (let batch = continued?.batch ?? 0; batch < stepsPerEpoch; batch++) {
        if (signal?.aborted === true) {
          await checkpoint(epoch, batch, lossSum, (performance.now() - started) / 1000);
          outcome = 'cancelled';
          break training;
        }
        const current = batch === stepsPerEpoch - 1 ? tail : program;
        const { index } = current;
        const from = batch * batchSize;
        for (let i = 0; i < index.length; i++) index[i] = BigInt(order[from + i]);
        const { learningRate: baseRate, schedule } = options.optimizer;
        learningRate = learningRateAt(schedule, { baseRate, stepsPerEpoch, epochs: options.epochs }, step, plateau);
        const position = { step: step + 1, learningRate };
        const optimizerScalar = (name: string): number => optimizer.scalars[name](position);
        const done = epoch + batch / stepsPerEpoch;
        if (current === program && hyper?.isDue(step, done) === true) {
          await hyper.update({ position, optimizerScalar, epochs: done, index });
        }
        current.prepare(position, optimizerScalar, done);
        await current.take(made(batch, step + 1));
        if (batch + 1 < stepsPerEpoch) {
          (batch + 2 === stepsPerEpoch ? tail : program).begin(made(batch + 1, step + 2));
        }
        const loss = pace.slow ? await current.run() : current.runSync();
        step++;
        if (!Number.isFinite(loss)) {
          // The other side holds what the step started from.
          state.flip();
          findings.push(divergence({ loss }));
          outcome = 'diverged';
          break training;
        }
        lossSum += loss;
        host.afterStep(step, epoch + (batch + 1) / stepsPerEpoch);
        if (await pace.tick()) {
          await emit({
            type: 'progress',
            epoch: epoch + 1,
            step: batch + 1,
            stepsPerEpoch,
            loss,
            stepsPerSecond: pace.stepsPerSecond,
            secondsLeft: pace.secondsLeft,
          });
        }
        if (performance.now() - saved > 1000 * options.checkpointSeconds && batch + 1 < stepsPerEpoch) {
          await checkpoint(epoch, batch + 1, lossSum, (performance.now() - started) / 1000);
        }
      }

      host.afterEpoch(step, epoch + 1);
      const ended = tasks?.endedBy(epoch);
      if (ended !== undefined) {
        await host.afterTask(step, epoch + 1, { task: ended, rows: tasks!.rowsOf(ended) }, squaredGradients);
      }
      // From here to the verdict the model is what would be exported now: averages where there are any.
      const takeUpWeights = await host.substitute(step, epoch + 1);
      evaluator.setStrengths((index) => strengthAt(index, epoch + 1));
      const trainOutputs = await evaluator.run(evaluated);
      if (!trainOutputs.every(Number.isFinite)) {
        findings.push(divergence('outputs'));
        outcome = 'diverged';
        break;
      }
      const trainMetrics = metrics(evaluated, trainOutputs);
      const validationOutputs = await evaluator.run(data.validation);
      const validation =
        data.validation.length === 0
          ? {}
          : { ...metrics(data.validation, validationOutputs), ...tasks?.metricsOf(validationOutputs) };
      const record: EpochRecord = {
        epoch: epoch + 1,
        trainLoss: lossSum / stepsPerEpoch,
        learningRate,
        train: trainMetrics,
        validation,
        gap: gapBetween(trainMetrics, validation, metrics),
        seconds: (performance.now() - started) / 1000,
        ...(hyper === undefined ? {} : { strengths: hyper.strengths.values() }),
      };
      history.push(record);
      if (options.optimizer.schedule.type === 'plateau') {
        plateau = observePlateau(options.optimizer.schedule, plateau, validation[metrics.loss] ?? record.trainLoss);
      }
      let stop = false;
      let isBest = false;
      for (const monitor of monitors) {
        const followed = monitor.metric ?? metrics.loss;
        if (validation[followed] === undefined) throw unknownMetric(followed, validation);
        const verdict = monitor.observe(epoch + 1, validation[followed], metrics.higherIsBetter(followed));
        if (verdict.best) {
          isBest = true;
          bestEpoch = epoch + 1;
          if (verdict.restoreBest) kept = { epoch: epoch + 1, monitored: true, weights: state.weightSnapshot() };
        }
        stop ||= verdict.stop;
      }
      if (!kept.monitored) kept = { epoch: epoch + 1, monitored: false, weights: state.weightSnapshot() };
      takeUpWeights();
      await emit({ type: 'epoch', record, best: isBest, secondsLeft: pace.secondsLeft });
      if (stop) {
        outcome = 'stopped-early';
        findings.push(...stoppedTooEarly(history, bestEpoch, metrics));
        break;
      }
      // Not before the verdict: a run resumed from a checkpoint that knew it would go on beyond its end.
      if (performance.now() - saved > 1000 * options.checkpointSeconds) await checkpoint(epoch + 1, 0, 0, 0);
    }

    const returns = outcome === 'diverged' || (kept.monitored && outcome !== 'cancelled');
    const epochs = history.length;
    if (returns) {
      state.restore(kept.weights);
      hyper?.strengths.recall(history[kept.epoch - 1]?.strengths);
    } else await host.substitute(step, epochs);
    findings.push(...host.findings(step, epochs));
    const learnt = tasks?.record(history);
    if (learnt !== undefined) findings.push(forgettingFinding(learnt));
    if (hyper !== undefined) findings.push(hyper.strengths.finding(data.held?.length ?? 0));
    for (const finding of findings) await emit({ type: 'finding', finding });
    const bestEpochs = returns ? kept.epoch : epochs;
    evaluator.setStrengths((index) => strengthAt(index, bestEpochs));
    const changed = await inferenceWeights(runtime, machinery.description, state, (index) =>
      strengthAt(index, bestEpochs),
    );
    const graph = withWeights(architecture, new Map([...state.weights(), ...changed]));
    const told: Finding[] = [];
    const finished = outcome === 'cancelled' ? graph : await finish(graph, machinery, bestEpochs, told);
    for (const finding of told) await emit({ type: 'finding', finding });
    findings.push(...told);
    const outputsOf = (rows: Int32Array): Promise<Float32Array> =>
      finished === graph ? evaluator.run(rows) : runGraph(runtime, finished, runOptions(machinery, rows));
    return {
      graph: finished,
      history,
      epochs,
      bestEpoch: bestEpochs,
      outcome,
      findings,
      ...(learnt === undefined ? {} : { tasks: learnt }),
      // Rows held back are of the training part all the same.
      outputs: { train: await outputsOf(given.data.train), validation: await outputsOf(data.validation) },
    };
  }

  /** Lets regularizers finish the trained graph: averaged, Bayesian or ensembled predictions. */
  async function finish(trained: Graph, machinery: Machinery, epochs: number, told: Finding[]): Promise<Graph> {
    const { host, description, state, strengthAt } = machinery;
    let graph = trained;
    for (const [i, { regularizer, options: own }] of active.entries()) {
      graph =
        (await regularizer.hooks.finish?.(
          {
            ...ownContext(description, active),
            strength: strengthAt(i, epochs),
            own: host.own(i),
            trained: host.weights(),
            train: data.train,
            validation: data.validation,
            target: data.target,
            weights: data.weights,
            codes: (role) => data.columns?.find((column) => column.role === role)?.codes,
            sum: (rows, build) =>
              sumOverRows(runtime, { ...runOptions(machinery, rows), weights: data.weights }, build),
            tell: (finding) => told.push(finding),
            statistics: (weights) => host.statisticsFor(weights, epochs),
            effective: (weights) =>
              host.withWeights(weights, () =>
                inferenceWeights(runtime, description, state, (index) => strengthAt(index, epochs)),
              ),
            run: (other, rows, output) =>
              runGraph(runtime, other, { ...runOptions(machinery, rows), ...(output === undefined ? {} : { output }) }),
          },
          own,
          graph,
        )) ?? graph;
    }
    return graph;
  }

  function runOptions({ bound, session }: Machinery, rows: Int32Array) {
    return { inputs: problem.inputs, data: bound, rows, session };
  }
}

interface Machinery {
  readonly squaredGradients: SquaredGradientsOf;
  readonly program: StepProgram;
  /** For the last, smaller batch of an epoch; the program itself where there is none. */
  readonly tail: StepProgram;
  readonly state: TrainingState;
  readonly evaluator: Evaluator;
  readonly host: HostHooks;
  readonly hyper: Hypergradients | undefined;
  readonly description: StepDescription;
  readonly bound: BoundData;
  readonly session: SessionOptions;
  readonly strengthAt: HostSetting['strengthAt'];
}

/** Puts a run back to where a checkpoint left it. @throws BallastError CHECKPOINT_MISMATCH */
function takeUp(
  { progress, state: saved, kept }: Checkpoint,
  {
    seed,
    state,
    monitors,
    strengths,
  }: {
    seed: number;
    state: TrainingState;
    monitors: readonly EpochMonitor[];
    strengths: LearnedStrengths | undefined;
  },
): void {
  const mismatch = (what: string): BallastError =>
    new BallastError(`the checkpoint is of ${what}`, {
      code: 'CHECKPOINT_MISMATCH',
      remedy: 'Resume with the spec, data and seed that the run was started with',
    });
  if (progress.seed !== seed) throw mismatch(`a run with another seed (${progress.seed})`);
  if (!state.fits(saved, state.names) || !state.fits(kept.weights, state.weightNames)) {
    throw mismatch('another network or optimizer');
  }
  const { learned } = progress;
  const fits = strengths === undefined ? learned === undefined : learned !== undefined && strengths.restore(learned);
  if (progress.monitors.length !== monitors.length || !fits) throw mismatch('a run with other regularizers');
  state.restore(saved);
  progress.monitors.forEach((monitor, i) => {
    monitors[i].restore(monitor);
  });
}

/** At most `limit` of the rows, evenly spaced. */
function evenly(rows: Int32Array, limit: number): Int32Array {
  if (rows.length <= limit) return rows;
  return Int32Array.from({ length: limit }, (_, i) => rows[Math.floor((i * rows.length) / limit)]);
}

function gapBetween(
  train: MetricValues,
  validation: MetricValues,
  { primary, higherIsBetter }: MetricsFunction,
): number {
  const difference = train[primary] - validation[primary];
  return higherIsBetter(primary) ? difference : -difference;
}

function unknownMetric(metric: string, known: MetricValues): BallastError {
  return new BallastError(`early-stopping follows "${metric}", which is not a validation metric here`, {
    code: 'METRIC_UNKNOWN',
    remedy:
      Object.keys(known).length === 0
        ? 'There are no validation rows: set data.split.validation above 0'
        : `Choose one of ${Object.keys(known).join(', ')}`,
  });
}

function withWeights({ graph }: Architecture, weights: ReadonlyMap<string, Float32Array>): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, data] of weights) {
    initializers.set(name, { type: 'float32', shape: initializers.get(name)!.shape, data });
  }
  return { ...graph, initializers };
}
