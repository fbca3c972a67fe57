import { derive } from '../../numeric/random.js';
import type { Finding } from '../finding.js';
import { tellSynthetic } from '../synthetic-rows/findings.js';
import { type Matrix, take } from '../synthetic-rows/real-rows.js';
import type { Source, Synthetic } from '../synthetic-rows/source.js';
import { fitCopula } from './fit.js';

/** Rows that a copula is fitted on at most. */
const MOST_FITTED = 5000;

export interface CopulaOptions {
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

/** Rows drawn from a model of the real ones, with what is worth telling of them. */
export async function copulaRows(source: Source, options: CopulaOptions): Promise<Synthetic | undefined> {
  const { real, members, classes, values, strength, seed } = source;
  const total = Math.min(options.mostRows, Math.round(strength * real.rows));
  if (values !== undefined) return regressionRows(source, values, total);
  const counts = options.classes === 'balanced' ? source.counts : members.map((rows) => rows.length);
  const findings: Finding[] = [];
  const parts: Float32Array[] = [];
  const labels: number[] = [];
  for (const [c, count] of shareOut(total, counts, options.classes).entries()) {
    if (count === 0) continue;
    if (members[c].length < 2) {
      findings.push(tooFew(classes[c]));
      continue;
    }
    const fitted = take(real, drawn(seed, members[c]));
    const copula = await fitCopula(fitted, real.layout);
    parts.push(await copula.draw(count, derive(seed, 'gaussian-copula', 'made', c)));
    for (let i = 0; i < count; i++) labels.push(c);
  }
  const made: Matrix = { rows: labels.length, width: real.width, data: joined(parts) };
  findings.push(...(await tellSynthetic('gaussian-copula', source, { made, labels })));
  return { made, labels, findings };
}

/** The target is one more column: rows are drawn with it. */
async function regressionRows(source: Source, targets: Float32Array, total: number): Promise<Synthetic | undefined> {
  const { real, seed } = source;
  if (real.rows < 2 || total === 0) return undefined;
  const width = real.width + 1;
  const data = new Float32Array(real.rows * width);
  for (let row = 0; row < real.rows; row++) {
    data.set(real.data.subarray(row * real.width, (row + 1) * real.width), row * width);
    data[row * width + real.width] = targets[row];
  }
  const layout = { ...real.layout, numbers: [...real.layout.numbers, real.width] };
  const all = Int32Array.from(targets, (_, i) => i);
  const copula = await fitCopula(take({ rows: real.rows, width, data }, drawn(seed, all)), layout);
  const drawnRows = await copula.draw(total, derive(seed, 'gaussian-copula', 'made'));
  const made = { rows: total, width: real.width, data: new Float32Array(total * real.width) };
  const values = new Float32Array(total);
  for (let row = 0; row < total; row++) {
    made.data.set(drawnRows.subarray(row * width, row * width + real.width), row * real.width);
    values[row] = drawnRows[row * width + real.width];
  }
  const findings = await tellSynthetic('gaussian-copula', source, { made, labels: [] });
  return { made, labels: [], values, findings };
}

function drawn(seed: number, rows: Int32Array): Int32Array {
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
