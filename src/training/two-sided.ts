import type { Binding, BoundTensor, Runtime, Session } from '../graph/runtime/runtime.js';
import type { TrainingState } from './program.js';
import type { HostScalar } from './step-graph.js';

/**
 * A session that reads the training state as it is now: bound to both copies of it, run on the present one. It owns the
 * session, the scalars of strengths and what it is given to hold.
 */
export class TwoSidedSession {
  readonly #session: Session;
  readonly #state: TrainingState;
  readonly #bindings: readonly [Binding, Binding];
  readonly #strengths: readonly { readonly regularizer: number; readonly target: BoundTensor }[];
  readonly #held: readonly BoundTensor[];

  /**
   * @param inputs beside the state's: those that the session does not take are left out
   * @param held memory to release with it
   */
  constructor(
    runtime: Runtime,
    session: Session,
    state: TrainingState,
    {
      scalars,
      inputs,
      outputs,
      held,
    }: {
      readonly scalars: ReadonlyMap<string, HostScalar>;
      readonly inputs: Readonly<Record<string, BoundTensor>>;
      readonly outputs: Readonly<Record<string, BoundTensor>>;
      readonly held: readonly BoundTensor[];
    },
  ) {
    this.#session = session;
    this.#state = state;
    this.#held = held;
    const fed: Record<string, BoundTensor> = {};
    this.#strengths = [...scalars].flatMap(([name, host]) => {
      if (host.kind !== 'strength') return [];
      fed[name] = runtime.allocate('float32', []);
      return [{ regularizer: host.regularizer, target: fed[name] }];
    });
    const needed = new Set(session.inputs.map(({ name }) => name));
    const bind = (side: 0 | 1): Binding => {
      const all = { ...inputs, ...state.tensors(side), ...fed };
      return session.bind(Object.fromEntries(Object.entries(all).filter(([name]) => needed.has(name))), outputs);
    };
    this.#bindings = [bind(0), bind(1)];
  }

  /** Sets today's strengths, for what acts in inference too. */
  setStrengths(strengthAt: (regularizer: number) => number): void {
    for (const { regularizer, target } of this.#strengths) {
      (target.data as Float32Array)[0] = strengthAt(regularizer);
    }
  }

  run(): Promise<void> {
    return this.#bindings[this.#state.side].run();
  }

  release(): void {
    for (const binding of this.#bindings) binding.release();
    this.#session.release();
    for (const bound of [...this.#held, ...this.#strengths.map(({ target }) => target)]) bound.release();
  }
}
