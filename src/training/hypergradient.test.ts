import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ProbeAt, probeTerm } from '../../test/support/hypergradient-probe.js';
import { describeStep } from '../../test/support/stepper.js';
import {
  FEATURES,
  type Inputs,
  openRuntimes,
  PICTURES,
  problem,
  SMOOTH_MLP,
  trained,
  weightBytes,
} from '../../test/support/training-problem.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { float32, int64 } from '../graph/tensor.js';
import { resolveEntry } from '../regularizers/resolve.js';
import { compileFirstTerm, compileNextTerm } from './hypergradient-graph.js';
import { LearnedStrengths } from './learned-strengths.js';
import { adam, sgd } from './optimizers.js';
import { checkProblem, type TrainingProblem } from './problem.js';
import { acting } from './step-graph.js';

let runtimes: Record<'ffi' | 'stock', Runtime>;
beforeAll(async () => {
  runtimes = await openRuntimes();
});

const HYPER = { type: 'hypergradient', warmUp: 0 };
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const packed = (members: readonly { readonly name: string }[], of: (name: string) => readonly number[]): Float64Array =>
  Float64Array.from(members.flatMap(({ name }) => of(name)));

interface Golden {
  readonly x: readonly (readonly number[])[];
  readonly y: readonly number[];
  readonly rows: number;
  readonly weights: Named;
  readonly momentum: Named;
  readonly second: Named;
  readonly cases: readonly {
    readonly optimizer: 'sgd' | 'adam';
    readonly rate: number;
    readonly step: number;
    readonly strengths: Readonly<Record<string, number>>;
    readonly value: number;
    readonly hyper: Readonly<Record<string, number>>;
  }[];
}
type Named = Readonly<Record<'w1' | 'b1' | 'w2' | 'b2', Nested>>;
type Nested = readonly (number | readonly number[])[];

const golden = JSON.parse(readFileSync(new URL('./goldens/hypergradient.json', import.meta.url), 'utf8')) as Golden;

