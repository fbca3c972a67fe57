import { argsort, mean, quantileSorted, sorted, standardDeviation } from '../numeric/index.js';
import type { RegressionSample } from './sample.js';

/** What the errors of a regression look like. Residuals are target minus prediction, unweighted. */
export interface ResidualSummary {
  readonly mean: number;
  /** 0 for a single row. */
  readonly standardDeviation: number;
  /** Residuals at 0, 5, 25, 50, 75, 95 and 100 %. */
  readonly quantiles: { readonly level: number; readonly value: number }[];
  readonly histogram: { readonly edges: readonly number[]; readonly counts: readonly number[] };
  /** Up to 500 rows spread evenly over the order of the predictions, for a scatter plot. */
  readonly points: readonly { readonly predicted: number; readonly residual: number }[];
}

const LEVELS = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1];
const BINS = 30;
const POINTS = 500;

export function summarizeResiduals({ target, predicted, rows }: RegressionSample): ResidualSummary {
  const residuals = target.map((y, i) => y - predicted[i]);
  const ascending = sorted(residuals);
  const low = ascending[0];
  const high = ascending[rows - 1];
  const width = (high - low) / BINS;
  const bins = width > 0 ? BINS : 1;
  const counts = new Array<number>(bins).fill(0);
  for (const residual of residuals) counts[width > 0 ? Math.min(BINS - 1, Math.floor((residual - low) / width)) : 0]++;
  const order = argsort(predicted);
  const shown = Math.min(POINTS, rows);
  return {
    mean: mean(residuals),
    standardDeviation: rows > 1 ? standardDeviation(residuals) : 0,
    quantiles: LEVELS.map((level) => ({ level, value: quantileSorted(ascending, level) })),
    histogram: { edges: Array.from({ length: bins + 1 }, (_, i) => (i === bins ? high : low + i * width)), counts },
    points: Array.from({ length: shown }, (_, i) => {
      const row = order[Math.floor(((i + 0.5) * rows) / shown)];
      return { predicted: predicted[row], residual: residuals[row] };
    }),
  };
}
