import type { ConfidenceBin } from './window.js';

/** Bins added up by their place. */
export function sumBins(all: readonly (readonly ConfidenceBin[])[]): ConfidenceBin[] {
  const length = Math.max(0, ...all.map((bins) => bins.length));
  return Array.from({ length }, (_, place) =>
    all.reduce(
      (sum, bins) => ({
        count: sum.count + (bins[place]?.count ?? 0),
        confidence: sum.confidence + (bins[place]?.confidence ?? 0),
        right: sum.right + (bins[place]?.right ?? 0),
      }),
      { count: 0, confidence: 0, right: 0 },
    ),
  );
}

/** Expected calibration error of binned answers: sum of n_b / n |accuracy_b - confidence_b|. NaN without answers. */
export function calibrationError(bins: readonly ConfidenceBin[]): number {
  const rows = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce((sum, { confidence, right }) => sum + Math.abs(right - confidence), 0) / rows;
}

/**
 * What the calibration error of a perfectly calibrated model is expected to be with so few answers: each bin's deviation
 * is about normal, and E|N(0, s)| = s sqrt(2 / pi) with s^2 = p (1 - p) n. It is the error's bias, and vanishes as 1 / sqrt(n).
 */
export function calibrationNoise(bins: readonly ConfidenceBin[]): number {
  const rows = bins.reduce((sum, { count }) => sum + count, 0);
  const deviations = bins.map(({ count, confidence }) => {
    const p = count === 0 ? 0 : Math.min(1, Math.max(0, confidence / count));
    return Math.sqrt((2 / Math.PI) * p * (1 - p) * count);
  });
  return deviations.reduce((sum, each) => sum + each, 0) / rows;
}
