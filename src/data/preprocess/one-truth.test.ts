import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { allRows, categories, images, numbers, table, texts, times } from '../../../test/support/tables.js';
import { writeModel } from '../../graph/format/encode.js';
import type { Graph, Model } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { NumericArray, Tensor } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { dataOptionsSchema } from '../options.js';
import { readTable } from '../read/read.js';
import { resolveRoles } from '../roles.js';
import type { Column, Table } from '../table.js';
import { fitPreprocessor } from './fit.js';
import { Preprocessor } from './preprocessor.js';
import { rawTensors } from './raw-tensors.js';

/** What transform() computes in memory and what the exported graph computes in ONNX Runtime are the same numbers. */

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

function modelOf(graph: Graph): Model {
  return {
    irVersion: 10,
    opsets: new Map([
      ['', 21],
      ['ai.onnx.ml', 3],
    ]),
    producer: { name: 'test', version: '' },
    graph,
    metadata: new Map(),
  };
}

async function runGraph(preprocessor: Preprocessor, data: Table, rows: Uint32Array): Promise<Record<string, Tensor>> {
  const session = await runtime.load(writeModel(modelOf(preprocessor.graph)));
  try {
    return await session.run(rawTensors(preprocessor.inputs, data, rows));
  } finally {
    session.release();
  }
}

function largestDifference(a: NumericArray, b: NumericArray): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(Number(a[i]) - Number(b[i]));
    // NaN must not pass for a small difference.
    largest = Object.is(Number(a[i]), Number(b[i]))
      ? largest
      : Math.max(largest, Number.isNaN(difference) ? 1e9 : difference);
  }
  return largest;
}

interface Features {
  scaling: 'standard' | 'robust' | 'none';
  ngrams: number;
  weighting: 'tfidf' | 'count' | 'presence';
}

const featureOptions = fc.record<Features>({
  scaling: fc.constantFrom('standard', 'robust', 'none'),
  ngrams: fc.constantFrom(1, 2),
  weighting: fc.constantFrom('tfidf', 'count', 'presence'),
});

const words = [
  'free',
  'Free',
  'FREE!',
  'call',
  'now,',
  'now',
  'né',
  '',
  '\n',
  'a\tb',
  '...',
  'you',
  'line\nbreak',
  ' ',
];
const colours = ['red', 'green', 'blue', '', 'Ünïcode', 'a b'];

/** Tables of 30 rows: the first 20 are for fitting, so that the rest holds what training has not seen. */
const ROWS = 30;
const FIT = 20;

function randomTable(seed: number): Table {
  const random = derive(seed, 'table');
  const column = <T>(draw: () => T): T[] => Array.from({ length: ROWS }, draw);
  const elements = (size: number, draw: () => number): number[] => Array.from({ length: ROWS * size }, draw);
  const missingOften = random.uniform() < 0.5;
  const orMissing = (draw: () => number) => (): number =>
    missingOften && random.uniform() < 0.3 ? Number.NaN : draw();
  const pick = <T>(values: readonly T[]): T => values[random.integer(values.length)];
  const vector = elements(
    2,
    orMissing(() => random.normal(50, 20)),
  );
  const columns: Column[] = [
    numbers(
      'float',
      column(orMissing(() => Math.fround(random.normal(random.integer(1000), 10 ** (random.integer(9) - 4))))),
    ),
    numbers(
      'double',
      column(() => random.normal(3, 1)),
    ),
    numbers('big', column(orMissing(() => 9_007_000_000_000 + random.integer(1_000_000))), 'integer'),
    numbers('flag', column(orMissing(() => random.integer(2))), 'boolean'),
    categories(
      'colour',
      column(() => pick(colours)).map((value, i) => (i >= FIT + 5 && value === 'red' ? 'unseen' : value)),
    ),
    categories(
      'rare',
      column(() => pick(['x', 'y', 'y', 'y'])),
    ),
    times('when', column(orMissing(() => Math.trunc(random.uniform(Date.UTC(1890, 0), Date.UTC(2110, 0)))))),
    texts(
      'said',
      column(() => Array.from({ length: random.integer(9) }, () => pick(words)).join(' ')),
    ),
    images('picture', [3, 2, 2], Uint8Array.from(elements(12, () => random.integer(256)))),
    { kind: 'array', name: 'vector', content: 'features', shape: [2], data: Float32Array.from(vector) },
    {
      kind: 'array',
      name: 'wave',
      content: 'audio',
      shape: [5],
      data: Float32Array.from(elements(5, () => random.normal(0, 0.1))),
    },
    {
      kind: 'array',
      name: 'longer',
      content: 'series',
      shape: [6, 2],
      data: Float32Array.from(
        elements(
          12,
          orMissing(() => random.normal(1, 2)),
        ),
      ),
    },
    { kind: 'array', name: 'steps', content: 'series', shape: [1, 2], data: Float32Array.from(vector) },
    {
      kind: 'array',
      name: 'ids',
      content: 'tokens',
      shape: [4],
      data: Int32Array.from(elements(4, () => random.integer(50))),
    },
  ];
  // Some columns stay out, so that blocks stand at other places and alone.
  const kept = columns.filter(() => random.uniform() < 0.8);
  return table(...(kept.length === 0 ? columns : kept));
}

