import { BallastError } from '../errors.js';
import type { Graph } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { type DataType, type NumericArray, sizeOf, type Tensor, tensor } from '../graph/tensor.js';
import type { Active, EpochMonitor, InputDescription } from '../regularizers/regularizer.js';
import { inOrder } from '../regularizers/resolve.js';
import { type Architecture, readArchitecture } from './architecture.js';
import type { Checkpoint } from './checkpoint.js';
import { classWeightsOf } from './class-weights.js';
import { explainDivergence } from './divergence.js';
import { stoppedTooEarly } from './early-stop-finding.js';
import { Evaluator } from './evaluator.js';
import type { EpochRecord, Finding, MetricValues, TrainingEvent } from './events.js';
import { adam, type Optimizer, sgd } from './optimizers.js';
import type { TrainingOptions } from './options.js';
import { bindData, StepProgram } from './program.js';
import { initialPlateau, learningRateAt, observePlateau } from './schedules.js';
import type { StepDescription } from './step.js';
import { strengthFactor } from './strengths.js';

/** One run: a network, data, regularizers and how to train. */
export interface TrainingProblem {
  readonly graph: Graph;
  readonly inputs: readonly (InputDescription & { readonly type: DataType })[];
  readonly task: 'classification' | 'regression';
  /** Classes in the order of the logits; empty for regression. */
  readonly classes: readonly string[];
  /** All rows that may be trained or validated on; never the holdout. */
  readonly data: TrainingData;
  readonly regularizers: readonly Active[];
  readonly options: TrainingOptions;
  readonly seed: number;
  /** Prefixes of parameters that stay as they are. */
  readonly frozen?: readonly string[];
  readonly metrics: MetricsFunction;
}

