import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeStep, stepperOf } from '../../../test/support/stepper.js';
import {
  FEATURES,
  MIXED,
  openRuntimes,
  problem,
  trained,
  weightBytes,
} from '../../../test/support/training-problem.js';
import { float32, int64 } from '../../graph/tensor.js';
import { sgd } from '../../training/optimizers.js';

interface Goldens {
  readonly x: number[][];
  readonly labels: number[];
  readonly hidden: number;
  readonly batch: number;
  readonly initial: Record<string, number[]>;
  readonly cases: readonly {
    readonly entry: Record<string, unknown>;
    readonly l2: number;
    readonly losses: number[];
    readonly parameters: Record<string, number[]>;
  }[];
}

const goldens = JSON.parse(readFileSync(new URL('./goldens/sam.json', import.meta.url), 'utf8')) as Goldens;

describe('ten steps in float64 against PyTorch', () => {
  it.each(goldens.cases.map((golden, i) => ({ i, golden })))('case $i', async ({ golden }) => {
    const { x, labels, hidden, batch, initial } = goldens;
    const base = problem({
      inputs: [{ ...FEATURES[0], shape: [x[0].length] }],
      model: { type: 'mlp', hidden: [hidden], activation: 'tanh' },
      regularizers: [golden.entry, ...(golden.l2 === 0 ? [] : [{ type: 'l2', strength: golden.l2 }])],
      rows: x.length,
      validation: 0,
      training: { batchSize: batch },
    });
    const given = {
      ...base,
      data: {
        ...base.data,
        inputs: { features: float32([x.length, x[0].length], x.flat()) },
        target: int64([labels.length], labels),
      },
    };
    const { ffi } = await openRuntimes();
    const stepper = await stepperOf(ffi, given, describeStep(given, sgd({ momentum: 0.9, nesterov: false })), true);
    let state = stepper.stateOf(new Map(Object.entries(initial).map(([key, v]) => [key, Float64Array.from(v)])));
    for (const [i, expected] of golden.losses.entries()) {
      const rows = Array.from({ length: batch }, (_, r) => (i * batch + r) % x.length);
      const result = await stepper.run(state, { step: i + 1, rate: 0.1, rows });
      expect(Math.abs(result.loss - expected)).toBeLessThan(1e-7);
      state = result.state;
    }
    const found = stepper.parametersOf(state);
    for (const [name, values] of Object.entries(golden.parameters)) {
      const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - found.get(name)![i])), 0);
      expect(worst, name).toBeLessThan(1e-7);
    }
    stepper.release();
  });
});

describe('sharpness-aware minimization in a run', () => {
  it('leaves running statistics to the first pass', async () => {
    const { ffi } = await openRuntimes();
    const model = { type: 'mlp', hidden: [5], normalization: 'batch' };
    const options = { inputs: MIXED, model, rows: 8, training: { batchSize: 8, epochs: 1 } };
    const statistics = async (regularizers: readonly Record<string, unknown>[]): Promise<string[]> => {
      const bytes = weightBytes(await trained(ffi, problem({ ...options, regularizers })));
      return [bytes['norm2.mean'], bytes['norm2.variance']];
    };
    expect(await statistics([{ type: 'sam', strength: 1 }])).toEqual(await statistics([]));
  });

  it('warns of a radius that is none for adaptive steps', async () => {
    const { sam } = await import('./index.js');
    const self = { regularizer: sam, strength: 0.05, schedule: undefined, options: { adaptive: true, eta: 0.01 } };
    expect(sam.conflicts!(self, {} as never)).toMatchObject([{ code: 'ASAM_RADIUS_SMALL' }]);
    expect(sam.conflicts!({ ...self, strength: 0.5 }, {} as never)).toEqual([]);
  });
});
