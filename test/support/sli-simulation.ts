import { derive, type Random } from '../../src/numeric/random.js';
import type { Answer } from '../../src/rollout/evidence/measures.js';
import { SliTest, type SliTestOptions } from '../../src/rollout/evidence/sli-test.js';

/** One SLI on split traffic, judged after every answer, with a world that answers are drawn from. */
export interface SliCase {
  readonly name: string;
  readonly sli: SliTestOptions['sli'];
  /** An answer of an arm; `worse` is how much worse the candidate is than the baseline, in the SLI's unit. */
  draw(random: Random, arm: 'baseline' | 'candidate', worse: number): Answer;
  /** What is allowed exactly: no rollout has more reason to be called within it, and none is harder to tell from beyond. */
  readonly allowed: number;
  /** Beyond it, to be found. */
  readonly beyond: number;
  /** Of labels that come after their answers, in any order: mean of an exponential delay, in answers; and the share that never comes. */
  readonly labels?: { readonly delay: number; readonly missing: number };
}

const NOTHING = { status: 'ok', latencyMs: 1, slices: [], features: {} } as const;
const CLASSES = ['a', 'b', 'c', 'd', 'e'] as const;
const label = (value: string): Answer['label'] => ({ value, knownAt: 0, source: 'truth', sequence: 0 });

/** The bound of the latency: what 99 of 100 answers of the baseline are faster than. */
const BOUND_MS = 20 * Math.exp(0.5 * 2.3263);

const wrong = (share: number, random: Random): Answer => ({
  ...NOTHING,
  prediction: random.uniform() < share ? 'b' : 'a',
  label: label('a'),
});

export const SLI_CASES: readonly SliCase[] = [
  {
    name: 'error',
    sli: { type: 'error', allowed: 0.01, required: 'shown', slices: false },
    ...{ allowed: 0.01, beyond: 0.04 },
    draw: (random, arm, worse) => wrong(arm === 'candidate' ? 0.05 + worse : 0.05, random),
  },
  {
    name: 'error, labels late by 500 answers in the mean, 60 % missing',
    sli: { type: 'error', allowed: 0.01, required: 'shown', slices: false },
    ...{ allowed: 0.01, beyond: 0.04, labels: { delay: 500, missing: 0.6 } },
    draw: (random, arm, worse) => wrong(arm === 'candidate' ? 0.05 + worse : 0.05, random),
  },
  {
    name: 'latency: the 99th percentile',
    sli: { type: 'latency', quantile: 0.99, allowed: 0.25, withinMs: BOUND_MS, required: 'shown' },
    ...{ allowed: 0.01, beyond: 0.04 },
    // A share of answers is beyond the bound, whatever the distribution is otherwise.
    draw: (random, arm, worse) => ({
      ...NOTHING,
      latencyMs: random.uniform() < (arm === 'candidate' ? 0.01 + worse : 0.01) ? 2 * BOUND_MS : 20 * random.uniform(),
    }),
  },
  {
    name: 'expected calibration error',
    sli: { type: 'calibration', allowed: 0.05, required: 'unrefuted' },
    ...{ allowed: 0.05, beyond: 0.1 },
    draw(random, arm, worse) {
      const confidence = 0.55 + 0.44 * random.uniform();
      const right = random.uniform() < confidence - (arm === 'candidate' ? worse : 0);
      return { ...NOTHING, prediction: 'a', scores: [confidence, 1 - confidence], label: label(right ? 'a' : 'b') };
    },
  },
  {
    name: 'recall of each of 5 classes',
    sli: { type: 'recall', allowed: 0.05, required: 'unrefuted' },
    ...{ allowed: 0.05, beyond: 0.2 },
    draw(random, arm, worse) {
      const truth = CLASSES[random.integer(CLASSES.length)];
      // Where it is beyond what is allowed, it is so of one class.
      const more = arm === 'baseline' || (worse > 0.05 && truth !== 'c') ? 0 : worse;
      return { ...NOTHING, prediction: random.uniform() < 0.1 + more ? 'none' : truth, label: label(truth) };
    },
  },
];

export interface Simulated {
  readonly rounds: number;
  /** Answers of the candidate until it was rolled back, of the rollouts that were. */
  readonly rolledBack: readonly number[];
}

/** @param answers of both arms together @param weight of the candidate */
export function simulateSli(
  { name, sli, draw, labels }: SliCase,
  {
    rounds,
    answers,
    weight,
    worse,
    alpha,
  }: Readonly<Record<'rounds' | 'answers' | 'weight' | 'worse' | 'alpha', number>>,
): Simulated {
  const rolledBack: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const random = derive('rollout statistics', name, String(worse), round);
    const test = new SliTest({ sli, alpha, promotionError: 0.05, medians: {}, comparison: { kind: 'split', weight } });
    const arrivals: { at: number; arm: 'baseline' | 'candidate'; n: number }[] = [];
    let candidates = 0;
    for (let n = 0; n < answers; n++) {
      const arm = random.uniform() < weight ? 'candidate' : 'baseline';
      if (labels !== undefined) {
        if (random.uniform() < labels.missing) continue;
        arrivals.push({ at: n - labels.delay * Math.log(1 - random.uniform()), arm, n });
        continue;
      }
      if (arm === 'candidate') candidates++;
      test.single(`${round} ${n}`, arm, draw(random, arm, worse));
      if (test.refuted !== undefined) break;
    }
    for (const { at, arm, n } of arrivals.sort((a, b) => a.at - b.at)) {
      if (at > answers) break;
      candidates = Math.round(at * weight);
      test.single(`${round} ${n}`, arm, draw(random, arm, worse));
      if (test.refuted !== undefined) break;
    }
    if (test.refuted !== undefined) rolledBack.push(candidates);
  }
  return { rounds, rolledBack };
}
