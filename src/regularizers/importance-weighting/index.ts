import { z } from 'zod';
import { fitLogistic } from '../../numeric/logistic.js';
import { domainConflicts } from '../domains.js';
import type { Finding } from '../finding.js';
import { CONTINUOUS } from '../needs.js';
import { defineRegularizer, type PreparationContext } from '../regularizer.js';

/** Inputs that can be flattened into numbers. */

/**
 * Density ratios p_target / p_source of the source rows: the odds of a ridge logistic classifier of target against source,
 * times source rows / target rows; at most `limit` times their mean, and 1 in the mean.
 *
 * @param features row-major, [rows, columns], standardised over these rows here
 */
export function densityRatios(
  features: { rows: number; columns: number; data: Float64Array },
  isTarget: ArrayLike<boolean>,
  { penalty, limit }: { penalty: number; limit: number },
): Float64Array {
  const { rows, columns } = features;
  const data = standardised(features);
  const { intercept, weights } = fitLogistic({ rows, columns, data }, isTarget, penalty);
  const ratios: number[] = [];
  for (let row = 0; row < rows; row++) {
    if (isTarget[row]) continue;
    let logOdds = intercept;
    for (let j = 0; j < columns; j++) logOdds += data[row * columns + j] * weights[j];
    ratios.push(Math.exp(Math.min(logOdds, 80)));
  }
  // The factor source / target cancels here.
  const mean = average(ratios);
  const limited = ratios.map((ratio) => Math.min(ratio / mean, limit));
  const again = average(limited);
  return Float64Array.from(limited, (ratio) => ratio / again);
}

/** (sum w)^2 / sum w^2: how many rows of equal weight carry as much. */
export function effectiveSampleSize(weights: ArrayLike<number>): number {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i];
    squares += weights[i] ** 2;
  }
  return squares === 0 ? 0 : sum ** 2 / squares;
}

export const importanceWeighting = defineRegularizer({
  type: 'importance-weighting',
  title: 'Importance weighting for covariate shift',
  technique: 'T23',
  summary: 'Weighs each source row by how much likelier its inputs are in the target domain than in the source.',
  strength: { unit: 'exponent of the density ratio', default: 1, range: [0.1, 1], scale: 'linear', limits: [0, 1] },
  options: z.strictObject({
    target: z.string().min(1).optional().describe('Value of the domain column that is the target; it must be named'),
    penalty: z
      .number()
      .gt(0)
      .max(1e9)
      .default(1)
      .describe('Ridge penalty of the classifier that tells the domains apart (1 / C of scikit-learn)'),
    limit: z.number().gt(1).max(1e6).default(10).describe('Largest weight, as a multiple of the mean'),
  }),
  hooks: {
    rows: (_context, { target }) => [
      {
        name: 'logRatio',
        shape: [],
        compute: (context) => Promise.resolve(logRatios(context, target)),
        findings: (values, context) => tell(values, context, target),
      },
    ],
    rowWeights: ({ b, strength, row }, _options, weights) => b.mul(weights, b.exp(b.mul(row('logRatio'), strength))),
  },
  needs: { column: 'domain', content: CONTINUOUS },
  conflicts: ({ options: { target } }, setting) =>
    target === undefined
      ? [
          {
            code: 'IMPORTANCE_WEIGHTING_NEEDS_TARGET',
            severity: 'error',
            message: 'importance-weighting does not know which domain is the target',
            remedy: 'Set regularizers.importance-weighting.target to a value of the domain column',
          },
        ]
      : domainConflicts('importance-weighting', target, setting),
  cost: {
    training: 'a logistic regression over the training rows before the first step; one exponential a row and step',
    inference: 'none',
  },
  fails: [
    'The domains hardly overlap: a few rows carry all the weight (the effective sample size is told).',
    'The relation of label and inputs differs between the domains: no weights of rows can mend that.',
    'A network that fits every row: weights then only change the way to the same fit.',
  ],
  dataSize: 'The weights cost rows: with few source rows flatten them by a strength below 1.',
  references: [
    'Shimodaira, Improving predictive inference under covariate shift by weighting the log-likelihood function, JSPI 2000 (the exponent)',
    'Bickel, Brückner and Scheffer, Discriminative Learning Under Covariate Shift, JMLR 2009 (the classifier of domains)',
    'Byrd and Lipton, What is the Effect of Importance Weighting in Deep Learning?, ICML 2019',
  ],
});

/** Training rows of a known domain, and whether each is of the target. */
function sides(
  { train, unlabelledRows, columns, codes }: PreparationContext,
  target: string | undefined,
): { rows: number[]; isTarget: boolean[] } {
  const domain = codes('domain');
  const values = columns.find(({ role }) => role === 'domain')?.values ?? [];
  const wanted = values.indexOf(target ?? '');
  const rows = [...train, ...unlabelledRows].filter((row) => domain !== undefined && domain[row] >= 0);
  return { rows, isTarget: rows.map((row) => domain?.[row] === wanted) };
}

function logRatios(context: PreparationContext, target: string | undefined): Float32Array {
  const { data, inputs, target: labels, options } = context;
  const { penalty, limit } = options as { penalty: number; limit: number };
  const result = new Float32Array(labels.shape[0]);
  const { rows, isTarget } = sides(context, target);
  if (!isTarget.includes(true) || !isTarget.includes(false)) return result;
  const tensors = inputs
    .filter(({ content }) => (CONTINUOUS as readonly string[]).includes(content))
    .map(({ name }) => data[name]);
  const widths = tensors.map(({ shape }) => shape.slice(1).reduce((product, extent) => product * extent, 1));
  const columns = widths.reduce((sum, width) => sum + width, 0);
  const features = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => {
    let at = i * columns;
    tensors.forEach((tensor, t) => {
      for (let j = 0; j < widths[t]; j++) features[at++] = Number(tensor.data[row * widths[t] + j]);
    });
  });
  const ratios = densityRatios({ rows: rows.length, columns, data: features }, isTarget, { penalty, limit });
  let next = 0;
  rows.forEach((row, i) => {
    if (!isTarget[i]) result[row] = Math.log(Math.max(ratios[next++], 1e-30));
  });
  return result;
}

function tell(values: Float32Array, context: PreparationContext, target: string | undefined): Finding[] {
  const { rows, isTarget } = sides(context, target);
  const weights = rows.flatMap((row, i) => (isTarget[i] ? [] : [Math.exp(context.strength * values[row])]));
  const size = effectiveSampleSize(weights);
  const few = size < weights.length / 10;
  return [
    {
      code: 'IMPORTANCE_WEIGHTS',
      severity: few ? 'warning' : 'info',
      message: `importance-weighting: ${weights.length} source rows carry as much as ${size.toFixed(1)} of equal weight; the largest weighs ${Math.max(...weights).toFixed(2)} times the mean`,
      remedy: few
        ? 'The domains hardly overlap: lower its strength or limit, or gather labels of the target'
        : 'Nothing to mend',
    },
  ];
}

function standardised({ rows, columns, data }: { rows: number; columns: number; data: Float64Array }): Float64Array {
  const result = new Float64Array(data.length);
  for (let j = 0; j < columns; j++) {
    let [sum, squares] = [0, 0];
    for (let row = 0; row < rows; row++) sum += data[row * columns + j];
    const mean = sum / rows;
    for (let row = 0; row < rows; row++) squares += (data[row * columns + j] - mean) ** 2;
    const scale = Math.sqrt(squares / rows) || 1;
    for (let row = 0; row < rows; row++) result[row * columns + j] = (data[row * columns + j] - mean) / scale;
  }
  return result;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
