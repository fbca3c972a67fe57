import { derive, type Random } from '../../numeric/random.js';
import { byFronts } from '../fronts.js';
import type { Sampler } from '../sampler.js';
import { sobolPoint } from '../sobol.js';
import { exists, fromUnit, type Parameter, type Point, pointAt, toUnit } from '../space.js';
import { type CompleteTrial, isComplete } from '../trial.js';

export interface Nsga2Options {
  /** Trials of a generation, and parents of the next. */
  readonly population?: number;
}

/** How near children stay to their parents, and mutants to what they were. */
const ETA = 15;

/**
 * NSGA-II (Deb et al. 2002): generation after generation, the best so far by front and room are crossed and mutated.
 * Ranges are crossed by simulated binary crossover and mutated by polynomial steps, choices taken from either parent or
 * drawn anew. For several objectives, and many cheap trials.
 */
export function nsga2Sampler({ population = 20 }: Nsga2Options = {}): Sampler {
  return {
    suggest({ space, trials, number, seed }) {
      const generation = Math.floor(number / population);
      const before = trials.filter((trial) => trial.number < generation * population).filter(isComplete);
      if (generation === 0 || before.length < 2) {
        return { point: pointAt(space, sobolPoint(number, space.parameters.length, seed)) };
      }
      const parents = byFronts(before).slice(0, population);
      const random = derive(seed, 'nsga-ii', number);
      const pick = (): CompleteTrial =>
        parents[Math.min(random.integer(parents.length), random.integer(parents.length))];
      const [a, b] = [pick(), pick()];
      const point: Record<string, number> = {};
      for (const parameter of space.parameters) {
        if (!exists(parameter, point)) continue;
        point[parameter.name] = inherited(parameter, [a.point, b.point], random, 1 / space.parameters.length);
      }
      return { point };
    },
  };
}

function inherited(
  { name, dimension }: Parameter,
  parents: readonly Point[],
  random: Random,
  mutation: number,
): number {
  const known = parents.filter((parent) => name in parent);
  if (known.length === 0) return fromUnit(dimension, random.uniform());
  const [first, second = first] = random.uniform() < 0.5 ? known : [...known].reverse();
  if (dimension.kind === 'choice') {
    return random.uniform() < mutation ? fromUnit(dimension, random.uniform()) : first[name];
  }
  const [x, y] = [toUnit(dimension, first[name]), toUnit(dimension, second[name])];
  let unit = x;
  if (random.uniform() < 0.9) {
    const u = random.uniform();
    const beta = u < 0.5 ? (2 * u) ** (1 / (ETA + 1)) : (1 / (2 * (1 - u))) ** (1 / (ETA + 1));
    unit = 0.5 * ((1 + beta) * x + (1 - beta) * y);
  }
  if (random.uniform() < mutation) {
    const u = random.uniform();
    unit += u < 0.5 ? (2 * u) ** (1 / (ETA + 1)) - 1 : 1 - (2 * (1 - u)) ** (1 / (ETA + 1));
  }
  return fromUnit(dimension, unit);
}
