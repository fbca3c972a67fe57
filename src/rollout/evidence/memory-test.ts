import type { RolloutSli } from '../../spec/rollout-options.js';
import type { SliState, SliStatus, Verdict } from '../types.js';
import type { Answer } from './measures.js';
import type { StepTest } from './step-test.js';
import { type Course, logRising, medianSlope, slopeInterval } from './trend.js';

/** What is known of the processes of both arms: JSON. */
export interface MemoryState {
  readonly baseline: readonly ProcessState[];
  readonly candidate: readonly ProcessState[];
  /** Evidence of the candidate's processes that are known no more, log. */
  readonly settled: number;
}

interface ProcessState {
  readonly process: string;
  /** Of whole blocks: in thousands of answers, and medians of what was held, as a share of the first. */
  readonly at: readonly number[];
  readonly levels: readonly number[];
  /** What was held at the first block, bytes. */
  readonly unit: number;
  /** The block under way. */
  readonly block: number;
  readonly bytes: readonly number[];
}

/** Answers until a process has all that it works with: a runtime's memory grows while its first answers are made. */
const WARM = 1000;
/** Answers of a block. After so many blocks, and each so many, their length doubles: what is kept grows by the logarithm. */
const BLOCK = 50;
const BLOCKS_OF_A_LENGTH = 100;
/** Processes of an arm that are kept. */
const MOST_PROCESSES = 8;
/** Growth is sought within what is held, a thousand answers. */
const BOUNDS = [-1, 1] as const;

export interface MemoryTestOptions {
  readonly sli: Extract<RolloutSli, { type: 'memory' }>;
  readonly alpha: number;
  readonly promotionError: number;
}

/**
 * Whether the processes of the candidate hold more and more: by how much a thousand answers, as a share of what each held when it
 * was warm. That they grow by what is allowed at most is refuted by {@link logRising} of the medians of blocks of answers.
 */
export class MemoryTest implements StepTest {
  readonly #options: MemoryTestOptions;
  readonly #arms: { baseline: Process[]; candidate: Process[] };
  #settled: number;
  refuted: StepTest['refuted'];