function fitted(data: Table, { scaling, ngrams, weighting }: Features): Preprocessor {
  const features = { scaling, text: { ngrams, weighting, minimumRows: 1 }, categories: { limit: 3 } };
  const options = dataOptionsSchema.parse({ source: 'x', features });
  return fitPreprocessor(data, resolveRoles(data, options), allRows(FIT), { task: 'none', features: options.features });
}

describe('the exported graph', () => {
  it('gives the features of transform(), missing and unseen values included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), featureOptions, async (seed, options) => {
        const data = randomTable(seed);
        const preprocessor = fitted(data, options);
        const rows = allRows(ROWS);
        const inMemory = preprocessor.transform(data, rows).inputs;
        const inGraph = await runGraph(preprocessor, data, rows);
        expect(Object.keys(inGraph).sort()).toEqual(preprocessor.outputs.map(({ name }) => name).sort());
        for (const { name, shape, type } of preprocessor.outputs) {
          expect(inMemory[name]).toMatchObject({ type, shape: [ROWS, ...shape] });
          expect(inGraph[name]).toMatchObject({ type, shape: [ROWS, ...shape] });
          expect(largestDifference(inMemory[name].data, inGraph[name].data as NumericArray)).toBeLessThanOrEqual(1e-6);
        }
        const restored = Preprocessor.fromJSON(JSON.parse(JSON.stringify(preprocessor)));
        expect(restored.transform(data, rows)).toEqual(preprocessor.transform(data, rows));
      }),
      { numRuns: 60 },
    );
  });
});

const datasets = process.env.BALLAST_DATASETS;

describe.skipIf(datasets === undefined)('the exported graph on real data (BALLAST_DATASETS)', () => {
  it.each([
    ['adult/adult-train.csv.gz', { header: false }],
    ['sms-spam/sms.tsv', { header: ['label', 'text'] }],
    ['small-n-tabular/Hitters.csv', {}],
  ] as const)('gives the features of transform(): %s', async (file, options) => {
    const data = await readTable(join(datasets ?? '', file), options);
    const preprocessor = fitPreprocessor(
      data,
      resolveRoles(data, dataOptionsSchema.parse({ source: file })),
      allRows(Math.min(data.rows, 4000)),
      { task: 'none' },
    );
    const rows = allRows(data.rows)
      .filter((row) => row % 7 === 0)
      .slice(0, 2000);
    const { features } = preprocessor.transform(data, rows).inputs;
    const inGraph = await runGraph(preprocessor, data, rows);
    expect(largestDifference(features.data, inGraph.features.data as NumericArray)).toBeLessThanOrEqual(1e-6);
  });
});
