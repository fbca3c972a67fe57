import { derive, type Random } from '../../src/numeric/random.js';
import { Arms } from '../../src/rollout/evidence/arms.js';
import { Evidence } from '../../src/rollout/evidence/evidence.js';
import type { Results } from './page.js';

/** Error rates of the tests that roll back, by simulation: each rollout has its own seed, fixed before anything was looked at. */
export const results: Results = {
  async page({ quick, tell }) {
    const rounds = quick ? 200 : 4000;
    const rows: string[] = [];
    for (const weight of [0.5, 0.05]) {
      tell(`alike, weight ${weight}`);
      const ours = simulate(rounds, { weight, error: 0.05, allowed: 0, most: 10_000, seed: 'alike' });
      const wrong = ours.filter((n) => n !== undefined).length;
      rows.push(`| 5 % and 5 %, ${100 * weight} % of traffic | ${percent(wrong / rounds)} | after every answer |`);
    }
    tell('a fixed test, looked at 100 times');
    const fixed = fixedTest(rounds);
    rows.push(`| the same, by a fixed test at 5 % | ${percent(fixed)} | 100 |`);
    const power = [];
    for (const [name, allowed, alpha] of [
      ['one SLI at alpha 5 %, nothing allowed', 0, 0.05],
      ['default: 1 percentage point allowed, a 48th of alpha 5 %', 0.01, 0.05 / 48],
    ] as const) {
      tell(name);
      const found = simulate(quick ? 101 : 1001, {
        weight: 0.5,
        error: 0.07,
        allowed,
        alpha,
        most: 60_000,
        seed: name,
      });
      const sorted = found.map((n) => n ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
      power.push(`| ${name} | ${at(sorted, 0.5)} | ${at(sorted, 0.9)} |`);
    }
    return `# Rollouts: error rates

Simulated rollouts of a candidate that is as good as the baseline, both wrong 5 % of the time, 10,000 answers an arm, ${rounds.toLocaleString('en')}
rollouts. The evidence is weighed after every answer; alpha is 5 %. Beside it what a two-sample z-test at 5 % does that is looked at
100 times on the same kind of traffic.

| Rollout | rolled back wrongly | looks |
| --- | --- | --- |
${rows.join('\n')}

How many answers an arm it takes until a candidate that is wrong 7 % of the time beside 5 % is rolled back, at 50 % of the traffic:

| Test | median | 9 of 10 within |
| --- | --- | --- |
${power.join('\n')}

Nothing was chosen by these figures: stakes and blocks were set before the first simulation.
`;
  },
};

interface Setting {
  readonly weight: number;
  readonly error: number;
  readonly allowed: number;
  readonly alpha?: number;
  /** Answers of the candidate. */
  readonly most: number;
  readonly seed: string;
}

/** Of each rollout: the candidate's answers until it was rolled back; undefined where it was not. */
function simulate(
  rounds: number,
  { weight, error, allowed, alpha = 0.05, most, seed }: Setting,
): (number | undefined)[] {
  const least = Math.log(1 / alpha);
  return Array.from({ length: rounds }, (_, round) => {
    const random = derive('rollout results', seed, String(weight), round);
    const [arms, evidence] = [new Arms(weight), new Evidence('difference', allowed)];
    for (let candidates = 0; candidates < most; ) {
      const arm = random.uniform() < weight ? 'candidate' : 'baseline';
      if (arm === 'candidate') candidates++;
      const difference = arms.add(arm, random.uniform() < (arm === 'candidate' ? error : 0.05) ? 1 : 0);
      if (difference === undefined) continue;
      evidence.add(difference, random.uniform());
      if (evidence.logAbove >= least) return candidates;
    }
    return undefined;
  });
}

/** How often a one-sided two-sample z-test at 5 % rejects at any of 100 looks. */
function fixedTest(rounds: number): number {
  let wrong = 0;
  for (let round = 0; round < rounds; round++) {
    const random = derive('rollout results', 'fixed', round);
    if (rejects(random)) wrong++;
  }
  return wrong / rounds;
}

function rejects(random: Random): boolean {
  let [candidate, baseline] = [0, 0];
  for (let n = 1; n <= 10_000; n++) {
    if (random.uniform() < 0.05) candidate++;
    if (random.uniform() < 0.05) baseline++;
    if (n % 100 !== 0) continue;
    const pooled = (candidate + baseline) / (2 * n);
    const error = Math.sqrt((2 * pooled * (1 - pooled)) / n);
    if (error > 0 && (candidate - baseline) / n / error > 1.6448536) return true;
  }
  return false;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const at = (sorted: readonly number[], p: number): string => {
  const value = sorted[Math.floor(p * (sorted.length - 1))];
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en') : 'not within 60,000';
};
