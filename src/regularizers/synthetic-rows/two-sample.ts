import { rocArea } from '../../numeric/delong.js';
import { benjaminiHochberg } from '../../numeric/multiple-testing.js';
import { standardDeviation } from '../../numeric/statistics.js';
import { chiSquareTest, ksTwoSample } from '../../numeric/two-sample.js';
import { nearest } from './nearest.js';
import type { Layout, Matrix } from './real-rows.js';

/** What differs between two samples of rows. */
export interface Difference {
  /** Features (the first of a code of categories) that differ at a false discovery rate of 5 %. */
  readonly features: readonly number[];
  readonly tested: number;
  /** Largest Kolmogorov-Smirnov distance of a number. */
  readonly largest: number;
  /**
   * How well the samples are told apart by their neighbours: the ROC area of the share of synthetic rows among the k
   * nearest others. About 0.5 where they cannot be told apart, 1 where they can, below 0.5 where synthetic rows lie closer to
   * real ones than those to each other (copies, or rows between two). Undefined below ten rows a sample.
   */
  readonly area: number | undefined;
}

const DISCOVERY_RATE = 0.05;
const LEAST_ROWS = 10;

/**
 * Compares two samples feature by feature (Kolmogorov-Smirnov for numbers, chi-square for categories and marks,
 * Benjamini-Hochberg over all) and all features at once by a classifier two-sample test with nearest neighbours, leave one
 * out (Lopez-Paz & Oquab, ICLR 2017). The samples should be of about the same size; O((n + m)^2 width).
 */
export async function compareRows(real: Matrix, synthetic: Matrix, layout: Layout): Promise<Difference> {
  const columns = layout.numbers.map((j) => ({ j, test: ksTwoSample(column(real, j), column(synthetic, j)) }));
  const codes = [...layout.categories, ...layout.flags.map((j) => [j])].map((features) => ({
    j: features[0],
    test: chiSquareTest([counts(real, features), counts(synthetic, features)]),
  }));
  const all = [...columns, ...codes];
  const adjusted = benjaminiHochberg(all.map(({ test }) => test.pValue));
  return {
    features: all.flatMap(({ j }, i) => (adjusted[i] <= DISCOVERY_RATE ? [j] : [])),
    tested: all.length,
    largest: columns.reduce((most, { test }) => Math.max(most, test.statistic), 0),
    area: Math.min(real.rows, synthetic.rows) < LEAST_ROWS ? undefined : await domainArea(real, synthetic),
  };
}

/** ROC area of telling synthetic from real rows by their k = sqrt(n + m) nearest others over standardized features. */
async function domainArea(real: Matrix, synthetic: Matrix): Promise<number> {
  const { width } = real;
  const rows = real.rows + synthetic.rows;
  const both: Matrix = { rows, width, data: Float32Array.from([...real.data, ...synthetic.data]) };
  const scale = Float64Array.from({ length: width }, (_, j) => {
    const deviation = standardDeviation(column(both, j), 0);
    return deviation > 0 ? 1 / deviation : 0;
  });
  const k = Math.min(rows - 1, Math.round(Math.sqrt(rows)));
  const found = await nearest(both, both, k, scale, (row) => row);
  const scores = Float64Array.from({ length: rows }, (_, row) => {
    let made = 0;
    for (let i = 0; i < k; i++) if (found[row * k + i] >= real.rows) made++;
    return made;
  });
  const labels = Uint8Array.from({ length: rows }, (_, row) => (row >= real.rows ? 1 : 0));
  return rocArea(scores, labels).area;
}

function column({ rows, width, data }: Matrix, j: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => data[row * width + j]);
}

/** Rows with each of the features on and, of a mark alone, off. */
function counts(matrix: Matrix, features: readonly number[]): number[] {
  const on = features.map((j) => column(matrix, j).reduce((sum, value) => sum + value, 0));
  return on.length > 1 ? on : [matrix.rows - on[0], on[0]];
}
