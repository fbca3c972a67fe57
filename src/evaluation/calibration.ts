/**
 * Calibration errors: rows are put into bins by a probability; in each bin the mean probability is set against the share
 * of rows where what it announced came true.
 */
import { sum, weightedQuantiles } from '../numeric/index.js';
import type { BinErrors, Measured } from './metric.js';
import type { ClassificationSample } from './sample.js';

/** Announced probabilities and what came true, both [rows]; `bin` is each row's bin of `bins`. */
export interface Announcements {
  readonly probability: Float64Array;
  readonly outcome: Uint8Array;
  readonly bin: Uint16Array;
  readonly bins: number;
}

/** The bin (i / bins, (i + 1) / bins] of a probability, 0 in the first (as scikit-learn's calibration_curve). */
function equalWidthBin(probability: number, bins: number): number {
  let bin = Math.min(Math.max(Math.ceil(probability * bins) - 1, 0), bins - 1);
  // The product's rounding must not carry a probability over an edge it equals.
  if (bin > 0 && probability <= bin / bins) bin--;
  else if (bin < bins - 1 && probability > (bin + 1) / bins) bin++;
  return bin;
}

/** The largest probability of each row (confidence), and whether that class was right; ties go to the first class. */
export function topLabel(sample: ClassificationSample): Announcements {
  const { rows, target, bins } = sample;
  const probabilities = sample.probabilities!;
  const count = sample.classes.length;
  const probability = new Float64Array(rows);
  const outcome = new Uint8Array(rows);
  const bin = new Uint16Array(rows);
  for (let i = 0; i < rows; i++) {
    let best = 0;
    for (let k = 1; k < count; k++) if (probabilities[i * count + k] > probabilities[i * count + best]) best = k;
    probability[i] = probabilities[i * count + best];
    outcome[i] = best === target[i] ? 1 : 0;
    bin[i] = equalWidthBin(probability[i], bins);
  }
  return { probability, outcome, bin, bins };
}

/** The probability of class k in each row, and whether the row is of that class. */
export function ofClass(sample: ClassificationSample, k: number): Announcements {
  const { rows, target, bins } = sample;
  const probabilities = sample.probabilities!;
  const count = sample.classes.length;
  const probability = new Float64Array(rows);
  const outcome = new Uint8Array(rows);
  const bin = new Uint16Array(rows);
  for (let i = 0; i < rows; i++) {
    probability[i] = probabilities[i * count + k];
    outcome[i] = target[i] === k ? 1 : 0;
    bin[i] = equalWidthBin(probability[i], bins);
  }
  return { probability, outcome, bin, bins };
}

/** The same announcements in bins of equal weight: edges at the quantiles, equal probabilities stay together. */
export function equalMass(announced: Announcements, weights: Float64Array | undefined): Announcements {
  const { probability, bins } = announced;
  const levels = Array.from({ length: bins - 1 }, (_, i) => (i + 1) / bins);
  const edges = weightedQuantiles(probability, weights, levels);
  const bin = Uint16Array.from(probability, (p) => {
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (p <= edges[middle]) high = middle;
      else low = middle + 1;
    }
    return low;
  });
  return { ...announced, bin };
}

/**
 * sum over bins of |sum over its rows of w (probability - outcome)| / sum w: the expected calibration error (Naeini et
 * al. 2015; Guo et al. 2017), averaged over the given sets of announcements. Edges stay where the sample puts them.
 */
export function expectedError(sets: readonly Announcements[], weights: Float64Array | undefined): Measured {
  return normOfErrors(sets, weights, (errors) => {
    let total = 0;
    for (const error of errors) total += Math.abs(error);
    return total / sets.length;
  });
}

/** max over bins of |mean probability - share of outcomes|: the maximum calibration error. */
export function maximumError(announced: Announcements, weights: Float64Array | undefined): Measured {
  const { probability, bin, bins } = announced;
  const share = new Float64Array(bins);
  for (let i = 0; i < probability.length; i++) share[bin[i]] += weights === undefined ? 1 : weights[i];
  const total = sum(share);
  return normOfErrors([announced], weights, (errors) => {
    let largest = 0;
    for (let b = 0; b < bins; b++)
      if (share[b] > 0) largest = Math.max(largest, (Math.abs(errors[b]) * total) / share[b]);
    return largest;
  });
}

/** A norm of each bin's sum of w (probability - outcome) / sum w, the bins of all sets one after the other. */
function normOfErrors(
  sets: readonly Announcements[],
  weights: Float64Array | undefined,
  norm: (errors: Float64Array) => number,
): Measured {
  const rows = sets[0].probability.length;
  const width = sets.reduce((total, { bins }) => total + bins, 0);
  const rowWeights = weights ?? new Float64Array(rows).fill(1);
  let offset = 0;
  /** Of each set, by row: the weighted signed error, and the place of its bin. */
  const entries = sets.map(({ probability, outcome, bin, bins }) => {
    const from = offset;
    offset += bins;
    return {
      signed: probability.map((p, i) => rowWeights[i] * (p - outcome[i])),
      place: Uint32Array.from(bin, (b) => from + b),
    };
  });
  const scale = (errors: Float64Array, total: number): void => {
    for (let j = 0; j < errors.length; j++) errors[j] = total === 0 ? 0 : errors[j] / total;
  };
  const resample = (counts: Float64Array, result: Float64Array): void => {
    result.fill(0);
    for (const { signed, place } of entries) {
      for (let i = 0; i < rows; i++) result[place[i]] += counts[i] * signed[i];
    }
    let total = 0;
    for (let i = 0; i < rows; i++) total += counts[i] * rowWeights[i];
    scale(result, total);
  };
  const errors = new Float64Array(width);
  resample(new Float64Array(rows).fill(1), errors);
  const grouped: BinErrors['grouped'] = (groupOfRow, groups) => {
    const sums = new Float64Array(groups * width);
    const totals = new Float64Array(groups);
    for (const { signed, place } of entries) {
      for (let i = 0; i < rows; i++) sums[groupOfRow[i] * width + place[i]] += signed[i];
    }
    for (let i = 0; i < rows; i++) totals[groupOfRow[i]] += rowWeights[i];
    return (counts, result) => {
      result.fill(0);
      let total = 0;
      for (let g = 0; g < groups; g++) {
        const count = counts[g];
        if (count === 0) continue;
        total += count * totals[g];
        for (let j = 0; j < width; j++) result[j] += count * sums[g * width + j];
      }
      scale(result, total);
    };
  };
  return { value: norm(errors), support: rows, bins: { errors, norm, resample, grouped } };
}