export interface TrainingData {
  readonly inputs: Readonly<Record<string, Tensor<NumericArray>>>;
  /** int64 [rows] class indices, or float32 [rows, 1]. */
  readonly target: Tensor<NumericArray>;
  readonly weights: Float32Array | undefined;
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/** Metrics of some rows, given the network's outputs for them; the loop does not know which. */
export interface MetricsFunction {
  readonly primary: string;
  readonly higherIsBetter: (metric: string) => boolean;
  /** What schedules and early stopping follow unless told otherwise; lower is better. */
  readonly loss: string;
  (rows: Int32Array, outputs: Float32Array): MetricValues;
}

export interface TrainingControls {
  readonly runtime: Runtime;
  readonly order: (epoch: number) => Int32Array;
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
  /** The epoch whose weights these are. */
  readonly bestEpoch: number;
  readonly outcome: 'completed' | 'stopped-early' | 'diverged' | 'cancelled';
  readonly findings: readonly Finding[];
  /** Outputs of the network for all train and validation rows, in the order of those lists. */
  readonly outputs: { readonly train: Float32Array; readonly validation: Float32Array };
}

/**
 * Trains a network: epochs of mini-batches, metrics on train and validation after each, decisions of the monitors,
 * checkpoints as events. Pure with respect to storage; the same problem and seed give the same bytes, interrupted or
 * not (one thread, same processor features).
 */
export async function train(problem: TrainingProblem, controls: TrainingControls): Promise<TrainingResult> {
  const { options, data, regularizers, seed, metrics } = problem;
  const { runtime, signal } = controls;
  const emit = async (event: TrainingEvent): Promise<void> => controls.onEvent?.(event);
  const architecture = readArchitecture(problem.graph, problem.frozen);
  const optimizer = optimizerOf(options);
  // The step numbers regularizers by their order of application, not by that of the spec.
  const active = inOrder(regularizers).filter(({ strength }) => strength !== 0);
  const batchSize = Math.min(options.batchSize, data.train.length);
  const stepsPerEpoch = Math.ceil(data.train.length / batchSize);
  const lastBatch = data.train.length - (stepsPerEpoch - 1) * batchSize;
  const bound = bindData(runtime, {
    ...data.inputs,
    target: data.target,
    ...(data.weights === undefined ? {} : { weight: tensor('float32', [data.weights.length], data.weights) }),
  });
  const description: StepDescription = {
    architecture,
    inputs: problem.inputs,
    task: problem.task,
    outputs: Math.max(1, problem.classes.length),
    batchSize,
    rows: bound.rows,
    hasWeights: data.weights !== undefined,
    classWeights: classWeightsOf(options.classWeights, problem.classes, data),
    regularizers,
    optimizer,
    gradientClip: options.gradientClip,
  };
  const strengthAt = (index: number, epochs: number): number =>
    active[index].strength * strengthFactor(active[index].schedule, epochs);
  const { program, state } = await StepProgram.create(
    runtime,
    description,
    { data: bound, seed, strengthAt },
    options.threads,
  );
  const tail =
    lastBatch === batchSize
      ? program
      : (
          await StepProgram.create(
            runtime,
            { ...description, batchSize: lastBatch },
            { data: bound, seed, strengthAt, state },
            options.threads,
          )
        ).program;
  const evaluator = await Evaluator.create(
    runtime,
    { ...description, batchSize: Math.min(1024, Math.max(data.train.length, data.validation.length)) },
    bound,
    state,
    options.threads,
  );
  try {
    return await run();
  } finally {
    evaluator.release();
    if (tail !== program) tail.release();
    program.release();
    state.release();
    for (const target of Object.values(bound.tensors)) target.release();
  }

  async function run(): Promise<TrainingResult> {
    const monitors = active.flatMap(({ regularizer, options: own }) => {
      const monitor: EpochMonitor | undefined = regularizer.hooks.afterEpoch?.(own);
      return monitor === undefined ? [] : [monitor];
    });
    const resumed = controls.resume?.progress;
    if (resumed !== undefined && resumed.seed !== seed) {
      throw new BallastError('the checkpoint is of a run with another seed', {
        code: 'CHECKPOINT_MISMATCH',
        value: resumed.seed,
      });
    }
    if (controls.resume !== undefined) state.restore(controls.resume.state);
    let best = controls.resume?.best;
    let bestEpoch = resumed?.bestEpoch ?? 0;
    resumed?.monitors.forEach((saved, i) => {
      monitors[i].restore(saved);
    });
    let plateau = resumed?.plateau ?? initialPlateau();
    const history: EpochRecord[] = [...(resumed?.history ?? [])];
    const findings: Finding[] = [];
    let step = resumed?.step ?? 0;
    let outcome: TrainingResult['outcome'] = 'completed';
    let restoreBest = false;
    const evaluated = evenly(data.train, options.trainMetricsRows);
    let saved = performance.now();
    const pace = new Pace(stepsPerEpoch * options.epochs - step);
    await emit({
      type: 'started',
      parameters: architecture.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      nodes: problem.graph.nodes.length,
      stepsPerEpoch,
      backend: `${runtime.name} ${runtime.version}`,
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
      };
      await emit({ type: 'checkpoint', checkpoint: { progress, state: state.snapshot(), best } });
    };

    epochs: for (let epoch = resumed?.epoch ?? 0; epoch < options.epochs; epoch++) {
      const order = controls.order(epoch);
      const continued = epoch === resumed?.epoch ? resumed : undefined;
      let lossSum = continued?.lossSum ?? 0;
      const started = performance.now() - 1000 * (continued?.seconds ?? 0);
      let learningRate = 0;
      for (let batch = continued?.batch ?? 0; batch < stepsPerEpoch; batch++) {
        if (signal?.aborted === true) {
          await checkpoint(epoch, batch, lossSum, (performance.now() - started) / 1000);
          outcome = 'cancelled';
          break epochs;
        }
        const current = batch === stepsPerEpoch - 1 ? tail : program;
        const { index } = current;
        const from = batch * batchSize;
        for (let i = 0; i < index.length; i++) index[i] = BigInt(order[from + i]);
        const { learningRate: baseRate, schedule } = options.optimizer;
        learningRate = learningRateAt(schedule, { baseRate, stepsPerEpoch, epochs: options.epochs }, step, plateau);
        const position = { step: step + 1, learningRate };
        current.prepare(position, (name) => optimizer.scalars[name](position), epoch + batch / stepsPerEpoch);
        const loss = pace.slow ? await current.run() : current.runSync();
        step++;
        if (!Number.isFinite(loss)) {
          state.flip();
          findings.push(explainDivergence({ state, loss, step, epoch: epoch + 1, learningRate, history }));
          outcome = 'diverged';
          break epochs;
        }
        lossSum += loss;
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
          saved = performance.now();
        }
      }

      const trainMetrics = metrics(evaluated, await evaluator.run(evaluated));
      const validation =
        data.validation.length === 0 ? {} : metrics(data.validation, await evaluator.run(data.validation));
      const record: EpochRecord = {
        epoch: epoch + 1,
        trainLoss: lossSum / stepsPerEpoch,
        learningRate,
        train: trainMetrics,
        validation,
        gap: gapBetween(trainMetrics, validation, metrics),
        seconds: (performance.now() - started) / 1000,
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
          best = verdict.restoreBest ? state.snapshot() : best;
        }
        stop ||= verdict.stop;
        restoreBest ||= verdict.restoreBest;
      }
      await emit({ type: 'epoch', record, best: isBest, secondsLeft: pace.secondsLeft });
      if (performance.now() - saved > 1000 * options.checkpointSeconds) {
        await checkpoint(epoch + 1, 0, 0, 0);
        saved = performance.now();
      }
      if (stop) {
        outcome = 'stopped-early';
        findings.push(...stoppedTooEarly(history, bestEpoch, metrics));
        break;
      }
    }

