import { writeModel } from '../graph/format/encode.js';
import type { Binding, BoundTensor, Runtime, Session, SessionOptions } from '../graph/runtime/runtime.js';
import { derive } from '../numeric/random.js';
import type { Active, StrengthLearning } from '../regularizers/regularizer.js';
import {
  compileFirstTerm,
  compileNextTerm,
  type HypergradientGraph,
  type Learning,
  refuseNothingLearned,
} from './hypergradient-graph.js';
import { LearnedStrengths } from './learned-strengths.js';
import type { StepPosition } from './optimizers.js';
import type { ProgramContext } from './program.js';
import type { StepDescription } from './step.js';
import { StepScalars } from './step-scalars.js';

/** Held-back rows of one update, where there are so many: more of them make the hypergradient less noisy. */
const HELD_BATCH = 256;

/** Where an update is made. */
export interface UpdateAt {
  readonly position: StepPosition;
  readonly optimizerScalar: (name: string) => number;
  readonly epochs: number;
  /** Rows of the step's batch. */
  readonly index: BigInt64Array;
}

/** Hypergradients of a run: computed on the state that the next step starts from, which they leave as it is. */
export class Hypergradients {
  readonly strengths: LearnedStrengths;
  readonly #first: Term;
  readonly #next: Term | undefined;
  readonly #plan: StrengthLearning;
  readonly #held: Int32Array;
  readonly #heldIndex: BoundTensor;
  readonly #index: BoundTensor;
  readonly #seed: number;
  readonly #cotangents: readonly Record<string, BoundTensor>[];

  private constructor(
    runtime: Runtime,
    { first, next }: { first: LoadedTerm; next: LoadedTerm | undefined },
    { plan, rate }: Learning,
    { held, batchSize, heldBatch, active, context }: Needed,
  ) {
    this.#plan = plan;
    this.#held = held;
    this.#seed = context.seed;
    this.strengths = new LearnedStrengths(active, first.graph.learned, rate);
    this.#index = runtime.allocate('int64', [batchSize]);
    this.#heldIndex = runtime.allocate('int64', [heldBatch]);
    this.#cotangents = [0, 1].map(() =>
      next === undefined
        ? {}
        : Object.fromEntries(first.graph.packs.map(({ name, shape }) => [name, runtime.allocate('float32', shape)])),
    );
    const fed = { 'batch.index': this.#index, 'held.index': this.#heldIndex };
    this.#first = new Term(runtime, first, context, fed, this.#cotangents);
    this.#next = next === undefined ? undefined : new Term(runtime, next, context, fed, this.#cotangents);
  }

  /** @param held rows held back out of the training part */
  static async create(
    runtime: Runtime,
    description: StepDescription,
    learning: Learning,
    { held, active, context }: Pick<Needed, 'held' | 'active' | 'context'>,
    session: SessionOptions,
  ): Promise<Hypergradients> {
    const { types, terms } = learning.plan;
    const heldBatch = Math.min(held.length, Math.max(HELD_BATCH, description.batchSize));
    const updates = context.state.memory === undefined ? 'graph' : 'host';
    const load = async (graph: HypergradientGraph): Promise<LoadedTerm> => ({
      graph,
      session: await runtime.load(writeModel(graph.model), session),
    });
    const first = await load(compileFirstTerm(description, { types, heldBatch, updates, series: terms > 0 }));
    refuseNothingLearned(first.graph);
    const next = terms > 0 ? await load(compileNextTerm(description, { types, updates })) : undefined;
    const needed = { held, active, context, batchSize: description.batchSize, heldBatch };
    return new Hypergradients(runtime, { first, next }, learning, needed);
  }

  /** Whether strengths move before that step (from 0), after so many epochs. */
  isDue(step: number, epochs: number): boolean {
    return step % this.#plan.every === 0 && epochs >= this.#plan.warmUp;
  }

