import type { Tensor } from '../../tensor.js';
import type { PortInfo, RunOptions } from '../runtime.js';
import { type NativeCall, plainCall, runAsync } from './call.js';
import type { Native } from './environment.js';
import type { Pointer } from './library.js';
import { pointerArray } from './memory.js';
import { copyIn, copyOut, type HeldValue, newValue } from './values.js';

type Feeds = Readonly<Record<string, Tensor>>;

/**
 * Runs with copies in and out. What the native side needs for feeds of some shapes (a value, its memory and its name for each input) is
 * kept and filled anew at the next run alike: for a model of many small inputs, as a table has, making it costs more than the run.
 */
export class PreparedRuns {
  readonly #idle: PreparedRun[] = [];

  constructor(
    readonly native: Native,
    readonly session: Pointer,
    readonly inputs: readonly PortInfo[],
  ) {}

  /** Feeds must have been checked: every input is there, of its type. */
  async run(feeds: Feeds, fetched: readonly PortInfo[], options?: RunOptions): Promise<Record<string, Tensor>> {
    const run = this.#take(feeds, fetched);
    let answered = false;
    try {
      run.fill(feeds);
      await runAsync(this.native, run.call, options);
      const answer = run.answer();
      answered = true;
      return answer;
    } finally {
      if (answered && run.bytes <= MOST_BYTES) this.#keep(run);
      else run.free();
    }
  }

  /** Frees what is kept; no run may be in flight. */
  close(): void {
    for (const run of this.#idle.splice(0)) run.free();
  }

  #take(feeds: Feeds, fetched: readonly PortInfo[]): PreparedRun {
    const index = this.#idle.findIndex((run) => run.fits(feeds, fetched));
    if (index >= 0) return this.#idle.splice(index, 1)[0];
    return new PreparedRun(this.native, this.session, this.inputs, { feeds, fetched });
  }

  /** The last used stands first, the longest unused goes. */
  #keep(run: PreparedRun): void {
    this.#idle.unshift(run);
    if (this.#idle.length > MOST_KEPT) this.#idle.pop()?.free();
  }
}

/** Shapes that are kept, as of batches of several sizes. */
const MOST_KEPT = 8;
/** Inputs that take more are copied for longer than they are made. */
const MOST_BYTES = 1 << 18;

class PreparedRun {
  readonly call: NativeCall;
  /** Of the numeric inputs. */
  readonly bytes: number;
  readonly #given: {
    readonly name: string;
    readonly tensor: Pick<Tensor, 'type' | 'shape'>;
    readonly held: HeldValue;
  }[];
  readonly #made: BigUint64Array;
  readonly #names: readonly string[];

  constructor(
    readonly native: Native,
    session: Pointer,
    inputs: readonly PortInfo[],
    { feeds, fetched }: { readonly feeds: Feeds; readonly fetched: readonly PortInfo[] },
  ) {
    this.#given = [];
    this.#made = pointerArray(fetched.length);
    this.#names = fetched.map(({ name }) => name);
    try {
      for (const { name } of inputs) {
        const { type, shape } = feeds[name];
        this.#given.push({ name, tensor: { type, shape: [...shape] }, held: newValue(native, { type, shape }) });
      }
    } catch (error) {
      this.free();
      throw error;
    }
    this.bytes = this.#given.reduce((sum, { held: { memory } }) => sum + (memory?.bytes ?? 0), 0);
    const values = new Map(this.#given.map(({ name, held: { value } }) => [name, value]));
    this.call = plainCall(native, session, values, this.#names, this.#made, this.#given);
  }

  fits(feeds: Feeds, fetched: readonly PortInfo[]): boolean {
    if (fetched.length !== this.#names.length || fetched.some(({ name }, i) => name !== this.#names[i])) return false;
    return this.#given.every(({ name, tensor: { type, shape } }) => {
      const tensor = feeds[name];
      return tensor.type === type && tensor.shape.length === shape.length && same(tensor.shape, shape);
    });
  }

  fill(feeds: Feeds): void {
    for (const { name, held } of this.#given) copyIn(this.native, held, feeds[name]);
  }

  /** Copies what the run made, and gives that up. */
  answer(): Record<string, Tensor> {
    try {
      return Object.fromEntries(this.#names.map((name, i) => [name, copyOut(this.native, name, this.#made[i]!)]));
    } finally {
      this.#giveUp();
    }
  }

  free(): void {
    this.#giveUp();
    for (const { held } of this.#given.splice(0)) this.native.api.ReleaseValue(held.value);
  }

  /** A place that holds 0 is filled by the next run. */
  #giveUp(): void {
    for (const value of this.#made) if (value !== 0n) this.native.api.ReleaseValue(value);
    this.#made.fill(0n);
  }
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.every((extent, axis) => extent === b[axis]);
