import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { farthest, float64 } from '../../../test/support/gradients.js';
import { FEATURES, MIXED, PICTURES, problem, SMALL_CNN, trained } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import type { InputDescription, Parameter } from '../regularizer.js';
import { differences, type Line, linesOfInputs, linesOfPositions, transposed } from './lines.js';

interface Golden {
  readonly order: 1 | 2;
  readonly norm: 'l1' | 'l2';
  readonly strength: number;
  readonly weights: number[];
  readonly intercept: number;
  readonly zeros?: boolean[];
}

const { X, y, cases } = JSON.parse(readFileSync(new URL('./goldens/fused-lasso.json', import.meta.url), 'utf8')) as {
  X: number[][];
  y: number[];
  cases: readonly Golden[];
};
const [ROWS, COLUMNS] = [X.length, X[0].length];

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

/** Differences of that order, by hand. */
const differ = (values: readonly number[], order: number): number[] =>
  order === 0
    ? [...values]
    : differ(
        values.slice(1).map((value, i) => value - values[i]),
        order - 1,
      );

async function fitted(
  { order, norm, strength }: Pick<Golden, 'order' | 'norm' | 'strength'>,
  optimizer: object,
): Promise<{ weights: number[]; intercept: number }> {
  const base = problem({
    inputs: [{ ...FEATURES[0], shape: [COLUMNS] }],
    model: { type: 'linear' },
    task: 'regression',
    regularizers: [{ type: 'fused-lasso', order, norm, strength }],
    rows: ROWS,
    validation: 0,
    training: { epochs: 3000, batchSize: ROWS, checkpointSeconds: 1000, optimizer },
  });
  const { graph } = await trained(runtime, {
    ...base,
    data: { ...base.data, inputs: { features: float32([ROWS, COLUMNS], X.flat()) }, target: float32([ROWS, 1], y) },
    metrics: Object.assign(() => ({ loss: 0 }), { primary: 'loss', loss: 'loss', higherIsBetter: () => false }),
  });
  return {
    weights: Array.from(graph.initializers.get('output.weight')!.data as Float32Array),
    intercept: Number(graph.initializers.get('output.bias')!.data[0]),
  };
}

/** What the scale of the step could break, under optimizers that have one of their own. */
const some = cases.filter(({ norm, strength }) => norm === 'l1' && strength === 0.1);

describe.each([
  ['SGD', { type: 'sgd', learningRate: 0.2, momentum: 0 }, cases],
  ['SGD with momentum', { type: 'sgd', learningRate: 0.05, momentum: 0.9 }, some],
  ['Adam', { type: 'adam', learningRate: 0.02, schedule: { type: 'cosine' } }, some],
])('a linear model by %s comes to rest at the optimum of loss and penalty', (_name, optimizer, chosen) => {
  it.each(chosen)('order $order, $norm, $strength', async (golden) => {
    const { weights, intercept } = await fitted(golden, optimizer);
    expect(farthest(weights, golden.weights)).toBeLessThan(1e-3);
    expect(Math.abs(intercept - golden.intercept)).toBeLessThan(1e-3);
    if (golden.zeros === undefined) return;
    const zeros = differ(weights, golden.order).map((value) => Math.abs(value) < 1e-4);
    expect(zeros).toEqual(golden.zeros);
  });
});

