import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../graph/builder.js';
import { type Graph, ints } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, sizeOf } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { filterNormalized } from './directions.js';
import { curvature, hutchinson, powerIteration } from './hessian.js';
import { lossAlong, lossBetween, lossGrid, spaced } from './scan.js';
import { sharpness } from './sharpness.js';
import { LossSurface, lengthOf, type SurfaceParameter, type SurfaceSubject } from './surface.js';

interface Golden {
  readonly name: 'mlp' | 'cnn';
  readonly x: number[];
  readonly shape: number[];
  readonly weights: number[];
  readonly start: Readonly<Record<string, { shape: number[]; data: number[] }>>;
  readonly loss: number;
  readonly gradient: number[];
  readonly eigenvalues: number[];
  readonly trace: number;
  readonly product: number[];
  readonly sam: { readonly rho: number; readonly rise: number };
  readonly asam: { readonly rho: number; readonly eta: number; readonly rise: number };
}

const { labels, cases } = JSON.parse(readFileSync(new URL('./goldens/landscape.json', import.meta.url), 'utf8')) as {
  labels: number[];
  cases: Golden[];
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});
const open: LossSurface[] = [];
afterEach(() => {
  for (const surface of open.splice(0)) surface.release();
});

function surfaceOf(subject: SurfaceSubject): LossSurface {
  const surface = new LossSurface(runtime, subject);
  open.push(surface);
  return surface;
}

function anyBatch(graph: Graph): Graph {
  const free = (info: Graph['inputs'][number]) => ({ ...info, shape: ['batch', ...(info.shape ?? []).slice(1)] });
  return { ...graph, inputs: graph.inputs.map(free), outputs: graph.outputs.map(free) };
}

function parametersOf(start: Golden['start']): SurfaceParameter[] {
  return Object.entries(start).map(([name, { shape }]) =>
    name.endsWith('bias')
      ? { name, role: 'bias', shape }
      : { name, role: 'weight', shape, unitAxis: shape.length === 4 ? 0 : 1 },
  );
}

