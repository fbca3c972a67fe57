import { writeModel } from '../graph/format/encode.js';
import type { Binding, BoundTensor, Runtime, Session, SessionOptions } from '../graph/runtime/runtime.js';
import { type NumericArray, sizeOf, type Tensor } from '../graph/tensor.js';
import type { Architecture } from './architecture.js';
import { AugmentAhead, type BatchRequest } from './augment-ahead.js';
import type { Optimizer, StepPosition, WeightsInPlace } from './optimizers.js';
import { forEachMember, type Pack } from './packing.js';
import { type CompiledStep, compileStep, type StepDescription } from './step.js';
import { type ScalarContext, StepScalars } from './step-scalars.js';
import { UpdateMemory } from './update/memory.js';

/** The data set of a run as memory that every session binds: all rows of train and validation, in table order. */
export interface BoundData {
  readonly rows: number;
  readonly tensors: Readonly<Record<string, BoundTensor>>;
}

/** Copies tensors into memory that sessions can bind. Names are those of the step's inputs: `data.<input>`. */
export function bindData(runtime: Runtime, tensors: Readonly<Record<string, Tensor<NumericArray>>>): BoundData {
  let rows = 0;
  const bound: Record<string, BoundTensor> = {};
  for (const [name, { type, shape, data }] of Object.entries(tensors)) {
    rows = shape[0];
    const target = runtime.allocate(type as BoundTensor['type'], shape);
    target.data.set(data as never);
    bound[`data.${name}`] = target;
  }
  return { rows, tensors: bound };
}

/**
 * Weights, optimizer state and running statistics, twice: a step reads one copy and writes the other. What the host
 * updates is there once, and both sides show it: the update in place happens between two steps.
 */
export class TrainingState {
  readonly packs: readonly Pack[];
  /** Where weights are that the host updates. */
  readonly memory: UpdateMemory | undefined;
  /** Outputs of the step, `gradient.x`, for weights that the host updates. */
  readonly gradients: Readonly<Record<string, BoundTensor>>;
  /** Names as in the step graph: `parameter.x`, `momentum.x`, `buffer.y`. */
  readonly #sides: readonly [Record<string, BoundTensor>, Record<string, BoundTensor>];
  #current: 0 | 1 = 0;

  /** @param memory with room for what {@link hostArrays} lists */
  constructor(runtime: Runtime, compiled: CompiledStep, architecture: Architecture, memory?: UpdateMemory) {
    this.packs = compiled.packs;
    this.memory = memory;
    const shapes = new Map<string, readonly number[]>();
    for (const { name, shape } of compiled.packs) {
      for (const kind of ['parameter', ...compiled.slots]) shapes.set(`${kind}.${name}`, shape);
    }
    for (const { name, initial } of architecture.buffers) shapes.set(`buffer.${name}`, initial.shape);
    const hostState = compiled.ownState.filter(({ writer }) => writer === 'host');
    for (const { name, shape } of compiled.ownState) shapes.set(`state.${name}`, shape);
    const shared = new Map(
      memory === undefined
        ? []
        : hostArrays(compiled).map(([name, shape]) => [name, runtime.wrap('float32', shape, memory.array(shape))]),
    );
    for (const { name, shape } of hostState) shared.set(`state.${name}`, runtime.allocate('float32', shape));
    const side = (): Record<string, BoundTensor> =>
      Object.fromEntries(
        [...shapes].map(([name, shape]) => [name, shared.get(name) ?? runtime.allocate('float32', shape)]),
      );
    this.#sides = [side(), side()];
    this.gradients = Object.fromEntries([...shared].filter(([name]) => name.startsWith('gradient.')));
    const initial = new Map([
      ...[...architecture.parameters, ...architecture.buffers].map((p): [string, Float32Array] => [
        p.name,
        p.initial.data,
      ]),
      ...compiled.ownParameters.map((p): [string, Float32Array] => [p.name, p.initial]),
    ]);
    for (const pack of compiled.packs) {
      forEachMember(pack, this.array(`parameter.${pack.name}`), ({ name }, part) => part.set(initial.get(name)!));
    }
    for (const { name } of architecture.buffers) this.array(`buffer.${name}`).set(initial.get(name)!);
    for (const own of compiled.ownState) this.array(`state.${own.name}`).set(own.initial);
  }

