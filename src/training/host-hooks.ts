import type { Finding } from '../regularizers/finding.js';
import type { Active, HostView, Parameter } from '../regularizers/regularizer.js';
import type { Architecture } from './architecture.js';
import { forEachMember } from './packing.js';
import type { TrainingState } from './program.js';
import type { FisherLabels, SquaredGradientsOf } from './squared-gradients.js';
import type { CompiledStep } from './step.js';
import type { Rehearse } from './tasks.js';

export interface HostSetting {
  /** Regularizers in their order of application. */
  readonly active: readonly Active[];
  readonly architecture: Architecture;
  readonly stepsPerEpoch: number;
  readonly totalEpochs: number;
  readonly seed: number;
  readonly strengthAt: (regularizer: number, epochs: number) => number;
}

/** Running statistics of the present weights over the training rows, by name. */
export type Statistics = (epochs: number) => Promise<ReadonlyMap<string, Float32Array>>;

/** Factor of a parameter's learning rate after that many epochs: the product of what the `rate` hooks say. */
export function rateOf(
  { active, architecture, totalEpochs, strengthAt }: Omit<HostSetting, 'stepsPerEpoch' | 'seed'>,
  name: string,
  epochs: number,
): number {
  const parameter = architecture.parameters.find((candidate) => candidate.name === name) as Parameter;
  const { layers, depth } = architecture;
  return active.reduce((factor, { regularizer, options }, i) => {
    const at = { epochs, totalEpochs, strength: strengthAt(i, epochs), layer: layers.get(name) ?? 0, depth };
    return factor * (regularizer.hooks.rate?.(parameter, options, at) ?? 1);
  }, 1);
}

/** The hooks that act on the host between two steps, on live arrays of the training state. */
export class HostHooks {
  readonly #setting: HostSetting;
  readonly #state: TrainingState;
  readonly #compiled: Pick<CompiledStep, 'ownState' | 'ownParameters'>;
  readonly #statistics: Statistics;
  /** What hooks see, for each side of the state. */
  readonly #views: (readonly Omit<HostView, 'step' | 'epochs' | 'strength'>[] | undefined)[] = [undefined, undefined];

  constructor(
    setting: HostSetting,
    state: TrainingState,
    compiled: Pick<CompiledStep, 'ownState' | 'ownParameters'>,
    statistics: Statistics,
  ) {
    this.#statistics = statistics;
    this.#setting = setting;
    this.#state = state;
    this.#compiled = compiled;
  }

  afterStep(step: number, epochs: number): void {
    this.#each('afterStep', step, epochs);
  }

  afterEpoch(step: number, epochs: number): void {
    this.#each('afterEachEpoch', step, epochs);
  }

  /** A task has ended and another follows. */
  async afterTask(
    step: number,
    epochs: number,
    ended: { readonly task: number; readonly rows: Int32Array },
    squaredGradients: SquaredGradientsOf,
  ): Promise<void> {
    for (const [i, { regularizer, options }] of this.#setting.active.entries()) {
      const view = {
        ...this.#view(i, step, epochs),
        ...ended,
        squaredGradients: (rows: Int32Array, labels: FisherLabels) => squaredGradients(rows, labels, ended.task),
      };
      await regularizer.hooks.afterTask?.(view, options);
    }
  }

  /** Rows of an epoch after what regularizers rehearse of earlier tasks. */
  rehearse(at: Parameters<Rehearse>[0], order: Int32Array): Int32Array {
    const { active, seed, strengthAt } = this.#setting;
    return active.reduce(
      (current, { regularizer, options }, i) =>
        regularizer.hooks.rehearse?.({ ...at, seed, strength: strengthAt(i, at.epoch) }, options, current) ?? current,
      order,
    );
  }