  constructor(options: MemoryTestOptions, state: SliState = { parts: [] }) {
    this.#options = options;
    const { baseline = [], candidate = [], settled = 0 } = state.memory ?? {};
    this.#arms = {
      baseline: baseline.map((each) => new Process(each)),
      candidate: candidate.map((each) => new Process(each)),
    };
    this.#settled = settled;
  }

  /** Memory is of one process: there is nothing to pair. */
  pair(): void {
    // Taken singly.
  }

  single(_: string, arm: 'baseline' | 'candidate', { memory }: Answer): void {
    if (memory === undefined || memory.answers <= WARM) return;
    const processes = this.#arms[arm];
    let process = processes.find(({ name }) => name === memory.process);
    if (process === undefined) {
      process = new Process({ process: memory.process, at: [], levels: [], unit: 0, block: -1, bytes: [] });
      processes.push(process);
      if (processes.length > MOST_PROCESSES) {
        const [first] = processes.splice(0, 1);
        if (arm === 'candidate') this.#settled += logRising(first.course, this.#options.sli.allowed);
      }
    }
    if (!process.take(memory.answers - WARM, memory.bytes) || arm === 'baseline' || this.refuted !== undefined) return;
    const logEvidence = this.#logEvidence;
    if (logEvidence >= this.#logThreshold) this.refuted = { part: '', logEvidence };
  }

  get #logThreshold(): number {
    return Math.log(1 / this.#options.alpha);
  }

  get #logEvidence(): number {
    const { allowed } = this.#options.sli;
    return this.#arms.candidate.reduce((sum, { course }) => sum + logRising(course, allowed), this.#settled);
  }

  statuses({ samples }: { readonly samples: number }): SliStatus[] {
    return [this.foremost(samples)];
  }

  foremost(leastSamples: number): SliStatus {
    const { sli, alpha, promotionError } = this.#options;
    const { baseline, candidate } = this.#arms;
    const courses = candidate.map(({ course }) => course).filter(({ levels }) => levels.length > 1);
    const looks = courses.reduce((sum, { levels }) => sum + levels.length, 0);
    const interval = looks === 0 ? ([...BOUNDS] as const) : slopeInterval(courses, promotionError, BOUNDS);
    const [logEvidence, logThreshold] = [this.#logEvidence, this.#logThreshold];
    const growth = growthOf(candidate);
    const verdict = (): Verdict => {
      if (logEvidence >= logThreshold) return 'regressed';
      if (looks === 0) return 'no-data';
      return this.samples >= leastSamples && interval[1] <= sli.allowed ? 'within' : 'undecided';
    };
    return {
      ...{ name: sli.type, type: sli.type, baseline: growthOf(baseline), candidate: growth, delta: growth, interval },
      ...{ allowed: sli.allowed, samples: { baseline: answersOf(baseline), candidate: this.samples } },
      ...{ looks, logEvidence, logThreshold, alpha, verdict: verdict() },
    };
  }

  get samples(): number {
    return answersOf(this.#arms.candidate);
  }

  get shownWithin(): boolean {
    const courses = this.#arms.candidate.map(({ course }) => course);
    const log = courses.reduce((sum, course) => sum + logRising(course, this.#options.sli.allowed, -1), 0);
    return log >= Math.log(1 / this.#options.promotionError);
  }

  get alphaSpent(): number {
    return this.#arms.candidate.some(({ course }) => course.levels.length > 1) ? this.#options.alpha : 0;
  }

  get state(): SliState {
    const { baseline, candidate } = this.#arms;
    const stateOf = (processes: readonly Process[]) => processes.map(({ state }) => state);
    return {
      parts: [],
      memory: { baseline: stateOf(baseline), candidate: stateOf(candidate), settled: this.#settled },
    };
  }
}

/** Of the process that was watched longest. */
function growthOf(processes: readonly Process[]): number | null {
  const [longest] = processes.map(({ course }) => course).sort((a, b) => b.levels.length - a.levels.length);
  const slope = longest === undefined ? Number.NaN : medianSlope(longest);
  return Number.isNaN(slope) ? null : slope;
}

const answersOf = (processes: readonly Process[]): number =>
  processes.reduce((sum, { course }) => sum + Math.round(1000 * (course.at.at(-1) ?? 0)), 0);

/** What one process held. */
class Process {
  #state: ProcessState;

  constructor(state: ProcessState) {
    this.#state = state;
  }

  get name(): string {
    return this.#state.process;
  }

  get course(): Course {
    const { process: name, at, levels } = this.#state;
    return { name, at, levels };
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** @param answers since it is warm @returns whether a block is over */
  take(answers: number, bytes: number): boolean {
    const block = blockOf(answers);
    const before = this.#state;
    if (block < before.block) return false;
    if (block === before.block) {
      this.#state = { ...before, bytes: [...before.bytes, bytes] };
      return false;
    }
    this.#state = { ...before, block, bytes: [bytes] };
    if (before.block < 0) return false;
    const held = medianOf(before.bytes);
    const unit = before.at.length === 0 ? held : before.unit;
    const at = [...before.at, blockAt(before.block) / 1000];
    this.#state = { ...this.#state, unit, at, levels: [...before.levels, held / unit] };
    return true;
  }
}

/** Which block the answer of a number, from 1, lies in. */
function blockOf(answer: number): number {
  let [length, first, from] = [BLOCK, 0, 0];
  while (answer > from + BLOCKS_OF_A_LENGTH * length) {
    from += BLOCKS_OF_A_LENGTH * length;
    first += BLOCKS_OF_A_LENGTH;
    length *= 2;
  }
  return first + Math.floor((answer - 1 - from) / length);
}

/** Answers at the middle of a block. */
function blockAt(block: number): number {
  const doublings = Math.floor(block / BLOCKS_OF_A_LENGTH);
  const length = BLOCK * 2 ** doublings;
  const from = BLOCK * BLOCKS_OF_A_LENGTH * (2 ** doublings - 1);
  return from + (block - doublings * BLOCKS_OF_A_LENGTH + 0.5) * length;
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1];
}
