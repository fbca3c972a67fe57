import { derive } from '../../numeric/random.js';
import { byFronts } from '../fronts.js';
import { ParzenEstimator } from '../parzen.js';
import type { Request, Sampler, Suggestion } from '../sampler.js';
import { sobolPoint } from '../sobol.js';
import { exists, type Parameter, type Point, pointAt, type Space } from '../space.js';
import { byQuality, isComplete, type Trial, violationOf } from '../trial.js';

export interface TpeOptions {
  /** Trials that fill the space evenly before the first estimate. */
  readonly startUp?: number;
  /** Points drawn from the good density, of which the one with the best ratio is taken. */
  readonly candidates?: number;
  /** Estimate parameters jointly, so that what goes together is seen; else each by itself. */
  readonly multivariate?: boolean;
}

/**
 * Tree-structured Parzen estimator (Bergstra et al. 2011): trials are cut into good ones and others, a density is
 * estimated of each, and the next point is where good ones are most likely against the others. Parameters that only exist
 * under a condition are estimated among the trials that have them, after the choice that they hang on. Trials that a pruner ended or
 * paused stand behind the complete ones, the furthest first. Trials at work that have reported nothing yet count among the
 * others, so that workers keep apart. Constraints: trials that break one are never better than trials
 * that meet all (Watanabe and Hutter 2022 in spirit). Several objectives: the good ones are the first fronts, those with the most room around them first.
 */
export function tpeSampler({ startUp = 10, candidates = 24, multivariate = true }: TpeOptions = {}): Sampler {
  return {
    suggest(request) {
      const { space, trials, number, seed } = request;
      const { good, others } = cut(trials, request.objectives);
      if (trials.filter((trial) => trial.state !== 'running' || isSeen(trial)).length < startUp || good.length === 0) {
        return { point: pointAt(space, sobolPoint(number, space.parameters.length, seed)) };
      }
      return suggestBetween(request, good, others, { candidates, multivariate });
    },
  };
}

/** The best tenth of the trials, at most 25, and the rest; of several objectives the first fronts (Ozaki et al. 2020). */
function cut(trials: readonly Trial[], objectives: number): { good: readonly Trial[]; others: readonly Trial[] } {
  const complete = objectives > 1 ? byFronts(trials.filter(isComplete)) : byQuality(trials);
  const partial = trials
    .filter((trial) => trial.state === 'pruned' || (trial.state === 'running' && isSeen(trial)))
    .sort((a, b) => lastStep(b) - lastStep(a) || lastLoss(a) - lastLoss(b) || a.number - b.number);
  const feasible = complete.filter((trial) => violationOf(trial) === 0);
  const ranked = [...feasible, ...partial, ...complete.filter((trial) => violationOf(trial) > 0)];
  const count = Math.min(25, Math.ceil(0.1 * ranked.length));
  const good = ranked.slice(0, count);
  return { good, others: trials.filter((trial) => trial.state !== 'failed' && !good.includes(trial)) };
}

function isSeen({ reports }: Trial): boolean {
  return reports.length > 0;
}

function lastStep({ reports }: Trial): number {
  return reports.at(-1)?.step ?? 0;
}

function lastLoss({ reports }: Trial): number {
  return reports.at(-1)?.losses[0] ?? Number.POSITIVE_INFINITY;
}

interface BetweenOptions {
  readonly candidates: number;
  readonly multivariate: boolean;
  /** Weights of the good trials; even unless given. */
  readonly weights?: readonly number[];
}

/** The candidate of the good trials' density with the best ratio to that of the others, group by group. */
function suggestBetween(
  { space, number, seed }: Pick<Request, 'space' | 'number' | 'seed'>,
  good: readonly Trial[],
  others: readonly Trial[],
  { candidates, multivariate, weights }: BetweenOptions,
): Suggestion {
  const point: Record<string, number> = {};
  for (const [g, group] of groupsOf(space, multivariate).entries()) {
    if (!exists(group[0], point)) continue;
    const random = derive(seed, 'tpe', number, g);
    const dimensions = group.map(({ dimension }) => dimension);
    const has = (trial: Trial): boolean => group.every(({ name }) => name in trial.point);
    const rows = (of: readonly Trial[]): number[][] =>
      of.filter(has).map((trial) => group.map(({ name }) => trial.point[name]));
    const own = weights?.filter((_, i) => has(good[i]));
    const better = new ParzenEstimator(dimensions, rows(good), own === undefined ? {} : { weights: own });
    const worse = new ParzenEstimator(dimensions, rows(others));
    let best: readonly number[] | undefined;
    let bestRatio = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < candidates; c++) {
      const values = better.sample(random);
      const ratio = better.logDensity(values) - worse.logDensity(values);
      if (best !== undefined && !(ratio > bestRatio)) continue;
      best = values;
      bestRatio = ratio;
    }
    group.forEach(({ name }, i) => {
      point[name] = best![i];
    });
  }
  return { point: point as Point };
}

/** Parameters that exist together, each group after the one that its condition is in. */
function groupsOf({ parameters }: Space, jointly: boolean): Parameter[][] {
  if (!jointly) return parameters.map((parameter) => [parameter]);
  const groups = new Map<string, Parameter[]>();
  for (const parameter of parameters) {
    const key = JSON.stringify(parameter.when ?? null);
    groups.set(key, [...(groups.get(key) ?? []), parameter]);
  }
  return [...groups.values()];
}
