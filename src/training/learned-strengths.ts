import type { Finding } from '../regularizers/finding.js';
import type { Active } from '../regularizers/regularizer.js';

/** Serializable state of strengths under learning: survives checkpoints. */
export interface LearnedState {
  readonly updates: number;
  readonly logs: readonly number[];
  readonly first: readonly number[];
  readonly second: readonly number[];
}

const BETA1 = 0.9;
/** Slopes fall with the strength itself: those of a hundred updates ago say nothing any more. */
const BETA2 = 0.99;
/** Hypergradients are of any size, often tiny: only a zero must not be divided by. */
const EPSILON = 1e-30;

/**
 * Strengths that move while training: their logarithms take steps of Adam (Kingma & Ba 2015) against the hypergradient
 * dV / d log s = s dV / ds, so that a strength stays positive and a step is the same for small ones and large ones. They stay
 * within the limits of their scale, and above a tenth of the least sensible strength: from there on there is none.
 */
export class LearnedStrengths {
  readonly #names: readonly string[];
  readonly #places: ReadonlyMap<number, number>;
  readonly #initial: readonly number[];
  readonly #bounds: readonly (readonly [low: number, high: number])[];
  #state: LearnedState;

  /** @param learned numbers of the learned regularizers among the active ones */
  constructor(
    active: readonly Active[],
    learned: readonly number[],
    readonly rate: number,
  ) {
    const types = learned.map((index) => active[index].regularizer.type);
    this.#names = types.map((type, i) =>
      types.indexOf(type) === types.lastIndexOf(type)
        ? type
        : `${type} ${types.slice(0, i + 1).filter((t) => t === type).length}`,
    );
    this.#places = new Map(learned.map((index, place) => [index, place]));
    this.#initial = learned.map((index) => active[index].strength);
    this.#bounds = learned.map((index) => boundsOf(active[index]));
    const zeros = learned.map(() => 0);
    this.#state = { updates: 0, logs: this.#initial.map(Math.log), first: zeros, second: zeros };
  }

  /** A learned strength as it is now; undefined for a regularizer that is not learned. */
  at(regularizer: number): number | undefined {
    const place = this.#places.get(regularizer);
    return place === undefined ? undefined : Math.exp(this.#state.logs[place]);
  }

  /** Takes a step against dV / ds, in the order of the learned regularizers. What is not finite moves nothing. */
  update(gradients: readonly number[]): void {
    if (!gradients.every(Number.isFinite)) return;
    const { logs, first, second } = this.#state;
    const updates = this.#state.updates + 1;
    const slopes = gradients.map((gradient, i) => gradient * Math.exp(logs[i]));
    const m = first.map((value, i) => BETA1 * value + (1 - BETA1) * slopes[i]);
    const v = second.map((value, i) => BETA2 * value + (1 - BETA2) * slopes[i] ** 2);
    const moved = logs.map((log, i) => {
      const root = Math.sqrt(v[i] / (1 - BETA2 ** updates));
      const step = (this.rate * (m[i] / (1 - BETA1 ** updates))) / (root + EPSILON);
      const [low, high] = this.#bounds[i];
      return Math.min(Math.log(high), Math.max(Math.log(low), log - step));
    });
    this.#state = { updates, logs: moved, first: m, second: v };
  }

  /** By type, numbered where there are several of one. */
  values(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#names.map((name, i) => [name, Math.exp(this.#state.logs[i])]));
  }

  /** Back to strengths of an earlier epoch. */
  recall(values: Readonly<Record<string, number>> | undefined): void {
    const logs = this.#names.map((name, i) => Math.log(values?.[name] ?? this.#initial[i]));
    this.#state = { ...this.#state, logs };
  }

  state(): LearnedState {
    return this.#state;
  }

  /** @returns whether the state is one of these strengths */
  restore(state: LearnedState): boolean {
    if (state.logs.length !== this.#names.length) return false;
    this.#state = state;
    return true;
  }

  /** @param heldRows training rows that were held back for learning */
  finding(heldRows: number): Finding {
    const values = this.values();
    const figure = (value: number): string => Number(value.toPrecision(3)).toString();
    const told = this.#names.map((name, i) => {
      const value = values[name];
      const [low, high] = this.#bounds[i];
      const end = value <= low * 1.001 ? ', as low as it goes' : value >= high * 0.999 ? ', as high as it goes' : '';
      return `${name} ${figure(this.#initial[i])} -> ${figure(value)}${end}`;
    });
    const entries = this.#names.map((name) => `{ type: ${name.split(' ')[0]}, strength: ${figure(values[name])} }`);
    return {
      code: 'STRENGTHS_LEARNED',
      severity: 'info',
      message: `hypergradients learned ${told.join('; ')} in ${this.#state.updates} updates, on ${heldRows} training rows that were held back; validation rows took no part`,
      remedy: `To train on all rows at these strengths, leave hypergradient out and set ${entries.join(', ')}`,
    };
  }
}

function boundsOf({ strength, regularizer: { strength: scale } }: Active): readonly [number, number] {
  const low = Math.min(strength, (scale.range[0] > 0 ? scale.range[0] : scale.default) / 10);
  return [low, scale.open === true ? 0.999 * scale.limits[1] : scale.limits[1]];
}
