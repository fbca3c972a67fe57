import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FEATURES, openRuntimes, problem, trained, weightsOf } from '../../../test/support/training-problem.js';
import { averageInto, decayAt } from './index.js';

interface Goldens {
  readonly weights: number[][];
  readonly cases: readonly { readonly decay: number; readonly averages: number[][] }[];
  readonly equal: number[][];
}

const goldens = JSON.parse(readFileSync(new URL('./goldens/ema.json', import.meta.url), 'utf8')) as Goldens;

function expectClose(found: Float32Array, expected: readonly number[]): void {
  expected.forEach((value, i) => {
    expect(Math.abs(found[i] - value)).toBeLessThan(2e-6);
  });
}

describe("the average against PyTorch's AveragedModel", () => {
  it.each(goldens.cases)('decay $decay', ({ decay, averages }) => {
    const average = new Float32Array(goldens.weights[0].length);
    goldens.weights.forEach((weights, t) => {
      averageInto(average, Float32Array.from(weights), decayAt(t, decay, false));
      expectClose(average, averages[t]);
    });
  });

  it('of equal shares, as swa takes it', () => {
    const average = new Float32Array(goldens.weights[0].length);
    goldens.weights.forEach((weights, t) => {
      averageInto(average, Float32Array.from(weights), 1 - 1 / (t + 1));
      expectClose(average, goldens.equal[t]);
    });
  });
});

describe('the decay', () => {
  it('grows as 1 - (1 + t)^(-2/3) to the wanted one (ModelEmaV3 of timm, its defaults)', () => {
    // timm 1.0: ModelEmaV3(decay=0.9999, use_warmup=True).get_decay(t + 1) at t = 0, 1, 7, 999, 10**7.
    expect([0, 1, 7, 999].map((t) => Number(decayAt(t, 0.9999, true).toFixed(6)))).toEqual([0, 0.370039, 0.75, 0.99]);
    expect(decayAt(1e7, 0.9999, true)).toBe(0.9999);
    expect(decayAt(1, 0.9, false)).toBe(0.9);
  });
});

describe('ema in a run', () => {
  it('exports the average, and trains on as without it', async () => {
    const { ffi } = await openRuntimes();
    const options = { inputs: FEATURES, training: { epochs: 3, checkpointSeconds: 0 } };
    const plain = await trained(ffi, problem(options));
    const averaged = await trained(ffi, problem({ ...options, regularizers: [{ type: 'ema', strength: 0.9 }] }));
    expect(averaged.history.map(({ trainLoss }) => trainLoss)).toEqual(plain.history.map(({ trainLoss }) => trainLoss));
    expect(averaged.history[2].validation).not.toEqual(plain.history[2].validation);
    // The metrics of the last epoch are those of the model that is exported.
    const { validation } = averaged.outputs;
    expect(averaged.history[2].validation).toEqual(
      problem(options).metrics(problem(options).data.validation, validation),
    );
    expect(weightsOf(averaged)).not.toEqual(weightsOf(plain));
  });

  it('keeps the average of the best epoch where early stopping returns to it', async () => {
    const { ffi } = await openRuntimes();
    const options = { training: { epochs: 12, optimizer: { type: 'sgd', learningRate: 0.5 } } };
    const given = problem({
      ...options,
      regularizers: [
        { type: 'ema', strength: 0.9 },
        { type: 'early-stopping', patience: 2 },
      ],
    });
    const result = await trained(ffi, given);
    const best = result.history[result.bestEpoch - 1];
    expect(given.metrics(given.data.validation, result.outputs.validation)).toEqual(best.validation);
  });
});