  /** Names of all state tensors. */
  get names(): string[] {
    return Object.keys(this.#sides[0]);
  }

  /** Which copy holds the present state. */
  get side(): 0 | 1 {
    return this.#current;
  }

  /** Where it will be read from after one more step. */
  get otherSide(): 0 | 1 {
    return this.#current === 0 ? 1 : 0;
  }

  flip(): void {
    this.#current = this.#current === 0 ? 1 : 0;
  }

  tensors(side: 0 | 1): Readonly<Record<string, BoundTensor>> {
    return this.#sides[side];
  }

  /** The present values of one state tensor: a live view. */
  array(name: string): Float32Array {
    return this.#sides[this.#current][name].data as Float32Array;
  }

  /** Names of weights, running statistics and the regularizers' own state: all but the optimizer's. */
  get weightNames(): string[] {
    return this.names.filter((name) => /^(?:parameter|buffer|state)\./.test(name));
  }

  /** A copy of the whole state. */
  snapshot(): Map<string, Float32Array> {
    return new Map(this.names.map((name) => [name, this.array(name).slice()]));
  }

  /** A copy of them. */
  weightSnapshot(): Map<string, Float32Array> {
    return new Map(this.weightNames.map((name) => [name, this.array(name).slice()]));
  }

  /** Whether a snapshot holds exactly these arrays in their sizes. */
  fits(snapshot: ReadonlyMap<string, Float32Array>, names: readonly string[]): boolean {
    return snapshot.size === names.length && names.every((n) => snapshot.get(n)?.length === this.array(n).length);
  }

  restore(snapshot: ReadonlyMap<string, Float32Array>): void {
    for (const [name, values] of snapshot) this.array(name).set(values);
  }

  /** The trained initializers by their names in the architecture. */
  weights(snapshot?: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
    const arrayOf = (name: string): Float32Array => snapshot?.get(name) ?? this.array(name);
    const result = new Map<string, Float32Array>();
    for (const pack of this.packs) {
      if (pack.role === 'auxiliary') continue;
      forEachMember(pack, arrayOf(`parameter.${pack.name}`), ({ name }, part) => result.set(name, part.slice()));
    }
    for (const name of this.names) {
      if (name.startsWith('buffer.')) result.set(name.slice('buffer.'.length), arrayOf(name).slice());
    }
    return result;
  }

  release(): void {
    for (const tensors of [...this.#sides, this.gradients]) for (const bound of Object.values(tensors)) bound.release();
  }
}

/** Arrays that the host's updates read and write, by name. */
function hostArrays({ hostUpdates, slots }: CompiledStep): [string, readonly number[]][] {
  return hostUpdates.flatMap(({ pack: { name, shape } }) =>
    ['parameter', ...slots, 'gradient'].map((kind): [string, readonly number[]] => [`${kind}.${name}`, shape]),
  );
}

/** A compiled step bound to a runtime, its data and its state. */
export class StepProgram {
  readonly index: BigInt64Array;
  readonly #compiled: CompiledStep;
  readonly #session: Session;
  readonly #bindings: readonly [Binding, Binding];
  readonly #loss: BoundTensor;
  readonly #scalars: StepScalars;
  readonly #index: BoundTensor;
  readonly #state: TrainingState;
  readonly #augment: AugmentAhead | undefined;
  readonly #optimizer: Optimizer;
  readonly #updates: readonly {
    readonly weights: WeightsInPlace;
    readonly kept: BoundTensor | undefined;
    readonly rate: BoundTensor | undefined;
  }[];
  readonly #kept: Record<string, BoundTensor> = {};
  #position: StepPosition = { step: 0, learningRate: 0 };

  private constructor(
    runtime: Runtime,
    session: Session,
    compiled: CompiledStep,
    { data, state, ...context }: ProgramContext,
    { batchSize, optimizer }: StepDescription,
    augment: AugmentAhead | undefined,
  ) {
    this.#compiled = compiled;
    this.#optimizer = optimizer;
    this.#session = session;
    this.#state = state;
    this.#augment = augment;
    this.#scalars = new StepScalars(runtime, compiled, context);
    this.#index = runtime.allocate('int64', [batchSize]);
    this.index = this.#index.data as BigInt64Array;
    this.#loss = runtime.allocate('float32', []);
    this.#updates = compiled.hostUpdates.map(({ pack, kept, rate }) => {
      if (kept !== undefined) this.#kept[kept] = runtime.allocate('float32', []);
      const address = (bound: BoundTensor): number => bound.data.byteOffset;
      const tensors = state.tensors(0);
      const weights = {
        parameter: address(tensors[`parameter.${pack.name}`]),
        slots: compiled.slots.map((slot) => address(tensors[`${slot}.${pack.name}`])),
        gradient: address(state.gradients[`gradient.${pack.name}`]),
        length: sizeOf(pack.shape),
      };
      return {
        weights,
        kept: kept === undefined ? undefined : this.#kept[kept],
        rate: rate === undefined ? undefined : this.#scalars.tensors[rate],
      };
    });
    const needed = new Set(session.inputs.map(({ name }) => name));
    const given = new Set(session.outputs.map(({ name }) => name));
    const bind = (from: 0 | 1): Binding => {
      const all: Record<string, BoundTensor> = {
        ...data.tensors,
        ...state.tensors(from),
        ...augment?.tensors(from),
        ...this.#scalars.tensors,
        'batch.index': this.#index,
      };
      const inputs = Object.fromEntries(Object.entries(all).filter(([name]) => needed.has(name)));
      const to = state.tensors(from === 0 ? 1 : 0);
      const outputs: Record<string, BoundTensor> = { ...state.gradients, ...this.#kept, loss: this.#loss };
      for (const [name, bound] of Object.entries(to)) if (given.has(`new.${name}`)) outputs[`new.${name}`] = bound;
      return session.bind(inputs, outputs);
    };
    this.#bindings = [bind(0), bind(1)];
  }

  static async create(
    runtime: Runtime,
    description: StepDescription,
    context: Omit<ProgramContext, 'state'> & { state?: TrainingState },
    session: SessionOptions,
  ): Promise<{ program: StepProgram; state: TrainingState; compiled: CompiledStep }> {
    const augment =
      context.ahead === true ? await AugmentAhead.create(runtime, description, context, session) : undefined;
    const { compiled, state } = compileWithState(runtime, description, { ...context, augment }, session);
    const loaded = await runtime.load(writeModel(compiled.model), session);
    const program = new StepProgram(runtime, loaded, compiled, { ...context, state }, description, augment);
    return { program, state, compiled };
  }

  /** How many nodes the step's graph has. */
  get nodes(): number {
    return this.#compiled.model.graph.nodes.length;
  }

  /**
   * Sets the scalars and keys of a step; the caller has filled {@link index}.
   *
   * @param epochs epochs done, with fraction: what schedules of strengths follow
   */
  prepare(position: StepPosition, optimizerScalar: (name: string) => number, epochs: number): void {
    this.#position = position;
    this.#scalars.set(position, optimizerScalar, epochs);
  }

  /** Waits for the batch of the next step, where batches are made ahead; its rows are those of {@link index}. */
  async take(request: BatchRequest): Promise<void> {
    await this.#augment?.take(request, this.#state.side);
  }

  /** Begins the batch of the step after the next, while that runs. */
  begin(request: BatchRequest): void {
    this.#augment?.begin(request, this.#state.otherSide);
  }

  /** One step on the calling thread; returns the loss of the batch. */
  runSync(): number {
    this.#bindings[this.#state.side].runSync();
    return this.#finish();
  }

  /** One step off the event loop, where the runtime can. */
  async run(): Promise<number> {
    await this.#bindings[this.#state.side].run();
    return this.#finish();
  }

  #finish(): number {
    const loss = (this.#loss.data as Float32Array)[0];
    const { memory } = this.#state;
    // A step that went wrong must leave what it started from: the host's weights are there only once.
    if (memory !== undefined && Number.isFinite(loss)) {
      for (const { weights, kept, rate } of this.#updates) {
        const factor = kept === undefined ? 1 : (kept.data as Float32Array)[0];
        const { step, learningRate } = this.#position;
        const own = rate === undefined ? learningRate : learningRate * (rate.data as Float32Array)[0];
        this.#optimizer.update(memory.kernels, weights, { step, learningRate: own }, factor);
      }
    }
    this.#state.flip();
    return loss;
  }

  release(): void {
    for (const binding of this.#bindings) binding.release();
    this.#augment?.release();
    this.#session.release();
    this.#scalars.release();
    for (const bound of [this.#index, this.#loss, ...Object.values(this.#kept)]) bound.release();
  }
}

/**
 * Compiles a step and makes its state, unless there is one. The optimizer's step is the host's on the processor; it is
 * the graph's where weights are on another device, or too large for one WebAssembly memory.
 */
function compileWithState(
  runtime: Runtime,
  description: StepDescription,
  { state: given, augment }: { readonly state?: TrainingState; readonly augment?: AugmentAhead | undefined },
  { provider = 'cpu' }: SessionOptions,
): { compiled: CompiledStep; state: TrainingState } {
  const convolutions = provider === 'cpu' ? 'lowered' : 'plain';
  const augmented = augment === undefined ? {} : { augmented: augment.plan };
  if (given !== undefined) {
    const updates = given.memory === undefined ? 'graph' : 'host';
    return { compiled: compileStep(description, { updates, convolutions, ...augmented }), state: given };
  }
  const { architecture } = description;
  if (provider === 'cpu') {
    const compiled = compileStep(description, { updates: 'host', ...augmented });
    const memory = UpdateMemory.create(hostArrays(compiled).map(([, shape]) => shape));
    if (memory !== undefined) return { compiled, state: new TrainingState(runtime, compiled, architecture, memory) };
  }
  const compiled = compileStep(description, { convolutions, ...augmented });
  return { compiled, state: new TrainingState(runtime, compiled, architecture) };
}

export interface ProgramContext extends ScalarContext {
  readonly data: BoundData;
  readonly state: TrainingState;
  /** Whether augmentations are made ahead of the step where they can be: {@link StepProgram.take} before each step then. */
  readonly ahead?: boolean;
}
