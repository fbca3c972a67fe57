import { z } from 'zod';
import { int64 } from '../../graph/tensor.js';
import { derive, type Random } from '../../numeric/random.js';
import type { Finding } from '../finding.js';
import {
  type AddedExamples,
  type Conflict,
  defineRegularizer,
  type PreparationContext,
  type Setting,
} from '../regularizer.js';
import { tellSynthetic } from '../synthetic-rows/findings.js';
import { nearest } from '../synthetic-rows/nearest.js';
import { classCounts, type Matrix, type RealRows, realRows, rowsByClass, take } from '../synthetic-rows/real-rows.js';
import { onlyTabular } from '../synthetic-rows/refusal.js';
import { between, type Sources } from './between.js';
import { distanceScale, inDanger } from './neighbourhood.js';

/** Most rows of a class that are started from, and most rows among which danger is looked for: searches are O(product). */
const MOST_SEEDS = 5000;
const MOST_ROWS = 20_000;

interface SmoteOptions {
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

export const smote = defineRegularizer<SmoteOptions>({
  type: 'smote',
  title: 'SMOTE (synthetic minority rows)',
  technique: 'T9',
  summary:
    'Adds rows of the rarer classes to the training part, each on the segment between a real one and a near neighbour of its class.',
  strength: {
    unit: 'rows of each class wanted, as a share of those of the largest',
    default: 1,
    range: [0.1, 1],
    scale: 'linear',
    limits: [0, 1],
    fixed: true,
  },
  options: z.strictObject({
    variant: z
      .enum(['plain', 'borderline-1', 'borderline-2'])
      .default('plain')
      .describe(
        'plain starts from every row of the class; borderline-1 from those whose neighbours are mostly of other classes; borderline-2 from the same, half of the new rows towards other classes',
      ),
    neighbours: z.int().min(1).max(100).default(5).describe('Nearest rows of the class that a new row lies towards'),
    dangerNeighbours: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .describe('borderline: neighbours that tell whether a row is in danger'),
    mostRows: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(100_000)
      .describe('Most rows to add; all classes then get less alike'),
  }),
  hooks: { examples },
  needs: { classes: true, content: ['tabular'] },
  conflicts: (_self, setting) => [...onlyTabular('smote', setting), ...balancedTwice(setting)],
  cost: {
    training: 'an epoch is longer by the rows added; making them: rows of the class squared times features, once',
    inference: 'none',
  },
  fails: [
    'Rare rows that lie among others, or in islands: what lies between them is not of their class.',
    'Probabilities are those of the balanced classes: calibrate, or move the threshold on real rows.',
    'Many features: nearest neighbours mean little, and new rows repeat the old.',
  ],
  dataSize:
    'For some ten to a few thousand rare rows; below that there is nothing to lie between, above it nothing to gain.',
  references: [
    'Chawla et al., SMOTE: Synthetic Minority Over-sampling Technique, JAIR 2002',
    'Han, Wang and Mao, Borderline-SMOTE, ICIC 2005',
    'Lemaitre, Nogueira and Aridas, Imbalanced-learn, JMLR 2017 (defaults, danger set, SMOTE-NC)',
  ],
});

function balancedTwice({ rebalanced }: Setting): Conflict[] {
  if (rebalanced !== true) return [];
  return [
    {
      code: 'SMOTE_WITH_CLASS_WEIGHTS',
      severity: 'warning',
      message: 'smote evens out the classes, and training.classWeights or training.sampler does it once more',
      remedy: 'Keep one of them: class weights are computed from real rows, and rare classes would count twice',
    },
  ];
}

async function examples(context: PreparationContext, options: SmoteOptions): Promise<AddedExamples | undefined> {
  const counts = classCounts(context);
  const wanted = missingRows(counts, context.strength, options.mostRows);
  const real = realRows(context);
  const members = rowsByClass(context);
  const classOf = new Int32Array(real.rows);
  members.forEach((rows, c) => {
    for (const row of rows) classOf[row] = c;
  });
  const findings: Finding[] = [];
  const parts: { c: number; data: Float32Array }[] = [];
  for (const [c, count] of wanted.entries()) {
    if (count === 0) continue;
    const sources = await sourcesOf(real, members[c], classOf, options, derive(context.seed, 'smote', 'rows', c));
    if (sources === undefined) {
      findings.push(nothingBetween(context.classes[c], options));
      continue;
    }
    const stream = derive(context.seed, 'smote', 'made', c);
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
  findings.push(...(await tellSynthetic('smote', context, real, { made, labels })));
  return { inputs: real.examples(made), target: int64([labels.length], labels), findings };
}

/** Rows to start from and their neighbours; undefined where there are none. */
async function sourcesOf(
  real: RealRows,
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
