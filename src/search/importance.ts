import { ParzenEstimator } from './parzen.js';
import { exists, fromUnit, levels, type Parameter, type Space } from './space.js';
import { byQuality, type CompleteTrial, violationOf } from './trial.js';

/** Places at which densities of a range are compared. */
const PLACES = 50;

/**
 * How much each parameter decides whether a trial is among the best: shares that sum to 1 (PED-ANOVA: Watanabe, Bansal
 * and Hutter 2023). The density of a parameter among the best trials is held against its density among all of them: a
 * parameter whose good values are where all values are decides nothing. Parameters of a condition are judged among the
 * trials that have them, and count by how many these are. What ties with the last of the best is among them: where all tie,
 * nothing decides, and every share is 0.
 *
 * @param best share of the trials that counts as the best
 * @returns empty where there are too few complete trials to tell
 */
export function importances(
  space: Space,
  trials: Parameters<typeof byQuality>[0],
  best = 0.2,
): Readonly<Record<string, number>> {
  const ranked = byQuality(trials);
  if (ranked.length < 8) return {};
  const raw = space.parameters.map((parameter) => divergence(parameter, ranked, best));
  const total = raw.reduce((sum, value) => sum + value, 0);
  return Object.fromEntries(space.parameters.map(({ name }, i) => [name, total > 0 ? raw[i] / total : 0]));
}

/** Pearson divergence of the density among the best from that among all, which is what it is expected over. */
function divergence(parameter: Parameter, ranked: readonly CompleteTrial[], best: number): number {
  const { name, dimension } = parameter;
  const own = ranked.filter(({ point }) => exists(parameter, point));
  if (own.length < 8) return 0;
  const last = own[Math.max(2, Math.round(best * own.length)) - 1];
  const count =
    1 + own.findLastIndex((trial) => violationOf(trial) === violationOf(last) && trial.losses[0] === last.losses[0]);
  if (count === own.length) return 0;
  const estimator = (trials: readonly CompleteTrial[]): ParzenEstimator =>
    new ParzenEstimator(
      [dimension],
      trials.map(({ point }) => [point[name]]),
      { width: 0.2 },
    );
  const among = [estimator(own.slice(0, count)), estimator(own)];
  const values =
    dimension.kind === 'float' || levels(dimension) > PLACES
      ? Array.from({ length: PLACES }, (_, i) => fromUnit(dimension, (i + 0.5) / PLACES))
      : Array.from({ length: levels(dimension) }, (_, i) => (dimension.kind === 'int' ? dimension.low + i : i));
  const [good, all] = among.map((each) => normalized(values.map((value) => Math.exp(each.logDensity([value])))));
  const distance = values.reduce((sum, _, i) => sum + all[i] * (good[i] / all[i] - 1) ** 2, 0);
  return (own.length / ranked.length) * distance;
}

function normalized(values: readonly number[]): number[] {
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => value / total);
}