describe('hypergradients one step ahead', () => {
  it.each(golden.cases)("agree with PyTorch's double backward under $optimizer", async (expected) => {
    const rows = golden.x.length;
    const inputs: Inputs = [{ name: 'features', content: 'tabular', type: 'float32', shape: [3] }];
    const made = problem({
      inputs,
      model: { ...SMOOTH_MLP, hidden: [4] },
      rows,
      validation: 0,
      training: { batchSize: golden.rows },
      regularizers: [...Object.entries(expected.strengths).map(([type, strength]) => ({ type, strength })), HYPER],
    });
    const given: TrainingProblem = {
      ...made,
      data: {
        ...made.data,
        inputs: { features: float32([rows, 3], golden.x.flat()) },
        target: int64([rows], [...golden.y]),
      },
    };
    const optimizer =
      expected.optimizer === 'sgd'
        ? sgd({ momentum: 0.9, nesterov: false })
        : adam('adam', { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
    const description = describeStep(given, optimizer);
    const heldBatch = rows - golden.rows;
    const graph = compileFirstTerm(description, { types: undefined, heldBatch, updates: 'graph', series: false });
    const keys = { 'dense1.weight': 'w1', 'dense1.bias': 'b1', 'output.weight': 'w2', 'output.bias': 'b2' } as const;
    const valuesOf = (named: Named, factor: number) => (name: string) =>
      named[keys[name as keyof typeof keys]].flat().map((value) => factor * value);
    const state = new Map<string, Float64Array>();
    for (const { name, members } of graph.packs) {
      state.set(`parameter.${name}`, packed(members, valuesOf(golden.weights, 1)));
      if (expected.optimizer === 'sgd') state.set(`momentum.${name}`, packed(members, valuesOf(golden.momentum, 1)));
      else {
        // The slots hold m / (1 - beta1) and v / (1 - beta2).
        state.set(`firstMoment.${name}`, packed(members, valuesOf(golden.momentum, 10)));
        state.set(`secondMoment.${name}`, packed(members, valuesOf(golden.second, 1000)));
      }
    }
    const active = acting(given.regularizers);
    const probe = await probeTerm(runtimes.ffi, graph, given, description);
    const { step, rate } = expected;
    const results = await probe.run({
      step,
      rate,
      rows: range(0, golden.rows),
      held: range(golden.rows, rows),
      strengths: active.map(({ strength }) => strength),
      state,
    });
    probe.release();
    expect(results.get('value')?.[0]).toBeCloseTo(expected.value, 10);
    expect(graph.learned.map((index) => active[index].regularizer.type).sort()).toEqual(
      Object.keys(expected.hyper).sort(),
    );
    for (const index of graph.learned) {
      const exact = expected.hyper[active[index].regularizer.type];
      expect(Math.abs((results.get(`hyper.${index}`)?.[0] ?? 0) / exact - 1)).toBeLessThan(1e-7);
    }
  });

  it.each([
    { optimizer: sgd({ momentum: 0.9, nesterov: true }) },
    { optimizer: adam('adamw', { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }) },
  ])(
    'agree with finite differences under $optimizer.type, through noise, penalties and proximal steps',
    async ({ optimizer }) => {
      const given = problem({
        inputs: FEATURES,
        regularizers: [
          { type: 'l1', strength: 0.02 },
          { type: 'elastic-net', strength: 0.03 },
          { type: 'l2', strength: 0.1 },
          { type: 'weight-decay', strength: 0.3 },
          { type: 'input-noise', strength: 0.4 },
          { type: 'label-smoothing', strength: 0.2 },
          { type: 'dropout', strength: 0.3 },
          HYPER,
        ],
      });
      const description = describeStep(given, optimizer);
      const graph = compileFirstTerm(description, { types: undefined, heldBatch: 12, updates: 'graph', series: false });
      const active = acting(given.regularizers);
      // Dropout's is a chance, and is left out.
      expect(graph.learned.map((index) => active[index].regularizer.type).sort()).toEqual(
        ['elastic-net', 'input-noise', 'l1', 'l2', 'label-smoothing', 'weight-decay'].sort(),
      );
      const probe = await probeTerm(runtimes.ffi, graph, given, description);
      const state = new Map<string, Float64Array>();
      for (const { name, shape } of graph.packs) {
        const size = shape.reduce((product, extent) => product * extent, 1);
        for (const slot of optimizer.slots) {
          // Squares of gradients are far from 0, where the root has no derivative.
          state.set(
            `${slot}.${name}`,
            Float64Array.from({ length: size }, (_, i) => 0.3 + 0.1 * Math.sin(i)),
          );
        }
      }
      const at: ProbeAt = {
        step: 3,
        rate: 0.1,
        rows: range(0, 8),
        held: range(20, 32),
        strengths: active.map(({ strength }) => strength),
        state,
      };
      const exact = await probe.run(at);
      for (const index of graph.learned) {
        const moved = async (by: number): Promise<number> => {
          const strengths = at.strengths.map((strength, i) => (i === index ? strength + by : strength));
          return (await probe.run({ ...at, strengths })).get('value')?.[0] ?? Number.NaN;
        };
        const h = 1e-5;
        const difference = ((await moved(h)) - (await moved(-h))) / (2 * h);
        const found = exact.get(`hyper.${index}`)?.[0] ?? Number.NaN;
        expect(Math.abs(found - difference) / (Math.abs(difference) + 1e-6)).toBeLessThan(1e-6);
      }
      probe.release();
    },
  );
});

describe('implicit hypergradients', () => {
  it('sum up to the closed form of ridge regression', async () => {
    const inputs: Inputs = [{ name: 'features', content: 'tabular', type: 'float32', shape: [2] }];
    const given = problem({
      inputs,
      task: 'regression',
      model: { type: 'linear' },
      rows: 30,
      training: { batchSize: 30 },
      regularizers: [{ type: 'l2', strength: 0.4, include: ['weight', 'bias'] }, HYPER],
    });
    const description = describeStep(given, sgd({ momentum: 0, nesterov: false }));
    const setting = { types: undefined, heldBatch: 20, updates: 'graph' as const, series: true };
    const first = compileFirstTerm(description, setting);
    const next = compileNextTerm(description, setting);
    const { optimum, derivative } = ridge(given, 0.4);
    const state = new Map(
      first.packs.map(({ name, members }) => [
        `parameter.${name}`,
        packed(members, (member) => (member.includes('bias') ? optimum.slice(2) : optimum.slice(0, 2))),
      ]),
    );
    const active = acting(given.regularizers);
    const index = active.findIndex(({ regularizer }) => regularizer.type === 'l2');
    const at: ProbeAt = {
      step: 1,
      rate: 0.2,
      rows: range(0, 30),
      held: range(30, 50),
      strengths: active.map(({ strength }) => strength),
      state,
    };
    const [start, term] = [
      await probeTerm(runtimes.ffi, first, given, description),
      await probeTerm(runtimes.ffi, next, given, description),
    ];
    let results = await start.run(at);
    let sum = results.get(`hyper.${index}`)?.[0] ?? Number.NaN;
    for (let i = 0; i < 150; i++) {
      const cotangents = first.packs.map(({ name }): [string, Float64Array] => [
        `cotangent.${name}`,
        results.get(`cotangent.next.${name}`)!,
      ]);
      results = await term.run({ ...at, state: new Map([...state, ...cotangents]) });
      sum += results.get(`hyper.${index}`)?.[0] ?? Number.NaN;
    }
    start.release();
    term.release();
    expect(Math.abs(sum / derivative - 1)).toBeLessThan(1e-6);
  });
});

describe('learning strengths while training', () => {
  const entries = [
    { type: 'l2', strength: 0.01 },
    { type: 'weight-decay', strength: 0.02 },
  ];
  const training = { epochs: 4, batchSize: 8 };

  it('records them epoch by epoch, holds rows back and tells what became of them', async () => {
    const given = problem({ regularizers: [...entries, { ...HYPER, every: 1 }], training });
    const result = await trained(runtimes.ffi, given);
    const last = result.history[3].strengths ?? {};
    expect(Object.keys(last).sort()).toEqual(['l2', 'weight-decay']);
    expect(result.history[0].strengths).not.toEqual(last);
    // 31 of 40 rows in batches of 8; the last is smaller, and is no update.
    expect(result.events.find(({ type }) => type === 'started')).toMatchObject({ stepsPerEpoch: 4 });
    expect(result.outputs.train).toHaveLength(3 * 40);
    const told = result.findings.find(({ code }) => code === 'STRENGTHS_LEARNED');
    expect(told?.message).toContain('in 12 updates, on 9 training rows that were held back');
    expect(told?.remedy).toContain(`{ type: l2, strength: ${Number(last.l2.toPrecision(3))} }`);
  });

  it('learns through convolutions, batch normalization and a state of averages', async () => {
    const given = problem({
      inputs: PICTURES,
      model: { type: 'cnn', layers: [{ conv: 4, normalization: 'batch', activation: 'relu' }, { pool: 2 }] },
      regularizers: [...entries, { type: 'ema' }, { ...HYPER, method: 'implicit', terms: 2, every: 1 }],
      training,
    });
    const { history } = await trained(runtimes.ffi, given);
    expect(history[3].strengths?.l2).not.toBeCloseTo(0.01, 4);
  });

  it('learns the named ones alone, to the same bytes on both runtimes', async () => {
    const given = problem({
      regularizers: [...entries, { ...HYPER, learn: ['l2'], method: 'implicit', terms: 3, every: 2 }],
      training,
    });
    const result = await trained(runtimes.ffi, given);
    expect(Object.keys(result.history[3].strengths ?? {})).toEqual(['l2']);
    expect(weightBytes(await trained(runtimes.stock, given))).toEqual(weightBytes(result));
  });

  it('is what training with fixed strengths would be until the first update', async () => {
    const result = await trained(
      runtimes.ffi,
      problem({ regularizers: [...entries, { ...HYPER, warmUp: 9 }], training }),
    );
    expect(result.history.map(({ strengths }) => strengths)).toEqual(
      result.history.map(() => ({
        l2: expect.closeTo(0.01, 12) as number,
        'weight-decay': expect.closeTo(0.02, 12) as number,
      })),
    );
  });

  it.each([
    ['dropout', 'it decides by chance'],
    ['mixup', 'it sets what is drawn'],
    ['tabular-augmentation', 'it decides by chance'],
  ])('refuses the strength of %s', (type, reason) => {
    const given = problem({ inputs: FEATURES, regularizers: [...entries, { type }, { ...HYPER, learn: [type] }] });
    expect(() => checkProblem(given)).toThrow(
      expect.objectContaining({
        code: 'STRENGTH_NOT_DIFFERENTIABLE',
        value: type,
        message: expect.stringContaining(reason) as string,
      }),
    );
  });

  it('refuses to learn nothing', () => {
    const given = problem({ inputs: FEATURES, regularizers: [{ type: 'dropout' }, HYPER] });
    expect(() => checkProblem(given)).toThrow(expect.objectContaining({ code: 'STRENGTH_NOT_DIFFERENTIABLE' }));
  });
});

describe('LearnedStrengths', () => {
  it('steps by its rate against the sign at first, and stays within bounds', () => {
    const active = [resolveEntry({ type: 'label-smoothing', strength: 0.5 }, 'a'), resolveEntry({ type: 'l2' }, 'b')];
    const strengths = new LearnedStrengths(active, [0, 1], 0.1);
    strengths.update([-1e-9, 3]);
    expect(strengths.at(0)).toBeCloseTo(0.5 * Math.exp(0.1), 8);
    expect(strengths.at(1)).toBeCloseTo(1e-3 * Math.exp(-0.1), 10);
    for (let i = 0; i < 3000; i++) strengths.update([-1, 1]);
    expect(strengths.values()).toEqual({
      'label-smoothing': expect.closeTo(0.999, 9) as number,
      l2: expect.closeTo(1e-7, 12) as number,
    });
    strengths.update([Number.NaN, 1]);
    expect(strengths.state().updates).toBe(3001);
    strengths.recall({ l2: 0.02 });
    expect(strengths.values()).toEqual({
      'label-smoothing': expect.closeTo(0.5, 9) as number,
      l2: expect.closeTo(0.02, 9) as number,
    });
  });
});

/** Ridge regression with a penalized intercept: w = (A + s)^-1 c, and dV/ds = -(dV/dw)' (A + s)^-1 w. */
function ridge({ data }: TrainingProblem, strength: number): { optimum: number[]; derivative: number } {
  const row = (i: number): number[] => [
    Number(data.inputs.features.data[2 * i]),
    Number(data.inputs.features.data[2 * i + 1]),
    1,
  ];
  const moment = range(0, 3).map((a) =>
    range(0, 3).map(
      (b) => range(0, 30).reduce((sum, i) => sum + row(i)[a] * row(i)[b], 0) / 30 + (a === b ? strength : 0),
    ),
  );
  const right = range(0, 3).map(
    (a) => range(0, 30).reduce((sum, i) => sum + row(i)[a] * Number(data.target.data[i]), 0) / 30,
  );
  const optimum = solve(moment, right);
  const slope = range(0, 3).map(
    (a) =>
      range(30, 50).reduce((sum, i) => {
        const error = row(i).reduce((total, x, b) => total + x * optimum[b], 0) - Number(data.target.data[i]);
        return sum + error * row(i)[a];
      }, 0) / 20,
  );
  const pulled = solve(moment, optimum);
  return { optimum, derivative: -slope.reduce((sum, value, a) => sum + value * pulled[a], 0) };
}

/** Gaussian elimination of a small symmetric positive system. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((line, i) => [...line, right[i]]);
  rows.forEach((pivot, i) => {
    rows.forEach((line, j) => {
      if (i === j) return;
      const factor = line[i] / pivot[i];
      line.forEach((_, k) => {
        line[k] -= factor * pivot[k];
      });
    });
  });
  return rows.map((line, i) => line[right.length] / line[i]);
}