  /** Computes the hypergradient of the coming step and moves the strengths against it. */
  async update(at: UpdateAt): Promise<void> {
    (this.#index.data as BigInt64Array).set(at.index);
    const target = this.#heldIndex.data as BigInt64Array;
    const drawn = derive(this.#seed, 'held-batch', at.position.step).sample(this.#held.length, target.length);
    drawn.forEach((place, i) => {
      target[i] = BigInt(this.#held[place]);
    });
    const sums = await this.#first.run(at, 0);
    for (let term = 1; term <= this.#plan.terms && this.#next !== undefined; term++) {
      const more = await this.#next.run(at, term % 2 === 1 ? 1 : 0);
      more.forEach((value, i) => {
        sums[i] += value;
      });
    }
    this.strengths.update(sums);
  }

  release(): void {
    this.#first.release();
    this.#next?.release();
    const cotangents = this.#cotangents.flatMap((tensors) => Object.values(tensors));
    for (const bound of [this.#index, this.#heldIndex, ...cotangents]) bound.release();
  }
}

interface Needed {
  readonly held: Int32Array;
  readonly active: readonly Active[];
  readonly context: ProgramContext;
  readonly batchSize: number;
  readonly heldBatch: number;
}

interface LoadedTerm {
  readonly graph: HypergradientGraph;
  readonly session: Session;
}

/** A term's graph bound to a run: for either side of the state, reading one set of cotangents and writing the other. */
class Term {
  readonly #session: Session;
  readonly #scalars: StepScalars;
  readonly #results: readonly BoundTensor[];
  readonly #context: ProgramContext;
  /** By side of the state, then by the set of cotangents that is read. */
  readonly #bindings: readonly (readonly [Binding, Binding])[];

  constructor(
    runtime: Runtime,
    { graph, session }: LoadedTerm,
    context: ProgramContext,
    fed: Readonly<Record<string, BoundTensor>>,
    cotangents: readonly Readonly<Record<string, BoundTensor>>[],
  ) {
    this.#session = session;
    this.#context = context;
    this.#scalars = new StepScalars(runtime, graph, context);
    this.#results = graph.learned.map(() => runtime.allocate('float32', []));
    const value = runtime.allocate('float32', []);
    const prefixed = (prefix: string, tensors: Readonly<Record<string, BoundTensor>>): [string, BoundTensor][] =>
      Object.entries(tensors).map(([name, bound]) => [`${prefix}${name}`, bound]);
    const bind = (side: 0 | 1, from: 0 | 1): Binding => {
      const all = new Map<string, BoundTensor>([
        ...Object.entries({
          ...context.data.tensors,
          ...context.state.tensors(side),
          ...this.#scalars.tensors,
          ...fed,
        }),
        ...prefixed('cotangent.', cotangents[from]),
      ]);
      const outputs = new Map<string, BoundTensor>([
        ...graph.learned.map((index, i): [string, BoundTensor] => [`hyper.${index}`, this.#results[i]]),
        ...prefixed('cotangent.next.', cotangents[1 - from]),
        ['value', value],
      ]);
      return session.bind(
        Object.fromEntries(session.inputs.map(({ name }) => [name, all.get(name)!])),
        Object.fromEntries(session.outputs.map(({ name }) => [name, outputs.get(name)!])),
      );
    };
    this.#bindings = [
      [bind(0, 0), bind(0, 1)],
      [bind(1, 0), bind(1, 1)],
    ];
  }

  async run({ position, optimizerScalar, epochs }: UpdateAt, from: 0 | 1): Promise<number[]> {
    this.#scalars.set(position, optimizerScalar, epochs);
    await this.#bindings[this.#context.state.side][from].run();
    return this.#results.map(({ data }) => (data as Float32Array)[0]);
  }

  release(): void {
    for (const binding of this.#bindings.flat()) binding.release();
    this.#session.release();
    this.#scalars.release();
    for (const bound of this.#results) bound.release();
  }
}