  /**
   * Puts the weights that stand for the model (averages) in the place of those under training, and running statistics for
   * them where a regularizer leaves these out.
   *
   * @returns puts the latter back
   */
  async substitute(step: number, epochs: number): Promise<() => void> {
    const { active, architecture } = this.#setting;
    const state = this.#state;
    const put: (readonly [Float32Array, Float32Array])[] = [];
    const set = (target: Float32Array, values: Float32Array): void => {
      put.push([target, target.slice()]);
      target.set(values);
    };
    const stale = new Set<string>();
    active.forEach(({ regularizer, options }, i) => {
      const view = this.#view(i, step, epochs);
      const averaged = regularizer.hooks.evaluated?.(view, options);
      if (averaged === undefined) return;
      for (const [name, values] of averaged)
        set(view.parameters.get(name)?.data ?? state.array(`buffer.${name}`), values);
      for (const { name } of architecture.buffers) {
        if (averaged.has(name)) stale.delete(name);
        else stale.add(name);
      }
    });
    if (stale.size > 0) {
      const fresh = await this.#statistics(epochs);
      for (const name of stale) set(state.array(`buffer.${name}`), fresh.get(name)!);
    }
    return () => {
      for (const [target, values] of put.reverse()) target.set(values);
    };
  }

  /** Running statistics for other weights, by name of the parameter; what is not given is as trained. */
  statisticsFor(
    weights: ReadonlyMap<string, Float32Array>,
    epochs: number,
  ): Promise<ReadonlyMap<string, Float32Array>> {
    return this.withWeights(weights, () => this.#statistics(epochs));
  }

  /** What `action` makes while other weights are in the place of the trained ones. */
  async withWeights<T>(weights: ReadonlyMap<string, Float32Array>, action: () => Promise<T>): Promise<T> {
    const { parameters } = this.#view(0, 0, 0);
    const before = [...weights.keys()].map((name): [Float32Array, Float32Array] => {
      const { data } = parameters.get(name)!;
      return [data, data.slice()];
    });
    for (const [name, values] of weights) parameters.get(name)!.data.set(values);
    try {
      return await action();
    } finally {
      for (const [target, values] of before) target.set(values);
    }
  }

  /** What regularizers noticed, once training has ended. */
  findings(step: number, epochs: number): Finding[] {
    return this.#setting.active.flatMap(
      ({ regularizer, options }, i) => regularizer.hooks.findings?.(this.#view(i, step, epochs), options) ?? [],
    );
  }

  /** A regularizer's own tensors as they are now, by their labels. */
  own(regularizer: number): ReadonlyMap<string, Float32Array> {
    return this.#view(regularizer, 0, 0).own;
  }

  /** Weights of the network as they are stored now, by name. */
  weights(): ReadonlyMap<string, Float32Array> {
    return new Map([...this.#view(0, 0, 0).parameters].map(([name, { data }]) => [name, data]));
  }

  #each(hook: 'afterStep' | 'afterEachEpoch', step: number, epochs: number): void {
    this.#setting.active.forEach(({ regularizer, options }, i) => {
      regularizer.hooks[hook]?.(this.#view(i, step, epochs), options);
    });
  }

  #view(index: number, step: number, epochs: number): HostView {
    const { side } = this.#state;
    this.#views[side] ??= this.#setting.active.map((_, i) => this.#arrays(i));
    const { strengthAt } = this.#setting;
    return { ...this.#views[side][index], step, epochs, strength: strengthAt(index, epochs) };
  }

  #arrays(index: number): Omit<HostView, 'step' | 'epochs' | 'strength'> {
    const state = this.#state;
    const { stepsPerEpoch, totalEpochs, seed, architecture } = this.#setting;
    const all = new Map<string, Omit<Parameter, 'name'> & { data: Float32Array }>();
    for (const pack of state.packs) {
      forEachMember(pack, state.array(`parameter.${pack.name}`), ({ name, ...parameter }, data) => {
        all.set(name, { ...parameter, data });
      });
    }
    const own = new Map<string, Float32Array>();
    for (const tensor of this.#compiled.ownParameters) {
      if (tensor.regularizer === index) own.set(tensor.label, all.get(tensor.name)!.data);
      all.delete(tensor.name);
    }
    for (const tensor of this.#compiled.ownState) {
      if (tensor.regularizer === index) own.set(tensor.label, state.array(`state.${tensor.name}`));
    }
    return {
      stepsPerEpoch,
      totalEpochs,
      seed,
      parameters: all,
      buffers: new Map(architecture.buffers.map(({ name }) => [name, state.array(`buffer.${name}`)])),
      own,
    };
  }
}
