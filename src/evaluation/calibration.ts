/**
 * Calibration errors: rows are put into bins by a probability; in each bin the mean probability is set against the share
 * of rows where what it announced came true.
 */
import { sum, weightedQuantiles } from '../numeric/index.js';
import type { Counts, Measured } from './metric.js';
import type { ClassificationSample } from './sample.js';

/** Announced probabilities and what came true, both [rows]; `bin` is each row's bin of `bins`. */
export interface Announcements {
  readonly probability: Float64Array;
  readonly outcome: Uint8Array;
  readonly bin: Uint16Array;
  readonly bins: number;
}

/** The bin (i / bins, (i + 1) / bins] of a probability, 0 in the first (as scikit-learn's calibration_curve). */
export function equalWidthBin(probability: number, bins: number): number {
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
  const rows = sets[0].probability.length;
  const totalWeight = weights === undefined ? rows : sum(weights);
  const offsets = sets.map((_, s) => sets.slice(0, s).reduce((total, { bins }) => total + bins, 0));
  const width = sets.reduce((total, { bins }) => total + bins, 0);
  const errors = new Float64Array(width);
  /** Adds each row's w (probability - outcome) at its bin, to the part of `sums` that `place` gives. */
  const accumulate = (sums: Float64Array, weightOf: (row: number) => number, place: (row: number) => number): void => {
    sets.forEach(({ probability, outcome, bin }, s) => {
      for (let i = 0; i < rows; i++) {
        const weight = weightOf(i);
        if (weight !== 0) sums[place(i) + offsets[s] + bin[i]] += weight * (probability[i] - outcome[i]);
      }
    });
  };
  const error = (sums: Float64Array, weight: number): number => {
    let total = 0;
    for (const signed of sums) total += Math.abs(signed);
    return total / weight / sets.length;
  };
  const rowWeight = (row: number): number => (weights === undefined ? 1 : weights[row]);
  accumulate(errors, rowWeight, () => 0);
  const scratch = new Float64Array(width);
  return {
    value: error(errors, totalWeight),
    support: rows,
    biased: true,
    resample: (counts) => {
      scratch.fill(0);
      let weight = 0;
      for (let i = 0; i < rows; i++) weight += counts[i] * rowWeight(i);
      accumulate(
        scratch,
        (row) => counts[row] * rowWeight(row),
        () => 0,
      );
      return weight === 0 ? Number.NaN : error(scratch, weight);
    },
    grouped: (groupOfRow, groups) => {
      const sums = new Float64Array(groups * width);
      const groupWeights = new Float64Array(groups);
      accumulate(sums, rowWeight, (row) => groupOfRow[row] * width);
      for (let i = 0; i < rows; i++) groupWeights[groupOfRow[i]] += rowWeight(i);
      return (counts) => error(combineGroups(sums, counts, scratch), dot(groupWeights, counts));
    },
  };
}

/** max over bins of |mean probability - share of outcomes|: the maximum calibration error. */
export function maximumError(announced: Announcements, weights: Float64Array | undefined): Measured {
  const { probability, outcome, bin, bins } = announced;
  const rows = probability.length;
  const largest = (sums: Float64Array): number => {
    let result = 0;
    for (let b = 0; b < bins; b++) {
      if (sums[bins + b] > 0) result = Math.max(result, Math.abs(sums[b]) / sums[bins + b]);
    }
    return result;
  };
  /** Signed error sums, then weights, by bin. */
  const accumulate = (sums: Float64Array, counts: Counts | undefined, place: (row: number) => number): void => {
    for (let i = 0; i < rows; i++) {
      const weight = (weights === undefined ? 1 : weights[i]) * (counts === undefined ? 1 : counts[i]);
      const at = place(i) + bin[i];
      sums[at] += weight * (probability[i] - outcome[i]);
      sums[at + bins] += weight;
    }
  };
  const sums = new Float64Array(2 * bins);
  accumulate(sums, undefined, () => 0);
  const scratch = new Float64Array(2 * bins);
  return {
    value: largest(sums),
    support: rows,
    biased: true,
    resample: (counts) => {
      scratch.fill(0);
      accumulate(scratch, counts, () => 0);
      return largest(scratch);
    },
    grouped: (groupOfRow, groups) => {
      const grouped = new Float64Array(groups * 2 * bins);
      accumulate(grouped, undefined, (row) => groupOfRow[row] * 2 * bins);
      return (counts) => largest(combineGroups(grouped, counts, scratch));
    },
  };
}

/** sum over groups of count times the group's vector, into `result`. */
function combineGroups(vectors: Float64Array, counts: Counts, result: Float64Array): Float64Array {
  const width = result.length;
  result.fill(0);
  for (let g = 0; g < counts.length; g++) {
    const count = counts[g];
    if (count === 0) continue;
    for (let j = 0; j < width; j++) result[j] += count * vectors[g * width + j];
  }
  return result;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}
