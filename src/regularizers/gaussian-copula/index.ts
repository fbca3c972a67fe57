import { z } from 'zod';
import { int64 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import type { Finding } from '../finding.js';
import {
  type AddedExamples,
  type Conflict,
  defineRegularizer,
  type PreparationContext,
  type Setting,
} from '../regularizer.js';
import { tellSynthetic } from '../synthetic-rows/findings.js';
import { classCounts, type Matrix, type RealRows, realRows, rowsByClass, take } from '../synthetic-rows/real-rows.js';
import { onlyTabular } from '../synthetic-rows/refusal.js';
import { fitCopula } from './fit.js';

/** Rows that a copula is fitted on at most; features beyond which the factor of their correlations takes minutes. */
const MOST_FITTED = 5000;
const MOST_FEATURES = 1000;

interface CopulaOptions {
  readonly classes: 'as-is' | 'balanced';
  readonly mostRows: number;
}

/**
 * How many of `total` new rows each class gets: in proportion to its real rows, or first those that lack most to equal
 * counts.
 */
export function shareOut(total: number, counts: readonly number[], classes: CopulaOptions['classes']): number[] {
  const real = counts.reduce((sum, count) => sum + count, 0);
  if (classes === 'as-is') {
    let given = 0;
    let before = 0;
    return counts.map((count) => {
      before += count;
      const until = Math.round((total * before) / real);
      const own = until - given;
      given = until;
      return own;
    });
  }
  // The level to which the lowest are filled, as water finds it.
  const filled = counts.flatMap((count, c) => (count > 0 ? [{ c, count }] : [])).sort((a, b) => a.count - b.count);
  const result = counts.map(() => 0);
  let level = 0;
  let sum = 0;
  for (let k = 0; k < filled.length; k++) {
    sum += filled[k].count;
    level = (total + sum) / (k + 1);
    if (k + 1 === filled.length || level <= filled[k + 1].count) break;
  }
  for (const { c, count } of filled) result[c] = Math.max(0, Math.round(level) - count);
  return result;
}

export const gaussianCopula = defineRegularizer<CopulaOptions>({
  type: 'gaussian-copula',
  title: 'Gaussian copula (synthetic rows)',
  technique: 'T9',
  summary:
    'Adds rows drawn from a model of the training rows: every column keeps its distribution, and columns keep their correlations.',
  strength: {
    unit: 'synthetic rows for each real one',
    default: 0.5,
    range: [0.1, 2],
    scale: 'log',
    limits: [0, 10],
    fixed: true,
  },
  options: z.strictObject({
    classes: z
      .enum(['as-is', 'balanced'])
      .default('as-is')
      .describe('as-is: new rows in proportion to the classes; balanced: to the rarest first, until all are alike'),
    mostRows: z.int().min(1).max(10_000_000).default(100_000).describe('Most rows to add'),
  }),
  hooks: { examples },
  needs: { content: ['tabular'] },
  conflicts: (_self, setting) => [...onlyTabular('gaussian-copula', setting), ...tooWide(setting)],
  cost: {
    training: 'an epoch is longer by the rows added; making them: rows times features squared, once',
    inference: 'none',
  },
  fails: [
    'Structure that correlations do not hold: clusters within a class, curves, interactions.',
    'Plentiful data: real rows say more than rows drawn from a model of them.',
    'Categories of no order that matter for the label: one variable behind them blurs it.',
  ],
  dataSize: 'For some tens to a few thousand rows; shrinkage keeps it usable with more columns than rows.',
  references: [
    'Patki, Wedge and Veeramachaneni, The Synthetic Data Vault, DSAA 2016',
    'Schaefer and Strimmer, A Shrinkage Approach to Large-Scale Covariance Matrix Estimation, SAGMB 2005',
    'copulas (DataCebo), GaussianMultivariate',
  ],
});

function tooWide({ inputs }: Setting): Conflict[] {
  const features = inputs.reduce((sum, { shape }) => sum + shape.reduce((product, extent) => product * extent, 1), 0);
  if (features <= MOST_FEATURES) return [];
  return [
    {
      code: 'GAUSSIAN_COPULA_TOO_WIDE',
      severity: 'error',
      message: `gaussian-copula correlates every feature with every other, and there are ${features}`,
      remedy: `Use it up to ${MOST_FEATURES} features, or smote, mixup and input-noise, which have no such limit`,
    },
  ];
}

async function examples(context: PreparationContext, options: CopulaOptions): Promise<AddedExamples | undefined> {
  const real = realRows(context);
  const total = Math.min(options.mostRows, Math.round(context.strength * context.train.length));
  if (context.task === 'regression') return regressionRows(context, real, total);
  const members = rowsByClass(context);
  const counts = options.classes === 'balanced' ? classCounts(context) : members.map((rows) => rows.length);
  const findings: Finding[] = [];
  const parts: Float32Array[] = [];
  const labels: number[] = [];
  for (const [c, count] of shareOut(total, counts, options.classes).entries()) {
    if (count === 0) continue;
    if (members[c].length < 2) {
      findings.push(tooFew(context.classes[c]));
      continue;
    }
    const fitted = take(real, drawn(context, members[c]));
    const copula = await fitCopula(fitted, real.layout);
    parts.push(await copula.draw(count, derive(context.seed, 'gaussian-copula', 'made', c)));
    for (let i = 0; i < count; i++) labels.push(c);
  }
  const made: Matrix = { rows: labels.length, width: real.width, data: joined(parts) };
  findings.push(...(await tellSynthetic('gaussian-copula', context, real, { made, labels })));
  return { inputs: real.examples(made), target: int64([labels.length], labels), findings };
}

/** The target is one more column: rows are drawn with it. */
async function regressionRows(
  context: PreparationContext,
  real: RealRows,
  total: number,
): Promise<AddedExamples | undefined> {
  const { train, target } = context;
  if (train.length < 2 || total === 0) return undefined;
  const width = real.width + 1;
  const data = new Float32Array(real.rows * width);
  for (let row = 0; row < real.rows; row++) {
    data.set(real.data.subarray(row * real.width, (row + 1) * real.width), row * width);
    data[row * width + real.width] = Number(target.data[train[row]]);
  }
  const layout = { ...real.layout, numbers: [...real.layout.numbers, real.width] };
  const all = Int32Array.from(train, (_, i) => i);
  const copula = await fitCopula(take({ rows: real.rows, width, data }, drawn(context, all)), layout);
  const drawnRows = await copula.draw(total, derive(context.seed, 'gaussian-copula', 'made'));
  const made = { rows: total, width: real.width, data: new Float32Array(total * real.width) };
  const values = new Float32Array(total);
  for (let row = 0; row < total; row++) {
    made.data.set(drawnRows.subarray(row * width, row * width + real.width), row * real.width);
    values[row] = drawnRows[row * width + real.width];
  }
  return {
    inputs: real.examples(made),
    target: { type: 'float32', shape: [total, 1], data: values },
    findings: await tellSynthetic('gaussian-copula', context, real, { made, labels: [] }),
  };
}

function drawn({ seed }: PreparationContext, rows: Int32Array): Int32Array {
  if (rows.length <= MOST_FITTED) return rows;
  return derive(seed, 'gaussian-copula', 'rows')
    .sample(rows.length, MOST_FITTED)
    .sort()
    .map((i) => rows[i]);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function tooFew(name: string): Finding {
  return {
    code: 'GAUSSIAN_COPULA_WITHOUT_ROWS',
    severity: 'warning',
    message: `gaussian-copula added no row of class ${name}: one training row has no distribution`,
    remedy: 'Gather rows of that class, or weigh it by training.classWeights',
  };
}
