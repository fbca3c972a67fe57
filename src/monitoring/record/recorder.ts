import { randomInt, randomUUID } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { BallastError } from '../../errors.js';
import {
  countsOf,
  type Observation,
  type ObservationBatch,
  type ObservationStore,
  type SlicedObservation,
  WindowSums,
} from '../../store/index.js';
import { ColumnSketch } from '../sketch/column-sketch.js';
import { ObservedColumns } from '../sketch/observed-columns.js';
import { Slices } from './slices.js';

export interface RecorderOptions {
  /** Observations held until they are written; what comes beyond is counted, and not kept. Default 50 000. */
  readonly capacity?: number;
  /** How often they are written, ms; default 1000. */
  readonly everyMs?: number;
  /** How often sketches are written, ms; default 30 000. */
  readonly sketchesMs?: number;
  /** Told once when the store cannot be written to, and once when it can again. */
  readonly onChange?: (message: string) => void;
}

export interface RecorderState {
  /** Observations waiting to be written. */
  readonly waiting: number;
  readonly written: number;
  /** Not kept because too many waited; they are in the counts and the sketches. */
  readonly dropped: number;
  /** Not kept because the store refused them as they are. */
  readonly refused: number;
  /** Since when the store cannot be written to, ms since the epoch. */
  readonly unreachableSince: number | undefined;
}

/** Observations per transaction. */
const BATCH = 2000;
/** Observations that are counted in one go: between two of them requests are answered. */
const SLICE = 50;
const LONGEST_WAIT_MS = 30_000;

/**
 * Takes observations at once and writes them behind, in batches: who answers requests never waits for the store. What is counted of
 * them (windows, sketches) is kept of all; the rows themselves are bounded. While the store cannot be written to both are kept and
 * tried again, and a batch whose end was uncertain is written once.
 */
export class Recorder {
  readonly #store: Pick<ObservationStore, 'recordObservations'>;
  readonly #capacity: number;
  readonly #everyMs: number;
  readonly #sketchesMs: number;
  readonly #onChange: (message: string) => void;
  readonly #slices = new Slices();
  readonly #columns = new ObservedColumns(randomInt(2 ** 31));
  #waiting: SlicedObservation[] = [];
  #overflow = new WindowSums();
  /** Observations that are being turned into batches. */
  #gathering = 0;
  /** Batches that are being written, the first of them now. */
  #batches: ObservationBatch[] = [];
  #written = 0;
  #dropped = 0;
  #refused = 0;
  #unreachableSince: number | undefined;
  #failures = 0;
  #toldOfRefusal = false;
  #sketched = performance.now();
  #timer: NodeJS.Timeout | undefined;
  /** Writes one after the other: they share what is written. */
  #underWay = Promise.resolve();

  constructor(store: Pick<ObservationStore, 'recordObservations'>, options: RecorderOptions = {}) {
    const { capacity = 50_000, everyMs = 1000, sketchesMs = 30_000, onChange = () => {} } = options;
    this.#store = store;
    this.#capacity = capacity;
    this.#everyMs = everyMs;
    this.#sketchesMs = sketchesMs;
    this.#onChange = onChange;
    this.#schedule();
  }

