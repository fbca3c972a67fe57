import { beforeAll, describe, expect, it } from 'vitest';
import { openRuntime } from '../runtime/choose.js';
import type { Runtime } from '../runtime/runtime.js';
import { isVariable, type OperatorCase } from './cases/case.js';
import { evaluate, finiteDifferences, worstRelativeError } from './cases/evaluate.js';
import { operatorCases } from './cases/index.js';
import { listOperators } from './registry.js';

/** Every rule against an outside authority; see cases/case.ts for what each authority means. */

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

const titled = (authority: OperatorCase['authority']) =>
  operatorCases
    .filter((test) => test.authority === authority)
    .map((test) => ({ title: `${test.operator}${test.variant === '' ? '' : `: ${test.variant}`}`, test }));

const dataOf = (test: OperatorCase) => test.inputs.filter(isVariable).map(({ data }) => data);

function expectInferred(evaluation: Awaited<ReturnType<typeof evaluate>>): void {
  expect(evaluation.types.map(({ type, shape }) => ({ type, shape: [...shape] }))).toEqual(
    evaluation.outputs.map(({ type, shape }) => ({ type, shape: [...shape] })),
  );
}

describe('gradients against finite differences in double precision', () => {
  it.each(titled('finite differences'))('$title', async ({ test }) => {
    const double = await evaluate(runtime, test, 'float64');
    expectInferred(double);
    const expected = await finiteDifferences(double, dataOf(test), { step: 1e-3, points: 4 });
    expect(worstRelativeError(double.gradients, expected, 1e-3)).toBeLessThan(1e-6);
    double.release();
    const single = await evaluate(runtime, test, 'float32');
    expect(worstRelativeError(single.gradients, double.gradients, 1)).toBeLessThan(1e-5);
    single.release();
  });
});

describe('gradients of linear operators without double precision against finite differences', () => {
  it.each(titled('linear'))('$title', async ({ test }) => {
    const single = await evaluate(runtime, test, 'float32');
    expectInferred(single);
    const expected = await finiteDifferences(single, dataOf(test), { step: 1, points: 2 });
    expect(worstRelativeError(single.gradients, expected, 1)).toBeLessThan(1e-5);
    single.release();
  });
});

describe('gradients against PyTorch in double precision', () => {
  it.each(titled('PyTorch'))('$title', async ({ test }) => {
    const golden = test.golden!;
    const single = await evaluate(runtime, test, 'float32');
    expectInferred(single);
    const values = single.outputs.map((output) => Array.from(output.data as Float32Array));
    const given = golden.values.map(({ data }) => data);
    expect(worstRelativeError(values, given, 1)).toBeLessThan(1e-5);
    const expected = golden.gradients.flatMap((gradient) => (gradient === null ? [] : [gradient.data]));
    expect(worstRelativeError(single.gradients, expected, 1)).toBeLessThan(1e-5);
    single.release();
  });
});

describe('types and shapes as the runtime gives them', () => {
  it.each(titled('shapes'))('$title', async ({ test }) => {
    const evaluation = await evaluate(runtime, test, 'float32');
    expectInferred(evaluation);
    evaluation.release();
  });
});

describe('the table', () => {
  const tested = new Set(operatorCases.map(({ operator }) => operator));
  const differentiated = new Set(
    operatorCases.filter(({ authority }) => authority !== 'shapes').map(({ operator }) => operator),
  );

  it('has a case for every operator', () => {
    expect(listOperators().flatMap(({ opType }) => (tested.has(opType) ? [] : [opType]))).toEqual([]);
  });

  it('tests the gradient of every operator that has one', () => {
    const missing = listOperators().filter(
      ({ opType, operator }) => typeof operator.gradient === 'function' && !differentiated.has(opType),
    );
    expect(missing.map(({ opType }) => opType)).toEqual([]);
  });
});
