import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { problem, trained } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import type { InputDescription, PreparationContext } from '../regularizer.js';
import { findConflicts, resolveEntry } from '../resolve.js';
import { nearest } from '../synthetic-rows/nearest.js';
import { type Matrix, realRows, take } from '../synthetic-rows/real-rows.js';
import { between } from './between.js';
import { smote } from './index.js';
import { distanceScale, inDanger } from './neighbourhood.js';
import { missingRows } from './rows.js';

interface Golden {
  readonly points: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly danger: Readonly<Record<'1' | '2', readonly number[]>>;
  readonly neighbours: Readonly<Record<'1' | '2', readonly (readonly number[])[]>>;
  readonly moments: {
    readonly rows: number;
    readonly mean: readonly number[];
    readonly covariance: readonly (readonly number[])[];
  };
  readonly nominal: {
    readonly numbers: readonly (readonly number[])[];
    readonly codes: readonly number[];
    readonly labels: readonly number[];
    readonly neighbours: readonly (readonly number[])[];
  };
}

const golden = JSON.parse(readFileSync(new URL('./goldens/smote.json', import.meta.url), 'utf8')) as Golden;

const matrixOf = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  width: rows[0].length,
  data: Float32Array.from(rows.flat()),
});
const membersOf = (labels: readonly number[], c: number): Int32Array =>
  Int32Array.from(labels.flatMap((label, row) => (label === c ? [row] : [])));
const everyRow = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);
const NUMBERS = { numbers: [0, 1, 2], categories: [], flags: [] };
const points = matrixOf(golden.points);
const ONE = new Float64Array(3).fill(1);

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('smote against imbalanced-learn', () => {
  it.each(['1', '2'] as const)('finds the same rows in danger in class %s', async (c) => {
    const members = membersOf(golden.labels, Number(c));
    const found = await inDanger(points, members, everyRow(points.rows), golden.labels, 10, ONE);
    expect(Array.from(found)).toEqual(golden.danger[c]);
  });

  it.each(['1', '2'] as const)('finds the same neighbours in class %s', async (c) => {
    const own = take(points, membersOf(golden.labels, Number(c)));
    const found = await nearest(own, own, 5, ONE, (row) => row);
    expect(Array.from(found)).toEqual(golden.neighbours[c].flat());
  });

  it('finds the same neighbours of rows of numbers and categories', async () => {
    const { numbers, codes, labels, neighbours } = golden.nominal;
    const rows = matrixOf(numbers.map((row, i) => [...row, ...[0, 1, 2].map((code) => (codes[i] === code ? 1 : 0))]));
    const own = take(rows, membersOf(labels, 1));
    const scale = distanceScale({ numbers: [0, 1], categories: [[2, 3, 4]], flags: [] }, own);
    const found = await nearest(own, own, 5, scale, (row) => row);
    expect(Array.from(found)).toEqual(neighbours.flat());
  });

  it('makes rows of the same mean and covariance', async () => {
    const seeds = take(points, membersOf(golden.labels, 2));
    const neighbours = await nearest(seeds, seeds, 5, ONE, (row) => row);
    const count = 50_000;
    const made = between({ seeds, towards: seeds, neighbours, reach: 1 }, NUMBERS, count, derive(1, 'test'));
    const mean = [0, 1, 2].map((j) => column(made, j).reduce((sum, value) => sum + value, 0) / count);
    mean.forEach((value, j) => {
      const error = Math.sqrt(golden.moments.covariance[j][j] / count);
      expect(Math.abs(value - golden.moments.mean[j])).toBeLessThan(5 * error);
    });
    for (const i of [0, 1, 2]) {
      for (const j of [0, 1, 2]) {
        const [a, b] = [column(made, i), column(made, j)];
        const covariance = a.reduce((sum, value, row) => sum + (value - mean[i]) * (b[row] - mean[j]), 0) / count;
        const size = Math.sqrt(golden.moments.covariance[i][i] * golden.moments.covariance[j][j]);
        expect(Math.abs(covariance - golden.moments.covariance[i][j])).toBeLessThan(0.03 * size);
      }
    }
  });
});

