import { derive, type Random } from '../../numeric/random.js';
import type { Finding } from '../finding.js';
import { tellSynthetic } from '../synthetic-rows/findings.js';
import { nearest } from '../synthetic-rows/nearest.js';
import { type Matrix, take } from '../synthetic-rows/real-rows.js';
import type { Source, Synthetic } from '../synthetic-rows/source.js';
import { between, type Sources } from './between.js';
import { distanceScale, inDanger } from './neighbourhood.js';

/** Most rows of a class that are started from, and most rows among which danger is looked for: searches are O(product). */
const MOST_SEEDS = 5000;
const MOST_ROWS = 20_000;

export interface SmoteOptions {
  readonly variant: 'plain' | 'borderline-1' | 'borderline-2';
  readonly neighbours: number;
  readonly dangerNeighbours: number;
  readonly mostRows: number;
}

/** How many rows each class lacks to the share of the largest; all of them cut alike where they exceed the limit. */
export function missingRows(counts: readonly number[], share: number, most: number): number[] {
  const largest = Math.max(...counts);
  const wanted = counts.map((count) => (count === 0 ? 0 : Math.max(0, Math.floor(share * largest) - count)));
  const total = wanted.reduce((sum, count) => sum + count, 0);
  return total <= most ? wanted : wanted.map((count) => Math.floor((count / total) * most));
}

/** Rows that fill the rarer classes up, with what is worth telling of them. */
export async function smoteRows(source: Source, options: SmoteOptions): Promise<Synthetic> {
  const { real, members, counts, classes, strength, seed } = source;
  const wanted = missingRows(counts, strength, options.mostRows);
  const classOf = new Int32Array(real.rows);
  members.forEach((rows, c) => {
    for (const row of rows) classOf[row] = c;
  });
  const findings: Finding[] = [];
  const parts: { c: number; data: Float32Array }[] = [];
  for (const [c, count] of wanted.entries()) {
    if (count === 0) continue;
    const sources = await sourcesOf(real, members[c], classOf, options, derive(seed, 'smote', 'rows', c));
    if (sources === undefined) {
      findings.push(nothingBetween(classes[c], options));
      continue;
    }
    const stream = derive(seed, 'smote', 'made', c);
    sources.forEach((source, i) => {
      const share = sources.length === 1 ? count : i === 0 ? Math.ceil(count / 2) : Math.floor(count / 2);
      parts.push({ c, data: between(source, real.layout, share, stream) });
    });
  }
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  const labels: number[] = [];
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
    for (let i = 0; i < part.data.length / real.width; i++) labels.push(part.c);
  }
  const made: Matrix = { rows: labels.length, width: real.width, data };
  findings.push(...(await tellSynthetic('smote', source, { made, labels })));
  return { made, labels, findings };
}

/** Rows to start from and their neighbours; undefined where there are none. */
async function sourcesOf(
  real: Source['real'],
  rows: Int32Array,
  classOf: Int32Array,
  { variant, neighbours, dangerNeighbours }: SmoteOptions,
  stream: Random,
): Promise<Sources[] | undefined> {
  const members = drawn(rows, MOST_SEEDS, stream);
  const own = take(real, members);
  if (own.rows < 2) return undefined;
  const scale = distanceScale(real.layout, own);
  let starts: Int32Array = Int32Array.from(members, (_, i) => i);
  if (variant !== 'plain') {
    const around = drawn(
      Int32Array.from(classOf, (_, row) => row),
      MOST_ROWS,
      stream,
    );
    starts = await inDanger(real, members, around, classOf, dangerNeighbours, scale);
    if (starts.length === 0) return undefined;
  }
  const seeds = take(own, starts);
  const k = Math.min(neighbours, own.rows - 1);
  const found = await nearest(seeds, own, k, scale, (query) => starts[query]);
  const inside: Sources = { seeds, towards: own, neighbours: found, reach: 1 };
  if (variant !== 'borderline-2') return [inside];
  const foreign = take(real, drawn(rowsOutside(classOf, classOf[members[0]]), MOST_ROWS, stream));
  const foreignNeighbours = await nearest(seeds, foreign, Math.min(neighbours, foreign.rows), scale, () => -1);
  return [inside, { seeds, towards: foreign, neighbours: foreignNeighbours, reach: 0.5 }];
}

function rowsOutside(classOf: Int32Array, own: number): Int32Array {
  return Int32Array.from(Array.from(classOf, (_, row) => row).filter((row) => classOf[row] !== own));
}

function drawn(rows: Int32Array, most: number, stream: Random): Int32Array {
  if (rows.length <= most) return rows;
  return stream
    .sample(rows.length, most)
    .sort()
    .map((i) => rows[i]);
}

function nothingBetween(name: string, { variant }: SmoteOptions): Finding {
  return {
    code: 'SMOTE_WITHOUT_ROWS',
    severity: 'warning',
    message:
      variant === 'plain'
        ? `smote added no row of class ${name}: it has one training row, and nothing lies between`
        : `smote added no row of class ${name}: none of its rows is in danger, by its neighbours`,
    remedy:
      variant === 'plain' ? 'Gather rows of that class, or weigh it by training.classWeights' : 'Use variant plain',
  };
}
