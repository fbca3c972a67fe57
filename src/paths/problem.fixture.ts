import { derive } from '../numeric/random.js';
import type { FamilyName } from './families/family.js';
import type { DenseFeatures } from './features.js';
import type { PathData } from './problem.js';

export type DenseProblem = PathData & { readonly features: DenseFeatures };

/** Rows of correlated columns of different scales, of which the first five matter. */
export function randomProblem(
  family: FamilyName,
  {
    rows = 60,
    columns = 12,
    seed = 1,
    correlation = 0.3,
  }: {
    rows?: number;
    columns?: number;
    seed?: number;
    correlation?: number;
  } = {},
): DenseProblem {
  const random = derive(seed, 'path problem');
  const data = new Float64Array(rows * columns);
  const target = new Float64Array(rows);
  const event = family === 'cox' ? new Float64Array(rows) : undefined;
  for (let i = 0; i < rows; i++) {
    const common = random.normal();
    let eta = 0.2;
    for (let j = 0; j < columns; j++) {
      const value = Math.sqrt(correlation) * common + Math.sqrt(1 - correlation) * random.normal();
      data[j * rows + i] = (j + 1) * value + j;
      if (j < 5) eta += (j % 2 === 0 ? 1 : -1) * (1 - j / 6) * value;
    }
    target[i] = draw(family, eta, random);
    if (event !== undefined) event[i] = random.uniform() < 0.7 ? 1 : 0;
  }
  return { features: { rows, columns, data }, target, event };
}

function draw(family: FamilyName, eta: number, random: ReturnType<typeof derive>): number {
  if (family === 'gaussian') return eta + random.normal();
  if (family === 'huber') return eta + random.normal() * (random.uniform() < 0.1 ? 20 : 1);
  if (family === 'cox') return Math.ceil(-20 * Math.log(random.uniform()) * Math.exp(-eta));
  if (family === 'binomial') return random.uniform() < 1 / (1 + Math.exp(-eta)) ? 1 : 0;
  const mean = Math.exp(eta / 2);
  let [count, product] = [0, random.uniform()];
  while (product > Math.exp(-mean)) {
    product *= random.uniform();
    count++;
  }
  return count;
}