describe('rows of smote', () => {
  it('lie on segments between a row and one of its nearest of the class', async () => {
    const made = await madeOf({ neighbours: 3 });
    const own = take(points, membersOf(golden.labels, 2));
    const neighbours = await nearest(own, own, 3, ONE, (row) => row);
    const ofClass = made.rows.filter((_, i) => made.labels[i] === 2);
    expect(ofClass).toHaveLength(80);
    for (const row of ofClass) {
      const off = Math.min(
        ...Array.from(neighbours, (to, i) => distanceToSegment(row, pointOf(own, Math.floor(i / 3)), pointOf(own, to))),
      );
      expect(off).toBeLessThan(1e-5);
    }
  });

  it('of borderline-1 start from rows in danger', async () => {
    const made = await madeOf({ variant: 'borderline-1' });
    const own = take(points, membersOf(golden.labels, 1));
    const neighbours = golden.neighbours['1'];
    made.rows
      .filter((_, i) => made.labels[i] === 1)
      .forEach((row) => {
        const off = Math.min(
          ...golden.danger['1'].flatMap((start) =>
            neighbours[start].map((to) => distanceToSegment(row, pointOf(own, start), pointOf(own, to))),
          ),
        );
        expect(off).toBeLessThan(1e-5);
      });
  });

  it('of borderline-2 stay on the near half of the way to another class', async () => {
    const { rows, labels } = await madeOf({ variant: 'borderline-2' });
    const own = take(points, membersOf(golden.labels, 2));
    const starts = golden.danger['2'].map((start) => pointOf(own, start));
    const others = golden.points.filter((_, i) => golden.labels[i] !== 2);
    const half = (from: readonly number[], to: readonly number[]) => from.map((x, j) => (x + to[j]) / 2);
    const last = rows.filter((_, i) => labels[i] === 2).slice(40);
    for (const row of last) {
      const off = Math.min(
        ...starts.flatMap((from) => others.map((to) => distanceToSegment(row, from, half(from, to)))),
      );
      expect(off).toBeLessThan(1e-5);
    }
  });

  it('keep categories whole', async () => {
    const { numbers, codes, labels } = golden.nominal;
    const rows = numbers.map((row, i) => [
      ...row,
      ...[0, 1, 2].map((code) => (codes[i] === code ? 1 : 0)),
      i % 3 ? 1 : 0,
    ]);
    const inputs: InputDescription[] = [
      { name: 'features', content: 'tabular', shape: [6], groups: [0, 1, 2, 2, 2, 1] },
    ];
    const context = contextOf(rows, labels, inputs);
    expect(realRows(context).layout).toEqual({ numbers: [0, 1], categories: [[2, 3, 4]], flags: [5] });
    const made = await rowsMade(context, {});
    expect(made.rows.length).toBe(20);
    for (const row of made.rows) {
      expect(row.slice(2, 5).toSorted()).toEqual([0, 0, 1]);
      expect([0, 1]).toContain(row[5]);
    }
  });

  it('are as many as the share asks for, cut alike at the limit', () => {
    expect(missingRows([100, 40, 20], 1, 1e6)).toEqual([0, 60, 80]);
    expect(missingRows([100, 40, 20], 0.3, 1e6)).toEqual([0, 0, 10]);
    expect(missingRows([100, 40, 0], 1, 30)).toEqual([0, 30, 0]);
    expect(missingRows([100, 40, 20], 1, 70)).toEqual([0, 30, 40]);
  });

  it('are told: their share, their distance, and that a row alone has no neighbours', async () => {
    const rows = [...golden.points, [9, 9, 9]];
    const labels = [...golden.labels, 3];
    const { findings = [] } = (await smote.hooks.examples?.(contextOf(rows, labels), optionsOf({}))) ?? {};
    expect(findings.map(({ code }) => code)).toEqual(['SMOTE_WITHOUT_ROWS', 'SYNTHETIC_ROWS']);
    expect(findings[1].message).toMatch(
      /^smote added 140 rows: 47 % .*class c: told from real ones with ROC area 0\.\d\d/,
    );
  });
});