  /** Takes an observation; returns at once. */
  observe(observation: Observation): void {
    const sliced = { ...observation, slices: this.#slices.of(observation) };
    if (this.#held() < this.#capacity) {
      this.#waiting.push(sliced);
      return;
    }
    this.#dropped++;
    this.#overflow.count(sliced, countsOf(sliced));
    this.#columns.add([sliced]);
  }

  get state(): RecorderState {
    return {
      waiting: this.#held(),
      written: this.#written,
      dropped: this.#dropped,
      refused: this.#refused,
      unreachableSince: this.#unreachableSince,
    };
  }

  /** Writes what waits, sketches too; what cannot be written stays. */
  async flush(): Promise<void> {
    await this.#underWay;
    const before = this.#batches.length > 0;
    await this.#turn(true);
    // Batches that could not be written before came first: what came since is written after them.
    if (!before || this.#batches.length > 0) return;
    await this.#turn(true);
  }

  /** Writes what waits and takes no more turns. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.flush();
    clearTimeout(this.#timer);
    if (this.#held() > 0) this.#onChange(`${this.#held()} observations could not be written and are lost`);
  }

  #held(): number {
    const batched = this.#batches.reduce((sum, { observations }) => sum + observations.length, 0);
    return this.#waiting.length + this.#gathering + batched;
  }

  #schedule(): void {
    const wait = Math.min(LONGEST_WAIT_MS, this.#everyMs * 2 ** this.#failures);
    this.#timer = setTimeout(() => {
      void this.#turn(false).finally(() => this.#schedule());
    }, wait).unref();
  }

  #turn(sketchesToo: boolean): Promise<void> {
    this.#underWay = this.#underWay.then(() => this.#write(sketchesToo));
    return this.#underWay;
  }

  async #write(sketchesToo: boolean): Promise<void> {
    await this.#gather(sketchesToo);
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      try {
        await this.#store.recordObservations(batch);
      } catch (error) {
        if (isOfTheMachine(error)) {
          this.#cannotWrite(error);
          return;
        }
        this.#batches.splice(0, 1, ...this.#apart(batch, error));
        continue;
      }
      this.#batches.shift();
      this.#written += batch.observations.length;
      this.#canWrite();
    }
  }

  /** Turns what waits into batches, unless some are still to be written. */
  async #gather(sketchesToo: boolean): Promise<void> {
    if (this.#batches.length > 0) return;
    const rows = this.#waiting;
    this.#waiting = [];
    this.#gathering = rows.length;
    const batches: ObservationBatch[] = [];
    for (let from = 0; from < rows.length; from += BATCH) {
      const observations = rows.slice(from, from + BATCH);
      const sums = new WindowSums();
      for (let at = 0; at < observations.length; at += SLICE) {
        const slice = observations.slice(at, at + SLICE);
        this.#columns.add(slice);
        for (const each of slice) sums.count(each, countsOf(each));
        await breathe();
      }
      batches.push(batchOf(observations, sums));
    }
    this.#batches = batches;
    this.#gathering = 0;
    const due = sketchesToo || performance.now() - this.#sketched >= this.#sketchesMs;
    const sums = this.#overflow;
    this.#overflow = new WindowSums();
    const sketches = due ? this.#columns.take().map(toMerge) : [];
    if (due) this.#sketched = performance.now();
    if (sums.size > 0 || sketches.length > 0) {
      this.#batches.push({ id: randomUUID(), observations: [], windows: sums.values(), sketches });
    }
  }

  /** A batch that the store refuses holds something that it cannot keep: the halves are tried, down to the one. */
  #apart({ observations, ...batch }: ObservationBatch, error: unknown): ObservationBatch[] {
    if (observations.length <= 1) {
      this.#refused += observations.length;
      if (!this.#toldOfRefusal) {
        this.#onChange(`An observation was refused: ${error instanceof Error ? error.message : String(error)}`);
      }
      this.#toldOfRefusal = true;
      return [];
    }
    const middle = Math.ceil(observations.length / 2);
    const halves = [observations.slice(0, middle), observations.slice(middle)].map((half) => {
      const sums = new WindowSums();
      for (const each of half) sums.count(each, countsOf(each));
      return batchOf(half, sums);
    });
    return [halves[0], { ...batch, ...halves[1] }];
  }

  #cannotWrite(error: unknown): void {
    this.#failures++;
    if (this.#unreachableSince !== undefined) return;
    this.#unreachableSince = Date.now();
    const why = error instanceof BallastError ? error.describe() : String(error);
    this.#onChange(`What is observed cannot be written and is kept in memory: ${why}`);
  }

  #canWrite(): void {
    this.#failures = 0;
    if (this.#unreachableSince === undefined) return;
    this.#unreachableSince = undefined;
    this.#onChange('What is observed is written again');
  }
}

/** Not the fault of what is written: it may be written later. */
function isOfTheMachine(error: unknown): boolean {
  return error instanceof BallastError && (error.kind === 'environment' || error.kind === 'conflict');
}

function batchOf(observations: readonly SlicedObservation[], sums: WindowSums): ObservationBatch {
  return { id: randomUUID(), observations, windows: sums.values(), sketches: [] };
}

function toMerge({ key, column, sketch }: ReturnType<ObservedColumns['take']>[number]) {
  return {
    ...key,
    column,
    merge(present: Uint8Array | undefined): Uint8Array {
      if (present === undefined) return sketch.encode();
      const whole = ColumnSketch.decode(present);
      whole.merge(sketch);
      return whole.encode();
    },
  };
}
