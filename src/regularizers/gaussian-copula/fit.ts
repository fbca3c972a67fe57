import type { Random } from '../../numeric/random.js';
import { pauses } from '../synthetic-rows/pause.js';
import type { Layout, Matrix } from '../synthetic-rows/real-rows.js';
import { factorOf, latentCorrelation } from './correlation.js';
import { type Latent, latentOfCategories, latentOfNumbers } from './latent.js';

/** A distribution of rows that can be drawn from. */
export interface Copula {
  /** New rows of the fitted matrix's width. */
  draw(count: number, stream: Random): Promise<Float32Array>;
  /** Latent correlations, row-major, of the variables in `order`. */
  readonly correlation: Float64Array;
  /** Features of each latent variable: one, or those of a code of categories. */
  readonly order: readonly (readonly number[])[];
}

/**
 * Fits a Gaussian copula: each column keeps its empirical distribution, and what columns have to do with each other is
 * the correlation of standard normal variables behind them. A code of categories is one variable, cut into intervals.
 * What does not vary stays as it is.
 */
export async function fitCopula(
  { rows, width, data }: Matrix,
  { numbers, categories, flags }: Layout,
): Promise<Copula> {
  const pause = pauses();
  const column = (j: number): Float64Array => Float64Array.from({ length: rows }, (_, row) => data[row * width + j]);
  const variables: { features: readonly number[]; latent: Latent }[] = [];
  for (const j of [...numbers, ...flags]) {
    const latent = latentOfNumbers(column(j));
    if (latent.variance > 1e-12) variables.push({ features: [j], latent });
    await pause();
  }
  const guide = leadingDirection(variables.map(({ latent }) => latent.scores));
  for (const features of categories) {
    const codes = Int32Array.from({ length: rows }, (_, row) => features.findIndex((j) => data[row * width + j] === 1));
    const latent = latentOfCategories(codes, features.length, guide);
    if (latent.variance > 1e-12) variables.push({ features, latent });
    await pause();
  }
  const d = variables.length;
  const correlation = await latentCorrelation(variables.map(({ latent }) => latent));
  const factor = await factorOf(correlation, d);
  const still = data.slice(0, width);
  return {
    correlation,
    order: variables.map(({ features }) => features),
    async draw(count, stream) {
      const made = new Float32Array(count * width);
      const independent = new Float64Array(d);
      const turn = pauses();
      for (let row = 0; row < count; row++) {
        made.set(still, row * width);
        for (let i = 0; i < d; i++) independent[i] = stream.normal();
        for (let i = 0; i < d; i++) {
          let z = 0;
          for (let k = 0; k <= i; k++) z += factor[i * d + k] * independent[k];
          const { features, latent } = variables[i];
          const value = latent.value(z);
          if (features.length === 1) made[row * width + features[0]] = value;
          else
            features.forEach((j, place) => {
              made[row * width + j] = place === value ? 1 : 0;
            });
        }
        await turn();
      }
      return made;
    },
  };
}

/** Scores of the rows on the leading principal component, by power iteration; undefined without columns. */
function leadingDirection(columns: readonly Float64Array[]): Float64Array | undefined {
  if (columns.length === 0) return undefined;
  const rows = columns[0].length;
  let weights = columns.map((_, j) => 1 + j / columns.length);
  let scores = new Float64Array(rows);
  for (let round = 0; round < 20; round++) {
    scores = new Float64Array(rows);
    columns.forEach((column, j) => {
      for (let row = 0; row < rows; row++) scores[row] += weights[j] * column[row];
    });
    weights = columns.map((column) => column.reduce((sum, value, row) => sum + value * scores[row], 0));
    const length = Math.hypot(...weights);
    if (length === 0) break;
    weights = weights.map((weight) => weight / length);
  }
  return scores;
}
