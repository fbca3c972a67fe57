import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { validationOutput } from '../../../test/support/predictive.js';
import { openRuntimes, trained, weightBytes } from '../../../test/support/training-problem.js';
import { unfair } from '../../../test/support/unfair-problem.js';
import { float32 } from '../../graph/tensor.js';
import { findConflicts } from '../resolve.js';
import { mixtureWeights } from './mixture-weights.js';
import { chargesOf, cheapest } from './reduction.js';

interface Relabelled {
  readonly multipliers: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly weights: readonly number[];
}

interface Goldens {
  readonly relabelled: readonly ({
    readonly codes: readonly number[];
    readonly labels: readonly number[];
    readonly groups: number;
  } & Readonly<Record<'all' | 'class', Relabelled>>)[];
  readonly mixtures: readonly {
    readonly errors: readonly number[];
    readonly excesses: readonly (readonly number[])[];
    readonly bound: number;
    readonly value: number;
  }[];
}

const goldens = JSON.parse(readFileSync(new URL('./goldens/reduction.json', import.meta.url), 'utf8')) as Goldens;

describe('the reduction to weighted classification, against fairlearn', () => {
  it.each(
    goldens.relabelled.flatMap((golden, i) => (['all', 'class'] as const).map((event) => ({ i, event, golden }))),
  )('case $i, event $event', async ({ event, golden }) => {
    const { codes, labels, groups } = golden;
    const { multipliers, labels: expected, weights } = golden[event];
    const rows = codes.length;
    const events = event === 'all' ? 1 : 2;
    const counts = new Float64Array(groups * events);
    codes.forEach((code, row) => {
      counts[code * events + (event === 'all' ? 0 : labels[row])]++;
    });
    const charges = chargesOf(multipliers.flat(), counts, events);
    const costs = codes.flatMap((code, row) => [
      labels[row] === 0 ? 0 : 1,
      (labels[row] === 1 ? 0 : 1) + charges[code * events + (event === 'all' ? 0 : labels[row])],
    ]);
    const found = await computed({ costs: float32([rows, 2], costs) }, ({ b, inputs }) => cheapest(b, inputs.costs));
    expected.forEach((label, row) => {
      expect(found.target[2 * row + 1]).toBe(label);
      expect(found.weight[row]).toBeCloseTo(weights[row], 5);
    });
  });

  it('takes the cheapest of several classes, and weighs it by what the next one costs more', async () => {
    const { target, weight } = await computed({ costs: float32([2, 3], [1, 0.25, 0.75, -2, 1, 1]) }, ({ b, inputs }) =>
      cheapest(b, inputs.costs),
    );
    expect(Array.from(target)).toEqual([0, 1, 0, 1, 0, 0]);
    expect(Array.from(weight)).toEqual([0.5, 3]);
  });
});

describe('the weights of a mixture, against scipy.optimize.linprog', () => {
  it.each(goldens.mixtures.map((golden, i) => ({ i, golden })))('case $i', ({ golden }) => {
    const { errors, excesses, bound, value } = golden;
    const { weights, prices } = mixtureWeights({ errors, excesses }, bound);
    const mixed = (values: readonly number[]): number => values.reduce((sum, each, k) => sum + weights[k] * each, 0);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 10);
    expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
    expect(mixed(errors) + bound * Math.max(0, ...excesses.map(mixed))).toBeCloseTo(value, 9);
    // Strong duality: no classifier is cheaper at the prices than the mixture.
    const costs = errors.map((error, k) => error + prices.reduce((sum, price, j) => sum + price * excesses[j][k], 0));
    expect(Math.min(...costs)).toBeCloseTo(value, 9);
    expect(prices.reduce((sum, price) => sum + price, 0)).toBeLessThanOrEqual(bound + 1e-9);
    expect(weights.filter((weight) => weight > 1e-9).length).toBeLessThanOrEqual(excesses.length + 1);
  });
});

describe('a mixture', () => {
  const TRAINING = { epochs: 20 };
  const mixture = { type: 'demographic-parity', mode: 'mixture', strength: 10, allow: 0.02 };
  const gapOf = (given: ReturnType<typeof unfair>, shares: (i: number) => number): number => {
    const [chosen, rows] = [
      [0, 0],
      [0, 0],
    ];
    given.data.validation.forEach((row, i) => {
      const group = given.data.columns[0].codes[row];
      chosen[group] += shares(i);
      rows[group]++;
    });
    return Math.abs(chosen[0] / rows[0] - chosen[1] / rows[1]);
  };

  it('keeps the groups together on rows it was not trained on, by its votes and by its own decision, as one graph', async () => {
    const { ffi } = await openRuntimes();
    const given = unfair([mixture], TRAINING);
    const plain = await trained(ffi, unfair([], TRAINING));
    const found = await trained(ffi, given);
    const yes = (outputs: Float32Array) => (i: number) =>
      outputs[3 * i + 2] > Math.max(outputs[3 * i], outputs[3 * i + 1]) ? 1 : 0;
    expect(gapOf(given, yes(plain.outputs.validation))).toBeGreaterThan(0.3);
    expect(gapOf(given, yes(found.outputs.validation))).toBeLessThan(0.12);
    const votes = await validationOutput(ffi, given, found.graph, 'votes');
    expect(gapOf(given, (i) => votes[3 * i + 2])).toBeLessThan(0.12);
    for (let i = 0; i < given.data.validation.length; i++) {
      expect(votes[3 * i] + votes[3 * i + 1] + votes[3 * i + 2]).toBeCloseTo(1, 5);
      const sum = [0, 1, 2].reduce((total, c) => total + Math.exp(found.outputs.validation[3 * i + c]), 0);
      expect(sum).toBeCloseTo(1, 5);
    }
    expect(found.findings.map(({ code }) => code)).toContainEqual(expect.stringMatching(/^MIXTURE/));
  });

  it('is the same after a resumption, to the last byte', async () => {
    const { ffi } = await openRuntimes();
    const make = () => unfair([mixture], { epochs: 10, checkpointSeconds: 0 });
    const whole = await trained(ffi, make());
    const resume = whole.checkpoints[Math.floor(whole.checkpoints.length / 2)];
    const resumed = await trained(ffi, make(), { resume });
    expect(weightBytes(resumed)).toEqual(weightBytes(whole));
  });

  it.each([
    [{ ...mixture, rounds: 30 }, [], 'DEMOGRAPHIC_PARITY_ROUNDS'],
    [mixture, [{ type: 'swa' }], 'DEMOGRAPHIC_PARITY_MIXTURE_WITH'],
    [mixture, [{ type: 'pruning' }], 'DEMOGRAPHIC_PARITY_MIXTURE_WITH'],
    [mixture, [{ type: 'l2' }], undefined],
  ])('is refused where it cannot be made: %j with %j', (own, others, code) => {
    const given = unfair([own, ...others], TRAINING);
    const errors = findConflicts({
      active: given.regularizers,
      task: 'classification',
      columns: given.data.columns,
      parameters: [],
      operators: [],
      optimizer: 'adamw',
      inputs: given.inputs,
      rows: 600,
      epochs: 20,
      classes: given.classes,
    }).filter(({ severity }) => severity === 'error');
    expect(errors.map((error) => error.code)).toEqual(code === undefined ? [] : [code]);
  });
});
