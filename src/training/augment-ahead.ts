import { availableParallelism } from 'node:os';
import { GraphBuilder, type Value } from '../graph/builder.js';
import { writeModel } from '../graph/format/encode.js';
import type { Model } from '../graph/model.js';
import type { Binding, BoundTensor, Runtime, Session, SessionOptions } from '../graph/runtime/runtime.js';
import { sizeOf } from '../graph/tensor.js';
import { augmentsInputs } from '../regularizers/augmentation-graph.js';
import type { BoundData } from './program.js';
import { type HostScalar, type NetworkDescription, StepGraph } from './step-graph.js';
import { type ScalarContext, StepScalars } from './step-scalars.js';

/** What of a step's work on its batch is done before the step, in a graph of its own. */
export interface AheadPlan {
  /** Regularizers whose `batch` hook is done, by their number in the step. */
  readonly regularizers: ReadonlySet<number>;
  /** Inputs that come changed, as `batch.<name>`. */
  readonly inputs: readonly string[];
}

interface CompiledAhead extends AheadPlan {
  readonly model: Model;
  readonly scalars: ReadonlyMap<string, HostScalar>;
  readonly randomSites: readonly string[];
}

/** Below so many values a batch is changed sooner than it is handed to another thread. */
const FEW = 16_000;

/**
 * Augmentations as a graph of their own: those that change inputs alone and come before all else that a step does with
 * its batch. What they make depends on seed, step and strengths, not on weights, so that it can be made while the step before
 * is under way; the numbers are those that the step itself would draw.
 *
 * @returns undefined where there is nothing of the kind
 */
function compileAhead(description: NetworkDescription): CompiledAhead | undefined {
  const b = new GraphBuilder('augmentation');
  const { batchSize, rows } = description;
  const index = b.input('batch.index', 'int64', [batchSize]);
  const step = new StepGraph(
    b,
    { ...description, architecture: { ...description.architecture, buffers: [] } },
    'training',
  );
  const given = Object.fromEntries(
    description.inputs.map(({ name, type, shape }) => [
      name,
      b.gather(b.input(`data.${name}`, type, [rows, ...shape]), index),
    ]),
  );
  // It only stands there: what looks at targets does not augment.
  const target = b.scalar(0, 'float32', [batchSize, 1]);
  // Strengths that are learned move between a step and the next.
  if (step.active.some(({ regularizer }) => regularizer.hooks.learns !== undefined)) return undefined;
  let inputs: Readonly<Record<string, Value>> = given;
  const regularizers = new Set<number>();
  for (const [i, entry] of step.active.entries()) {
    const { regularizer, options } = entry;
    if (regularizer.hooks.batch === undefined) continue;
    if (!augmentsInputs(entry)) break;
    const made = regularizer.hooks.batch(step.contexts[i], options, { inputs, target }).inputs;
    if (Object.entries(made).some(([name, value]) => value !== inputs[name])) regularizers.add(i);
    inputs = made;
  }
  const changed = Object.keys(inputs).filter((name) => inputs[name] !== given[name]);
  if (!changed.some((name) => sizeOf(given[name].shape) >= FEW)) return undefined;
  for (const name of changed) b.output(`batch.${name}`, inputs[name]);
  return {
    regularizers,
    inputs: changed,
    model: b.model(),
    scalars: step.scalars,
    randomSites: step.random.labels,
  };
}

/** A step whose batch is to be made. */
export interface BatchRequest {
  /** From 1. */
  readonly step: number;
  /** Epochs done, with fraction. */
  readonly epochs: number;
  /** Its rows, and perhaps those of later ones after them. */
  readonly rows: Int32Array;
}

interface AheadContext extends ScalarContext {
  readonly data: BoundData;
}

interface Side {
  readonly index: BoundTensor;
  readonly scalars: StepScalars;
  readonly batch: Readonly<Record<string, BoundTensor>>;
  readonly binding: Binding;
}

/** Makes augmented batches in a thread of the runtime's, one step ahead, into two buffers in turn. */
export class AugmentAhead {
  readonly plan: AheadPlan;
  readonly #session: Session;
  readonly #sides: readonly [Side, Side];
  #pending: { readonly step: number; readonly side: 0 | 1; readonly done: Promise<unknown> } | undefined;

  private constructor(
    runtime: Runtime,
    session: Session,
    compiled: CompiledAhead,
    description: NetworkDescription,
    { data, ...context }: AheadContext,
  ) {
    this.plan = compiled;
    this.#session = session;
    const needed = new Set(session.inputs.map(({ name }) => name));
    const side = (): Side => {
      const index = runtime.allocate('int64', [description.batchSize]);
      const scalars = new StepScalars(runtime, compiled, context);
      const batch = Object.fromEntries(
        description.inputs
          .filter(({ name }) => compiled.inputs.includes(name))
          .map(({ name, type, shape }) => [
            `batch.${name}`,
            runtime.allocate(type as BoundTensor['type'], [description.batchSize, ...shape]),
          ]),
      );
      const all: Record<string, BoundTensor> = { ...data.tensors, ...scalars.tensors, 'batch.index': index };
      const inputs = Object.fromEntries(Object.entries(all).filter(([name]) => needed.has(name)));
      return { index, scalars, batch, binding: session.bind(inputs, batch) };
    };
    this.#sides = [side(), side()];
  }

  /** @returns undefined where a step makes its batch as well itself: nothing to do, or no thread to do it in */
  static async create(
    runtime: Runtime,
    description: NetworkDescription,
    context: AheadContext,
    session: SessionOptions,
  ): Promise<AugmentAhead | undefined> {
    const { threads = 1, provider = 'cpu' } = session;
    if (runtime.name !== 'ffi' || provider !== 'cpu' || availableParallelism() <= threads) return undefined;
    const compiled = compileAhead(description);
    if (compiled === undefined) return undefined;
    const loaded = await runtime.load(writeModel(compiled.model), session);
    return new AugmentAhead(runtime, loaded, compiled, description, context);
  }

  /** The inputs of a step that reads this side of the state. */
  tensors(side: 0 | 1): Readonly<Record<string, BoundTensor>> {
    return this.#sides[side].batch;
  }

  /**
   * Waits until the batch of a step stands in its buffer; it is made now where it was not begun before.
   *
   * @param side of the state that the step reads: the buffer has the same number
   */
  async take(request: BatchRequest, side: 0 | 1): Promise<void> {
    if (this.#pending?.step !== request.step || this.#pending.side !== side) {
      await this.#pending?.done;
      this.begin(request, side);
    }
    const failure = await this.#pending?.done;
    this.#pending = undefined;
    if (failure !== undefined) throw failure;
  }

  /** Begins the batch of a step that is to come. */
  begin({ step, epochs, rows }: BatchRequest, side: 0 | 1): void {
    const { index, scalars, binding } = this.#sides[side];
    for (let i = 0; i < index.data.length; i++) (index.data as BigInt64Array)[i] = BigInt(rows[i]);
    scalars.set({ step, learningRate: 0 }, () => 0, epochs);
    // A failure is told where the batch is asked for.
    const done = binding.run().then(
      () => undefined,
      (error: unknown) => error,
    );
    this.#pending = { step, side, done };
  }

  release(): void {
    for (const { index, scalars, batch, binding } of this.#sides) {
      binding.release();
      scalars.release();
      for (const bound of [index, ...Object.values(batch)]) bound.release();
    }
    this.#session.release();
  }
}