    const usesBest = best !== undefined && outcome !== 'cancelled' && (restoreBest || outcome === 'diverged');
    if (usesBest && best !== undefined) state.restore(best);
    for (const finding of findings) await emit({ type: 'finding', finding });
    return {
      graph: withWeights(architecture, state.weights()),
      history,
      epochs: history.length,
      bestEpoch: usesBest ? bestEpoch : history.length,
      outcome,
      findings,
      outputs: { train: await evaluator.run(data.train), validation: await evaluator.run(data.validation) },
    };
  }
}

/** At most `limit` of the rows, evenly spaced. */
function evenly(rows: Int32Array, limit: number): Int32Array {
  if (rows.length <= limit) return rows;
  return Int32Array.from({ length: limit }, (_, i) => rows[Math.floor((i * rows.length) / limit)]);
}

function optimizerOf({ optimizer }: TrainingOptions): Optimizer {
  return optimizer.type === 'sgd' ? sgd(optimizer) : adam(optimizer.type, optimizer);
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

/**
 * How fast steps go and whether they should leave the event loop: below some 1.5 ms a step the hand-over costs more than
 * it frees, so quick steps run in place and the loop yields between them.
 */
class Pace {
  #done = 0;
  #left: number;
  readonly #start = performance.now();
  #told = 0;
  #yielded = performance.now();

  constructor(steps: number) {
    this.#left = steps;
  }

  get slow(): boolean {
    return this.#done >= 3 && (performance.now() - this.#start) / this.#done > 1.5;
  }

  get stepsPerSecond(): number {
    return (1000 * this.#done) / (performance.now() - this.#start);
  }

  get secondsLeft(): number {
    return this.#done === 0 ? 0 : this.#left / this.stepsPerSecond;
  }

  /** Counts a step; true when it is time to tell. Lets other work run every 20 ms. */
  async tick(): Promise<boolean> {
    this.#done++;
    this.#left--;
    const now = performance.now();
    if (now - this.#yielded > 20) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#yielded = performance.now();
    }
    if (now - this.#told < 100) return false;
    this.#told = now;
    return true;
  }
}
