import { medianInterval } from '../../src/numeric/intervals.js';
import { median } from './report.js';

/** What a block of work took, in milliseconds. */
export interface Elapsed {
  readonly wall: number;
  /** Processor time of all threads of the process that did it. */
  readonly cpu: number;
}

/** `wall` is what a user waits; `cpu` holds on a machine that others use too (one thread only). */
export type Clock = keyof Elapsed;

/** Something that does steps on request, here or in another process. */
export interface Contender {
  run(steps: number): Promise<Elapsed>;
}

export interface Timing {
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
  readonly interval: readonly [number, number];
}

export interface RoundOptions {
  readonly clock: Clock;
  readonly rounds: number;
  /** Least time of a block, in milliseconds. */
  readonly block: number;
}

/** Milliseconds a step of two contenders that take turns, block by block, and the median of the rounds' ratios. */
export async function compare(ours: Contender, theirs: Contender, options: RoundOptions): Promise<Timing> {
  const { clock, rounds } = options;
  const steps = [await stepsOfBlock(ours, options), await stepsOfBlock(theirs, options)];
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    // Who goes first changes from round to round.
    for (const who of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const elapsed = await [ours, theirs][who].run(steps[who]);
      times[who].push(elapsed[clock] / steps[who]);
    }
  }
  const ratios = times[0].map((time, round) => time / times[1][round]);
  return {
    ours: median(times[0]),
    theirs: median(times[1]),
    ratio: median(ratios),
    interval: medianInterval(ratios),
  };
}

/** The quickest of several contenders, by the best of a few interleaved blocks of each. */
export async function quickest<T extends Contender>(contenders: readonly T[], options: RoundOptions): Promise<T> {
  if (contenders.length === 1) return contenders[0];
  const best = contenders.map(() => Number.POSITIVE_INFINITY);
  const steps: number[] = [];
  for (const contender of contenders) steps.push(await stepsOfBlock(contender, options));
  for (let round = 0; round < Math.ceil(options.rounds / 3); round++) {
    for (const [i, contender] of contenders.entries()) {
      const elapsed = await contender.run(steps[i]);
      best[i] = Math.min(best[i], elapsed[options.clock] / steps[i]);
    }
  }
  return contenders[best.indexOf(Math.min(...best))];
}

/** Warms a contender up and finds how many of its steps fill a block. */
async function stepsOfBlock(contender: Contender, { block, clock }: RoundOptions): Promise<number> {
  let steps = 1;
  for (;;) {
    const elapsed = (await contender.run(steps))[clock];
    if (elapsed >= block / 2) return Math.max(1, Math.round((steps * block) / elapsed));
    steps = Math.max(2 * steps, Math.min(10 * steps, Math.ceil((steps * block) / Math.max(elapsed, 0.01))));
  }
}

/** Measures work on this thread. */
export async function measure(work: () => void | Promise<void>): Promise<Elapsed> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { wall, cpu: (user + system) / 1000 };
}
