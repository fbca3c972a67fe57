import { lowerBound } from '../numeric/betting.js';
import { milliseconds } from '../spec/duration-text.js';
import type { RolloutSli, RolloutStep } from '../spec/rollout-options.js';
import { isOfShares } from './evidence/measures.js';
import { MemoryTest } from './evidence/memory-test.js';
import { type Comparison, SliTest } from './evidence/sli-test.js';
import type { StepTest } from './evidence/step-test.js';
import type { RolloutConfig, RolloutState, SliStatus, StepState } from './types.js';

/** The name that the test of the traffic itself goes by among the SLIs. */
export const TRAFFIC = 'traffic';

/** How a step compares the arms. */
export function comparisonOf(step: RolloutStep): Comparison['kind'] {
  return step.weight === 0 ? 'paired' : step.weight === 1 ? 'alone' : 'split';
}

/** Whether an SLI is judged in a step. */
function isJudged(sli: RolloutSli, step: RolloutStep): boolean {
  const kind = comparisonOf(step);
  if (sli.type === 'disagreement') return kind === 'paired';
  if (isOfShares(sli.type)) return kind !== 'alone';
  return true;
}

/**
 * The tests of a step. The probability of a false roll-back is divided over all tests of all steps beforehand, by the weights of
 * the SLIs: whichever way the rollout goes, it is not spent twice.
 */
export function testsOf(
  config: RolloutConfig,
  state: Pick<RolloutState, 'steps'>,
  number: number,
): Map<string, StepTest> {
  const step = config.steps[number];
  const known: Partial<StepState> = state.steps[number] ?? {};
  const kind = comparisonOf(step);
  const total = config.steps.reduce((sum, each) => sum + weightOf(config.slis.filter((sli) => isJudged(sli, each))), 0);
  const tests = new Map<string, StepTest>();
  const { promotionError, medians } = config;
  for (const sli of config.slis.filter((each) => isJudged(each, step))) {
    const comparison: Comparison =
      kind === 'paired'
        ? { kind }
        : kind === 'split'
          ? { kind, weight: step.weight }
          : { kind, references: referencesOf(config, state, sli, number) };
    const alpha = (config.alpha * (sli.weight ?? 1)) / total;
    if (sli.type === 'memory') {
      tests.set(sli.type, new MemoryTest({ sli, alpha, promotionError }, known.tests?.[sli.type]));
      continue;
    }
    tests.set(sli.type, new SliTest({ sli, comparison, alpha, promotionError, medians }, known.tests?.[sli.type]));
  }
  if (kind === 'split') {
    const { tolerance, alpha } = config.representative;
    const sli = { type: TRAFFIC, allowed: tolerance } as const;
    const splits = config.steps.filter((each) => comparisonOf(each) === 'split').length;
    const options = { sli, comparison: { kind, weight: step.weight }, alpha: alpha / splits, promotionError, medians };
    tests.set(TRAFFIC, new SliTest(options, known.tests?.[TRAFFIC]));
  }
  return tests;
}

/** Of each part, how bad the baseline was at most while it was compared last: the upper end of an interval for its mean. */
function referencesOf(
  config: RolloutConfig,
  state: Pick<RolloutState, 'steps'>,
  sli: RolloutSli,
  before: number,
): Record<string, number> {
  if (sli.type === 'latency') return { '': 0 };
  for (let number = before - 1; number >= 0; number--) {
    const tests = state.steps[number]?.tests[sli.type];
    if (tests === undefined) continue;
    const all = [...(tests.whole === undefined ? [] : [['', tests.whole] as const]), ...tests.parts];
    const known = all.filter(([, test]) => test.arms.baseline.values >= LEAST_OF_REFERENCE);
    if (known.length === 0) continue;
    return Object.fromEntries(known.map(([part, { arms }]) => [part, upper(arms.baseline, config.promotionError)]));
  }
  return {};
}

/** A part with fewer values of the baseline has no reference. */
const LEAST_OF_REFERENCE = 50;

/**
 * The upper end of a confidence sequence for a mean of values in [0, 1] of which the sum is known. Ones and zeros of the same sum
 * are less evidence (the logarithm is concave), so the bound holds.
 */
function upper({ values, sum }: { values: number; sum: number }, error: number): number {
  const counts = new Map([
    [1, values - sum],
    [0, sum],
  ]);
  return 1 - lowerBound(counts, error);
}

const weightOf = (slis: readonly RolloutSli[]): number => slis.reduce((sum, { weight = 1 }) => sum + weight, 0);

/** Answers of the candidate that a step asks for before an SLI may promote it. */
export function leastSamples(step: RolloutStep, type: string): number {
  return type === 'error' || type === 'recall' || type === 'calibration' ? step.labels : step.samples;
}

/** The SLIs of a step as they stand. */
export function statusesOf(config: RolloutConfig, state: RolloutState, number: number, parts = true): SliStatus[] {
  const step = config.steps[number];
  return [...testsOf(config, state, number)].flatMap(([type, test]) =>
    test.statuses({ samples: leastSamples(step, type), parts }),
  );
}

/**
 * What is kept of every look: each SLI as a whole; of one that is of classes or slices only, the one with the most evidence against
 * it.
 */
export function courseOf(config: RolloutConfig, state: RolloutState, number: number): CoursePoint[] {
  const step = config.steps[number];
  return [...testsOf(config, state, number)].flatMap(([type, test]) => {
    const shown = test.foremost(leastSamples(step, type));
    if (shown === undefined) return [];
    const { part, delta, interval, allowed, logEvidence, logThreshold, samples } = shown;
    const point = { name: type, delta, interval, allowed, logEvidence, logThreshold, samples: samples.candidate };
    return [part === undefined ? point : { ...point, part }];
  });
}

type CoursePoint = Pick<
  SliStatus,
  'name' | 'part' | 'delta' | 'interval' | 'allowed' | 'logEvidence' | 'logThreshold'
> & { readonly samples: number };

/** The probability of a false roll-back that tests with any evidence may have spent. */
export function alphaSpent(config: RolloutConfig, state: RolloutState): number {
  let spent = 0;
  for (let number = 0; number < state.steps.length; number++) {
    for (const [type, test] of testsOf(config, state, number)) if (type !== TRAFFIC) spent += test.alphaSpent;
  }
  return spent;
}

/** Shares of the traffic by version, and who gets a copy. */
export interface Weights {
  readonly live: Readonly<Record<string, number>>;
  readonly shadow: readonly string[];
}

/** What traffic a state asks for. */
export function weightsOf(config: RolloutConfig, state: Pick<RolloutState, 'phase' | 'step' | 'taken'>): Weights {
  const { baseline, candidate } = config;
  const split = (weight: number): Record<string, number> =>
    Object.fromEntries(
      [[baseline, 1 - weight] as const, [candidate, weight] as const].filter(([, share]) => share > 0),
    );
  if (state.phase === 'rolled-back' || state.phase === 'aborted') return { live: { [baseline]: 1 }, shadow: [] };
  if (state.taken === true) return { live: { [candidate]: 1 }, shadow: [] };
  const { weight } = config.steps[state.step];
  // A rollout whose last step is in shadow ends without it: nothing is learned from it any more.
  return { live: split(weight), shadow: weight === 0 && state.phase !== 'complete' ? [candidate] : [] };
}

/** When, at the earliest, a step is over, in time that counts as watched. */
export const watchMs = (step: RolloutStep): number => milliseconds(step.watch);
export const atMostMs = (step: RolloutStep): number => milliseconds(step.atMost);
