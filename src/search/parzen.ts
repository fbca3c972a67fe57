import { normalCdf, normalQuantile } from '../numeric/distributions/normal.js';
import type { Random } from '../numeric/random.js';
import { type Dimension, fromUnit, levels, toUnit, unitBin } from './space.js';

/** A kernel of one dimension: a normal on [0, 1], cut off at its ends, or the probabilities of choices. */
type Kernel =
  | { readonly mean: number; readonly deviation: number; readonly low: number; readonly mass: number }
  | { readonly chances: Float64Array };

interface ParzenOptions {
  /** Of the observations; even ones unless given. */
  readonly weights?: readonly number[];
  /** Weight of the wide kernel, in observations. */
  readonly prior?: number;
  /** Bandwidth of one observation, as a share of the range. */
  readonly width?: number;
}

/**
 * Of 0.05 to 0.2, which others take, the best on the functions that samplers are compared on (docs/results/tuning.md), under
 * other seeds than those of the comparison.
 */
const WIDTH = 0.07;
const LEAST_DEVIATION = 0.02;

/**
 * A density over parameters as a mixture of product kernels, one for each observation and a wide one that stands for
 * knowing nothing (the estimator of TPE: Bergstra et al. 2011; jointly over all parameters as in Falkner et al. 2018,
 * with bandwidths of width n^(-1 / (d + 4)), Scott's rule, not below a fiftieth of the range). Integers and choices have probabilities instead of densities.
 */
export class ParzenEstimator {
  readonly #dimensions: readonly Dimension[];
  readonly #weights: Float64Array;
  readonly #kernels: readonly (readonly Kernel[])[];

  /**
   * @param observations rows of numbers, one a dimension
   */
  constructor(
    dimensions: readonly Dimension[],
    observations: readonly (readonly number[])[],
    { weights = observations.map(() => 1), prior = 1, width = WIDTH }: ParzenOptions = {},
  ) {
    this.#dimensions = dimensions;
    const all = [...weights, prior];
    const total = all.reduce((sum, weight) => sum + weight, 0);
    this.#weights = Float64Array.from(all, (weight) => weight / total);
    const count = observations.length;
    const spread = width * Math.max(1, count) ** (-1 / (dimensions.length + 4));
    const deviation = Math.max(spread, LEAST_DEVIATION);
    this.#kernels = [
      ...observations.map((values) =>
        dimensions.map((dimension, d) => observed(dimension, values[d], deviation, count + 1)),
      ),
      dimensions.map(wide),
    ];
  }

  /** Numbers drawn from the mixture. */
  sample(random: Random): number[] {
    const kernels = this.#kernels[random.choice(this.#weights)];
    return kernels.map((kernel, d) => {
      if ('chances' in kernel) return random.choice(kernel.chances);
      const unit = kernel.mean + kernel.deviation * normalQuantile(kernel.low + random.uniform() * kernel.mass);
      return fromUnit(this.#dimensions[d], unit);
    });
  }

  /** Logarithm of the density at numbers, in the unit cube. */
  logDensity(values: readonly number[]): number {
    let largest = Number.NEGATIVE_INFINITY;
    const logs = this.#kernels.map((kernels, k) => {
      let log = Math.log(this.#weights[k]);
      kernels.forEach((kernel, d) => {
        log += Math.log(this.#kernelDensity(kernel, d, values[d]));
      });
      largest = Math.max(largest, log);
      return log;
    });
    if (largest === Number.NEGATIVE_INFINITY) return largest;
    return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0));
  }

  #kernelDensity(kernel: Kernel, d: number, value: number): number {
    if ('chances' in kernel) return kernel.chances[value];
    const { mean, deviation, mass } = kernel;
    const dimension = this.#dimensions[d];
    if (dimension.kind === 'int') {
      const [low, high] = unitBin(dimension, value);
      return Math.max(1e-300, (normalCdf((high - mean) / deviation) - normalCdf((low - mean) / deviation)) / mass);
    }
    const z = (toUnit(dimension, value) - mean) / deviation;
    return Math.exp(-z * z * 0.5) / (deviation * Math.sqrt(2 * Math.PI) * mass);
  }
}

function observed(dimension: Dimension, value: number, deviation: number, kernels: number): Kernel {
  if (dimension.kind === 'choice') {
    const count = dimension.choices.length;
    const chances = new Float64Array(count).fill(1 / kernels);
    chances[value] += 1;
    const total = 1 + count / kernels;
    return { chances: chances.map((chance) => chance / total) };
  }
  return cutOff(toUnit(dimension, value), deviation);
}

function wide(dimension: Dimension): Kernel {
  if (dimension.kind !== 'choice') return cutOff(0.5, 1);
  const count = levels(dimension);
  return { chances: new Float64Array(count).fill(1 / count) };
}

function cutOff(mean: number, deviation: number): Kernel {
  const low = normalCdf(-mean / deviation);
  return { mean, deviation, low, mass: normalCdf((1 - mean) / deviation) - low };
}