/** The networks of the goldens. */
function subjectOf({ name, x, shape, start, weights }: Golden): SurfaceSubject {
  const b = new GraphBuilder(name);
  const value = Object.fromEntries(
    Object.entries(start).map(([key, tensor]) => [key, b.initializer(key, float32(tensor.shape, tensor.data))]),
  );
  const given = b.input('x', 'float32', [1, ...shape]);
  let hidden = given;
  if (name === 'mlp') hidden = b.tanh(b.gemm(given, value['dense1.weight'], value['dense1.bias']));
  else {
    const convolved = b.op('Conv', [given, value['conv1.weight'], value['conv1.bias']], { pads: ints([1, 1, 1, 1]) });
    hidden = b.op('AveragePool', [b.tanh(convolved)], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
    hidden = b.op('Flatten', [hidden]);
  }
  b.output('probabilities', b.softmax(b.gemm(hidden, value['output.weight'], value['output.bias'])));
  return {
    graph: anyBatch(b.graph()),
    task: 'classification',
    output: 'probabilities',
    parameters: parametersOf(start),
    statistics: [],
    inputs: { x: float32([labels.length, ...shape], x) },
    target: labels,
    weights,
  };
}

/** Rows of one feature and a logistic regression with weight and bias. */
function logistic(): { subject: SurfaceSubject; x: number[]; y: number[] } {
  const random = derive('landscape', 1);
  const x = Array.from({ length: 400 }, () => random.normal());
  const y = x.map((value) => (random.uniform() < 1 / (1 + Math.exp(-2 * value)) ? 1 : 0));
  const b = new GraphBuilder('logistic');
  const w = b.initializer('w', float32([1, 1], [1.5]));
  const c = b.initializer('c', float32([1], [0.2]));
  const z = b.gemm(b.input('x', 'float32', [1, 1]), w, c);
  b.output('logits', b.concat([b.mul(z, 0), z], 1));
  return {
    subject: {
      graph: anyBatch(b.graph()),
      task: 'classification',
      output: 'logits',
      parameters: [
        { name: 'w', role: 'weight', shape: [1, 1], unitAxis: 1 },
        { name: 'c', role: 'bias', shape: [1] },
      ],
      statistics: [],
      inputs: { x: float32([x.length, 1], x) },
      target: y,
    },
    x,
    y,
  };
}

describe.each(cases)('a loss surface, against PyTorch: $name', (golden) => {
  it('has its loss, gradient and Hessian product', async () => {
    const surface = surfaceOf(subjectOf(golden));
    expect(surface.dimension).toBe(golden.gradient.length);
    expect((await surface.loss(surface.start)).loss).toBeCloseTo(golden.loss, 5);
    const gradient = await surface.gradient(surface.start);
    for (const [i, expected] of golden.gradient.entries()) expect(gradient[i]).toBeCloseTo(expected, 5);
    const ones = new Float64Array(surface.dimension).fill(1);
    const product = await surface.product(surface.start, ones);
    for (const [i, expected] of golden.product.entries()) expect(product[i]).toBeCloseTo(expected, 4);
  });

  it('has its largest eigenvalue, its most negative one, and its trace', async () => {
    const surface = surfaceOf(subjectOf(golden));
    const found = await curvature(surface, { iterations: 300, probes: 60, seed: 1 });
    const { eigenvalues } = golden;
    expect(found.products).toBe(found.largest.iterations + (found.negative?.iterations ?? 0) + 60);
    expect(found.largest.value).toBeCloseTo(eigenvalues[0], 3);
    const [low, high] = found.largest.interval;
    expect(eigenvalues.some((value) => value >= low - 1e-6 && value <= high + 1e-6)).toBe(true);
    const last = eigenvalues.at(-1)!;
    if (-last > eigenvalues[0]) expect(found.negative?.value).toBeCloseTo(last, 3);
    else expect(found.negative).toBeUndefined();
    expect(found.trace.interval[0]).toBeLessThan(golden.trace);
    expect(found.trace.interval[1]).toBeGreaterThan(golden.trace);
  });

  it('rises at the points of SAM and ASAM as it does there, and at least as much at the worst point', async () => {
    const surface = surfaceOf(subjectOf(golden));
    for (const { rho, rise, kind } of [
      { ...golden.sam, kind: 'sam' },
      { ...golden.asam, kind: 'asam' },
    ] as const) {
      const options = { rho, adaptive: kind === 'asam', steps: 10, seed: 1 };
      const found = await sharpness(surface, options);
      expect(found.kind).toBe(kind);
      expect(found.oneStep).toBeCloseTo(rise, 5);
      expect(found.worst.value).toBeGreaterThanOrEqual(found.oneStep);
      expect(found.worst.interval[0]).toBeLessThan(found.worst.value);
    }
  });
});

describe('a logistic regression', () => {
  it('has the curvature of its closed form', async () => {
    const { subject, x } = logistic();
    const surface = surfaceOf(subject);
    const { largest, negative, trace } = await curvature(surface, { iterations: 200, probes: 400, seed: 3 });
    // mean of p (1 - p) [x; 1] [x; 1]'
    let [a, b, d] = [0, 0, 0];
    for (const value of x) {
      const p = 1 / (1 + Math.exp(-(1.5 * value + 0.2)));
      const s = (p * (1 - p)) / x.length;
      a += s * value * value;
      b += s * value;
      d += s;
    }
    expect(largest.value).toBeCloseTo((a + d) / 2 + Math.hypot((a - d) / 2, b), 4);
    expect(largest.converged).toBe(true);
    expect(negative).toBeUndefined();
    expect(Math.abs(trace.value - (a + d))).toBeLessThan(0.02 * (a + d));
    expect(trace.interval[0]).toBeLessThan(a + d);
    expect(trace.interval[1]).toBeGreaterThan(a + d);
  });

  it('rises at the worst point as far as on a fine circle of all directions', async () => {
    const { subject, x, y } = logistic();
    const surface = surfaceOf(subject);
    const lossAt = (w: number, c: number): number =>
      x.reduce((sum, value, i) => sum + Math.log1p(Math.exp((y[i] === 1 ? -1 : 1) * (w * value + c))), 0) / x.length;
    const rho = 0.7;
    const rises = Array.from({ length: 720 }, (_, i) => {
      const angle = (Math.PI * i) / 360;
      return lossAt(1.5 + rho * Math.cos(angle), 0.2 + rho * Math.sin(angle)) - lossAt(1.5, 0.2);
    });
    const found = await sharpness(surface, { rho, adaptive: false, steps: 20, seed: 1 });
    expect(found.worst.value).toBeCloseTo(Math.max(...rises), 4);
  });
});

describe('the parts', () => {
  /** A symmetric matrix with known eigenvalues: reflections of a diagonal. */
  function matrix(values: readonly number[]) {
    const n = values.length;
    const u = Float64Array.from({ length: n }, (_, i) => Math.cos(i + 1));
    const length = lengthOf(u);
    const reflect = (v: Float64Array): Float64Array => {
      const along = v.reduce((sum, value, i) => sum + (value * u[i]) / length, 0);
      return v.map((value, i) => value - (2 * along * u[i]) / length);
    };
    return (v: Float64Array) => Promise.resolve(reflect(reflect(v).map((value, i) => value * values[i])));
  }

  it('power iteration finds the dominant eigenvalue and says how sure it is', async () => {
    const found = await powerIteration(matrix([5, -3, 2, 1, 0.5]), 5, { iterations: 100, seed: 1 });
    expect(found).toMatchObject({ converged: true });
    expect(found.value).toBeCloseTo(5, 4);
    const stopped = await powerIteration(matrix([5, 4, 1]), 3, { iterations: 3, seed: 1 });
    expect(stopped).toMatchObject({ converged: false, iterations: 3 });
    const [low, high] = stopped.interval;
    expect([5, 4, 1].some((value) => value >= low && value <= high)).toBe(true);
    const flat = await powerIteration(matrix([0, 0]), 2, { iterations: 5, seed: 1 });
    expect(flat).toMatchObject({ value: 0, iterations: 1, converged: true });
  });

  it('Hutchinson is exact for a diagonal matrix, and covers the trace of others', async () => {
    const values = [4, 3, -2, 1, 0.5, 0.25];
    const diagonal = await hutchinson((v) => Promise.resolve(v.map((x, i) => x * values[i])), 6, {
      probes: 3,
      seed: 1,
    });
    expect(diagonal.value).toBeCloseTo(6.75, 10);
    let covered = 0;
    for (let seed = 0; seed < 100; seed++) {
      const { interval } = await hutchinson(matrix(values), 6, { probes: 20, seed });
      if (interval[0] <= 6.75 && interval[1] >= 6.75) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(88);
  });

  it('directions have the length of each filter, and leave biases alone', () => {
    const golden = cases[1];
    const surface = surfaceOf(subjectOf(golden));
    const direction = filterNormalized(surface, 4, 0);
    expect(filterNormalized(surface, 4, 0)).toEqual(direction);
    expect(filterNormalized(surface, 4, 1)).not.toEqual(direction);
    const [kernel, bias, dense] = [54, 3, 36];
    for (let filter = 0; filter < 3; filter++) {
      const part = [filter * 18, (filter + 1) * 18] as const;
      expect(lengthOf(direction.subarray(...part))).toBeCloseTo(lengthOf(surface.start.subarray(...part)), 5);
    }
    expect(lengthOf(direction.subarray(kernel, kernel + bias))).toBe(0);
    for (let unit = 0; unit < 3; unit++) {
      const column = (from: Float32Array | Float64Array) =>
        Float64Array.from({ length: 12 }, (_, i) => from[kernel + bias + i * 3 + unit]);
      expect(lengthOf(column(direction))).toBeCloseTo(lengthOf(column(surface.start)), 5);
    }
    expect(direction).toHaveLength(kernel + bias + dense + 3);
  });

  it('curves, grids and lines between networks pass through what they are between', async () => {
    const golden = cases[0];
    const surface = surfaceOf(subjectOf(golden));
    const first = filterNormalized(surface, 1, 0);
    const second = filterNormalized(surface, 1, 1);
    const at = spaced(-1, 1, 5);
    const counted: number[] = [];
    const curve = await lossAlong(surface, first, at, (done) => counted.push(done));
    expect(counted).toEqual([1, 2, 3, 4, 5]);
    expect(curve.points[2]).toMatchObject({ at: 0 });
    expect(curve.points[2].loss).toBeCloseTo(golden.loss, 5);
    const grid = await lossGrid(surface, [first, second], at);
    expect(grid.loss[2]).toEqual(curve.points.map(({ loss }) => loss));
    expect((await lossAlong(surface, second, at)).points.map(({ loss }) => loss)).toEqual(
      grid.loss.map((row) => row[2]),
    );
    const other = surface.start.map((value) => -value);
    const { points, barrier } = await lossBetween(surface, other, spaced(0, 1, 3));
    expect(points[0].loss).toBeCloseTo(golden.loss, 5);
    expect(points[1].loss).toBeCloseTo((await surface.loss(new Float32Array(other.length))).loss, 6);
    expect(points[2].loss).toBeCloseTo((await surface.loss(other)).loss, 6);
    const middle = points[1].loss - (points[0].loss + points[2].loss) / 2;
    expect(barrier).toEqual(middle > 0 ? { at: 0.5, rise: expect.closeTo(middle, 6) } : { at: 0, rise: 0 });
  });

  it('refuses what has no loss, naming the output', async () => {
    const { subject } = logistic();
    const wrong = surfaceOf({ ...subject, task: 'regression' });
    await expect(wrong.loss(wrong.start)).rejects.toMatchObject({ code: 'LANDSCAPE_OUTPUT', kind: 'input' });
    expect(() => surfaceOf({ ...subject, target: [] })).toThrow(expect.objectContaining({ code: 'LANDSCAPE_ROWS' }));
    const controller = new AbortController();
    controller.abort();
    const stopped = new LossSurface(runtime, subject, { signal: controller.signal });
    open.push(stopped);
    await expect(stopped.loss(stopped.start)).rejects.toMatchObject({ code: 'INTERRUPTED', kind: 'cancelled' });
  });

  it('has a closed form for a linear regression: the Hessian is the mean of x x’', async () => {
    const b = new GraphBuilder('linear');
    const w = b.initializer('w', float32([2, 1], [0.5, -1]));
    b.output('y', b.matMul(b.input('x', 'float32', [1, 2]), w));
    const x = [1, 0, 0, 2, 1, 1, -1, 3];
    const surface = surfaceOf({
      graph: anyBatch(b.graph()),
      task: 'regression',
      output: 'y',
      parameters: [{ name: 'w', role: 'weight', shape: [2, 1], unitAxis: 1 }],
      statistics: [],
      inputs: { x: float32([4, 2], x) },
      target: [1, 0, 2, -1],
    });
    const errors = [0.5 - 1, -2, -0.5 - 2, -3.5 + 1];
    expect((await surface.loss(surface.start)).loss).toBeCloseTo(errors.reduce((sum, e) => sum + e * e, 0) / 8, 6);
    const product = await surface.product(surface.start, Float64Array.of(1, 0));
    // x x' summed: [3, 1 - 3; -2, 14]; over 4 rows.
    expect(product[0]).toBeCloseTo(3 / 4, 6);
    expect(product[1]).toBeCloseTo(-2 / 4, 6);
    expect(sizeOf([2, 1])).toBe(surface.dimension);
  });
});