it('trains on its rows and validates on real ones', async () => {
  const given = problem({
    inputs: [{ name: 'features', content: 'tabular', type: 'float32', shape: [7] }],
    regularizers: [{ type: 'smote', strength: 1 }],
  });
  const counts = [0, 0, 0];
  for (const row of given.data.train) counts[Number(given.data.target.data[row])]++;
  const expected = counts.reduce((sum, count) => sum + Math.max(...counts) - count, given.data.train.length);
  const result = await trained(runtime, given);
  const started = result.events.find((event) => event.type === 'started');
  expect(started).toMatchObject({ stepsPerEpoch: Math.ceil(expected / 8) });
  expect(result.outputs.train).toHaveLength(3 * given.data.train.length);
  expect(result.outputs.validation).toHaveLength(3 * given.data.validation.length);
});

it('refuses inputs that are not tabular, and tasks without classes', () => {
  const setting = {
    active: [resolveEntry({ type: 'smote' }, 'here')],
    task: 'regression' as const,
    parameters: [],
    operators: [],
    optimizer: 'sgd',
    inputs: [
      { name: 'features', content: 'tabular' as const, shape: [2] },
      { name: 'picture', content: 'image' as const, shape: [1, 2, 2] },
    ],
    rows: 10,
    epochs: 1,
    classes: [],
    columns: [],
    rebalanced: true,
  };
  expect(findConflicts(setting).map(({ code, severity }) => [code, severity])).toEqual([
    ['SMOTE_NEEDS_CLASSES', 'error'],
    ['SMOTE_NEEDS_TABULAR_INPUTS', 'error'],
    ['SMOTE_WITH_CLASS_WEIGHTS', 'warning'],
  ]);
});

const optionsOf = (options: object) => smote.options.parse(options);

async function madeOf(options: object) {
  return rowsMade(contextOf(golden.points, golden.labels), options);
}

async function rowsMade(context: PreparationContext, options: object) {
  const made = await smote.hooks.examples?.(context, optionsOf(options));
  if (made === undefined) throw new Error('no rows were made');
  const { data, shape } = made.inputs.features;
  const rows = Array.from({ length: shape[0] }, (_, i) =>
    Array.from(data.slice(i * shape[1], (i + 1) * shape[1]), Number),
  );
  return { rows, labels: Array.from(made.target.data, Number) };
}

function contextOf(
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  inputs: readonly InputDescription[] = [{ name: 'features', content: 'tabular', shape: [rows[0].length] }],
): PreparationContext {
  return {
    inputs,
    data: { features: float32([rows.length, rows[0].length], rows.flat()) },
    target: int64([labels.length], [...labels]),
    train: everyRow(rows.length),
    added: new Int32Array(0),
    classes: ['a', 'b', 'c', 'd'].slice(0, Math.max(...labels) + 1),
    strength: 1,
    seed: 1,
  } as unknown as PreparationContext;
}

function column(data: Float32Array, j: number): number[] {
  return Array.from({ length: data.length / 3 }, (_, row) => data[row * 3 + j]);
}

function pointOf({ width, data }: Matrix, row: number): number[] {
  return Array.from(data.subarray(row * width, (row + 1) * width));
}

function distanceToSegment(point: readonly number[], from: readonly number[], to: readonly number[]): number {
  const way = to.map((x, j) => x - from[j]);
  const length = way.reduce((sum, x) => sum + x * x, 0);
  const along = point.reduce((sum, x, j) => sum + (x - from[j]) * way[j], 0) / length;
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(...point.map((x, j) => x - from[j] - share * way[j]));
}