describe('lines of inputs', () => {
  const weight = (rows: number, units: number): Parameter => ({
    name: 'w',
    role: 'weight',
    shape: [rows, units],
    unitAxis: 1,
    layer: 0,
  });
  const input = (content: InputDescription['content'], shape: number[], groups?: number[]): InputDescription => ({
    name: content,
    content,
    shape,
    ...(groups === undefined ? {} : { groups }),
  });

  it('follow features, the time of series and both directions of images', () => {
    const inputs = [input('tabular', [4]), input('series', [6, 2]), input('image', [3, 5, 4])];
    const lines = linesOfInputs(weight(4 + 12 + 60, 2), inputs, 1);
    expect(lines.map(({ label: _label, mask: _mask, ...line }) => line)).toEqual([
      { offset: 0, before: 1, length: 4, after: 1 },
      { offset: 4, before: 1, length: 6, after: 2 },
      { offset: 16, before: 3, length: 5, after: 4 },
      { offset: 16, before: 15, length: 4, after: 1 },
    ]);
  });

  it('leave codes of categories out', () => {
    const lines = linesOfInputs(weight(6, 2), [input('tabular', [6], [0, 1, 2, 2, 3, 4])], 1);
    expect(lines.map(({ mask }) => mask)).toEqual([[1, 0, 0, 0, 1]]);
    expect(linesOfInputs(weight(4, 2), [input('tabular', [4], [0, 0, 1, 1])], 1)).toEqual([]);
  });

  it('are not there in layers that do not take the inputs flat', () => {
    expect(linesOfInputs({ ...weight(4, 2), layer: 1 }, [input('tabular', [4])], 1)).toEqual([]);
    expect(linesOfInputs(weight(5, 2), [input('tabular', [4])], 1)).toEqual([]);
  });

  it('of positions are the rows of their table', () => {
    const table = (rows: number): Parameter => ({ name: 't', role: 'embedding', shape: [rows, 8] });
    expect(linesOfPositions(table(6), [input('series', [6, 2])], 2)).toHaveLength(1);
    expect(linesOfPositions(table(50), [input('tokens', [6])], 1)).toEqual([]);
  });
});

describe('differences and their transpose', () => {
  const line: Line = { label: '', offset: 3, before: 2, length: 5, after: 2, mask: undefined };
  it.each([1, 2])("of order %i are adjoint: <D w, u> = <w, D'u>", async (order) => {
    const [rows, units] = [25, 3];
    const w = Array.from({ length: rows * units }, (_, i) => Math.sin(3 * i));
    const shape = [2, 5 - order, 6];
    const u = Array.from({ length: 12 * (5 - order) }, (_, i) => Math.cos(5 * i));
    const { left, right, d } = await computed(
      { w: float64([rows, units], w), u: float64(shape, u) },
      ({ b, inputs }) => ({
        d: differences(b, inputs.w, line, order),
        left: b.reduceSum(b.mul(differences(b, inputs.w, line, order), inputs.u)),
        right: b.reduceSum(b.mul(inputs.w, transposed(b, inputs.u, line, order, [rows, units]))),
      }),
    );
    expect(left[0]).toBeCloseTo(right[0], 10);
    // The first line: rows 3, 5, 7, ... of the first unit.
    const along = [0, 1, 2, 3, 4].map((i) => w[(3 + 2 * i) * units]);
    expect(d[0]).toBeCloseTo(differ(along, order)[0], 12);
    expect(d[6]).toBeCloseTo(differ(along, order)[1] ?? d[6], 12);
  });
});

describe('fused-lasso', () => {
  it.each([
    ['convolutions', { inputs: PICTURES, model: SMALL_CNN }, {}],
    ['a network without positions', { inputs: MIXED }, { along: 'positions' }],
  ])('is refused where it has nothing to act on: %s', async (_title, setting, options) => {
    const given = problem({ ...setting, regularizers: [{ type: 'fused-lasso', ...options }] });
    await expect(trained(runtime, given)).rejects.toMatchObject({ code: 'REGULARIZER_WITHOUT_EFFECT' });
  });

  it('makes embeddings of positions smooth', async () => {
    const roughness = async (regularizers: Record<string, unknown>[]): Promise<number> => {
      const { graph } = await trained(
        runtime,
        problem({
          inputs: [{ name: 'series', content: 'series', type: 'float32', shape: [8, 2] }],
          model: { type: 'transformer', dimension: 4, heads: 2, layers: 1 },
          regularizers,
          training: { epochs: 10, optimizer: { type: 'sgd', learningRate: 0.1 } },
        }),
      );
      const table = Array.from(graph.initializers.get('embedding.positions')!.data as Float32Array);
      return table.slice(4).reduce((sum, value, i) => sum + Math.abs(value - table[i]), 0);
    };
    const plain = await roughness([]);
    expect(await roughness([{ type: 'fused-lasso', along: 'positions', strength: 1 }])).toBeLessThan(0.2 * plain);
  });
});
