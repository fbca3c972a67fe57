import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { derive, type Random } from '../../src/numeric/random.js';
import { Arms } from '../../src/rollout/evidence/arms.js';
import { Evidence } from '../../src/rollout/evidence/evidence.js';
import { begin, resolveRollout, statusesOf } from '../../src/rollout/index.js';
import { rolloutOptions } from '../../src/spec/rollout-options.js';
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
    const powerRounds = quick ? 101 : 1001;
    const power = [];
    const part = partOfAlpha();
    for (const [name, allowed, alpha] of [
      ['one SLI at alpha 5 %, nothing allowed', 0, 0.05],
      [`default: 1 percentage point allowed, a ${Math.round(1 / part)}th of alpha 5 %`, 0.01, 0.05 * part],
    ] as const) {
      tell(name);
      const found = simulate(powerRounds, {
        weight: 0.5,
        error: 0.07,
        allowed,
        alpha,
        most: MOST,
        seed: name,
      });
      const sorted = found.map((n) => n ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
      power.push(`| ${name} | ${at(sorted, 0.5)} | ${at(sorted, 0.9)} |`);
    }
    tell('ville');
    const ville = villes({ rounds, powerRounds, answers: 10_000, most: MOST });
    if (ville !== undefined) {
      for (const [test, name] of [
        ['paired', `ville ${ville.version}, betting test of pairs`],
        ['split', `ville ${ville.version}, asymptotic A/B test (two-sided)`],
      ] as const) {
        const { wrong, median, most } = ville[test];
        rows.push(`| 5 % and 5 %, 50 % of traffic, by ${name} | ${percent(wrong)} | after every answer |`);
        power.push(`| ${name}, at alpha 5 %, nothing allowed | ${answersOf(median)} | ${answersOf(most)} |`);
      }
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

Nothing was chosen by these figures: stakes and blocks were set before the first simulation. ${
      ville === undefined
        ? 'The package `ville` as a peer: absent (`BALLAST_PYTHON` is no Python that has it).'
        : 'The peer draws its own arms of the same law.'
    }
`;
  },
};

/** Answers an arm after which a rollout that was not rolled back is given up. */
const MOST = 60_000;

/** The part of alpha that `error` as a whole may spend in a step of a rollout that judges every SLI in the default steps. */
function partOfAlpha(): number {
  const types = ['failures', 'latency', 'memory', 'answers', 'disagreement', 'error', 'recall', 'calibration'];
  const options = rolloutOptions.parse({ slis: types.map((type) => ({ type })) });
  const subjects = { model: 'model', baseline: '1', candidate: '2', startedAt: 0 };
  const config = resolveRollout(options, { ...subjects, task: 'classification' }, []);
  const { state } = begin(config, { observations: 0, labels: 0 }, 'results');
  const error = statusesOf(config, { ...state, steps: [] }, 1).find(
    ({ name, part }) => name === 'error' && part === undefined,
  );
  if (error === undefined) throw new Error('the errors are judged in every step');
  return Math.exp(-error.logThreshold) / config.alpha;
}

interface Ville {
  readonly version: string;
  readonly paired: { readonly wrong: number; readonly median: number | null; readonly most: number | null };
  readonly split: Ville['paired'];
}

/** What a package from elsewhere reaches on arms of the same law; undefined where it is not installed. */
function villes(setting: Readonly<Record<string, number>>): Ville | undefined {
  const python = process.env.BALLAST_PYTHON;
  if (python === undefined) return undefined;
  try {
    execFileSync(python, ['-c', 'import ville'], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const script = fileURLToPath(new URL('../peers/rollout_ville.py', import.meta.url));
  return JSON.parse(execFileSync(python, [script], { input: JSON.stringify(setting), encoding: 'utf8' })) as Ville;
}

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
  return answersOf(Number.isFinite(value) ? value : null);
};
const answersOf = (value: number | null): string =>
  value === null ? `not within ${MOST.toLocaleString('en')}` : Math.round(value).toLocaleString('en');
