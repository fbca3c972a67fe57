/** When a sweep ends by noise: after how many trials, and what its best then lacks, over made-up losses. */
import { derive } from '../../src/numeric/random.js';
import {
  createSpace,
  gpSampler,
  leftToGain,
  lookReached,
  type Parameter,
  type Point,
  randomSampler,
  type Sampler,
  sobolSampler,
  type Trial,
  tpeSampler,
} from '../../src/search/index.js';
import { FUNCTIONS } from '../tuning/functions.js';
import type { Results } from './page.js';

const SEEDS = 10;
const MOST = 60;
const AFTER = 20;

const SAMPLERS: readonly (readonly [string, Sampler])[] = [
  ['random', randomSampler],
  ['sobol', sobolSampler],
  ['tpe', tpeSampler()],
  ['gp', gpSampler()],
];

interface Case {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly least: number;
  readonly value: (point: Point) => number;
  /** Standard error of the best; a trial's loss is off by a quarter of it. */
  readonly error: number;
}

const real = (name: string): Parameter => ({ name, dimension: { kind: 'float', low: 0, high: 1, log: false } });
const known = (name: string, error: number): Case => ({ ...FUNCTIONS.find((each) => each.name === name)!, error });

const CASES: readonly Case[] = [
  { name: 'flat', parameters: ['a', 'b'].map(real), least: 0, value: () => 0, error: 0.02 },
  {
    name: 'bowl',
    parameters: ['a', 'b'].map(real),
    least: 0,
    value: ({ a, b }) => (a - 0.3) ** 2 + (b - 0.6) ** 2,
    error: 0.02,
  },
  {
    name: 'corner',
    parameters: ['a', 'b', 'c', 'd'].map(real),
    least: -1,
    value: ({ a, b, c, d }) => -Math.sqrt(a * b * c * d),
    error: 0.02,
  },
  known('branin', 2),
  known('hartmann6', 0.1),
  known('strengths', 0.02),
  known('techniques', 0.02),
  {
    name: 'needle',
    parameters: ['a', 'b'].map(real),
    least: -0.5,
    value: ({ a, b }) => -0.5 * Math.exp(-((a - 0.83) ** 2 + (b - 0.17) ** 2) / 0.004),
    error: 0.02,
  },
];

/** One sweep: its trials, whether it ended by noise, and what its best truly lacks, in standard errors. */
function sweep({ parameters, value, least, error }: Case, sampler: Sampler, seed: number) {
  const space = createSpace(parameters);
  const random = derive(seed, 'jitter');
  const trials: Trial[] = [];
  let looked: number | undefined;
  let ended = false;
  while (trials.length < MOST && !ended) {
    const look = lookReached(trials.length, AFTER);
    if (look !== undefined && look !== looked) {
      looked = look;
      ended = leftToGain(space, trials, seed)!.left < error;
      if (ended) break;
    }
    const number = trials.length;
    const suggestion = sampler.suggest({ space, trials, number, seed, objectives: 1 })!;
    const losses = [value(suggestion.point) + (error / 4) * random.normal()];
    trials.push({ number, ...suggestion, state: 'complete', losses, reports: [], units: [] });
  }
  const best = trials.reduce((a, b) => (b.losses![0] < a.losses![0] ? b : a));
  return { trials: trials.length, ended, lacks: (value(best.point) - least) / error };
}

export const results: Results = {
  async page({ quick, tell }) {
    const seeds = quick ? 2 : SEEDS;
    const rows: string[] = [];
    const sound = { ended: 0, missed: 0 };
    for (const each of CASES) {
      for (const [name, sampler] of SAMPLERS) {
        tell(`${each.name} by ${name}`);
        const sweeps = Array.from({ length: seeds }, (_, i) => sweep(each, sampler, 201 + i));
        const ended = sweeps.filter((one) => one.ended);
        const missed = ended.filter(({ lacks }) => lacks > 1);
        if (each.name !== 'needle') {
          sound.ended += ended.length;
          sound.missed += missed.length;
        }
        const mean = (of: (one: (typeof sweeps)[number]) => number, among = sweeps): string =>
          among.length === 0 ? '' : (among.reduce((sum, one) => sum + of(one), 0) / among.length).toFixed(2);
        rows.push(
          `| ${each.name} | ${name} | ${ended.length} of ${seeds} | ${Number(mean(({ trials }) => trials)).toFixed(0)} | ${mean(({ lacks }) => lacks, ended)} | ${missed.length} |`,
        );
      }
    }
    return `# When a sweep ends by noise

\`ballast sweep --stop-when noise\` over made-up losses whose least value is known: at most ${MOST} trials, the first look after ${AFTER},
${seeds} seeds. The standard error of the best is given, a trial's loss is off by a quarter of it. Shown is how many sweeps ended
before their last trial, after how many trials on average, and what the best of those that ended truly lacks to the least value,
in standard errors; more than one of them is a sweep that ended too early.

The bound is meant to hold with 90 %. Without the needle, of ${sound.ended} sweeps that ended ${sound.missed} ended too early.

| losses | sampler | ended | trials | the best lacks | too early |
| --- | --- | ---: | ---: | ---: | ---: |
${rows.join('\n')}

\`flat\` is chance alone. \`corner\` has its least value at a corner of four dimensions; \`branin\`, \`hartmann6\`, \`strengths\` and
\`techniques\` are those of [samplers against Optuna](tuning.md). \`needle\` is flat but for one place that covers a hundredth of the
space: what no trial has seen the surrogate cannot know, and the bound does not hold. \`hartmann6\` has several minima, of which a
sampler that believes the same surrogate may stay at the second best.
`;
  },
};
