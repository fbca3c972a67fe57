import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { difference } from '../../../test/support/predictive.js';
import { FEATURES, openRuntimes, problem, trained, weightsOf } from '../../../test/support/training-problem.js';
import { gradients } from '../../graph/gradients.js';
import { float64 } from '../../graph/tensor.js';
import { horseshoeRidge, negativeLogPrior, type PriorKind } from './index.js';

interface Golden {
  readonly kind: PriorKind;
  readonly tau: number;
  /** With its constants. */
  readonly value: number;
  readonly gradient: number[];
}

const { w, cases } = JSON.parse(readFileSync(new URL('./goldens/prior.json', import.meta.url), 'utf8')) as {
  readonly w: number[];
  readonly cases: readonly Golden[];
};

/** log of the density's constant. */
const CONSTANTS: Record<PriorKind, (tau: number) => number> = {
  gaussian: (tau) => Math.log(tau / (2 * Math.PI)) / 2,
  laplace: (tau) => Math.log(tau / 2) / 2,
  horseshoe: (tau) => Math.log(tau) / 2 - Math.log(2 * Math.PI),
};

describe('minus the logarithm of the prior, against scipy and PyTorch', () => {
  it.each(cases)('$kind, tau $tau', async ({ kind, tau, value, gradient }) => {
    const found = await computed({ w: float64([w.length], w), tau: float64([], [tau]) }, ({ b, inputs }) => {
      const penalty = negativeLogPrior(b, kind, inputs.w, inputs.tau);
      return { penalty, slope: gradients(b, penalty, [inputs.w])[0]! };
    });
    expect(found.penalty[0] - w.length * CONSTANTS[kind](tau)).toBeCloseTo(value, 7);
    expect(difference(found.slope, gradient)).toBeLessThan(1e-8 * Math.max(1, ...gradient.map(Math.abs)));
  });

  it('the ridge of the horseshoe has the slope of the horseshoe', async () => {
    const values = w.filter((value) => value !== 0);
    const { slope, ridge } = await computed({ w: float64([values.length], values) }, ({ b, inputs }) => ({
      slope: gradients(b, negativeLogPrior(b, 'horseshoe', inputs.w, 3), [inputs.w])[0]!,
      ridge: b.mul(horseshoeRidge(b, inputs.w, 3), inputs.w),
    }));
    slope.forEach((value, i) => {
      expect(ridge[i] / value).toBeCloseTo(1, 9);
    });
  });

  it('is finite at a weight of exactly 0, where the horseshoe has its pole', async () => {
    const { slope, penalty } = await computed({ w: float64([2], [0, 1e-9]) }, ({ b, inputs }) => {
      const penalty = negativeLogPrior(b, 'horseshoe', inputs.w, 1);
      return { penalty, slope: gradients(b, penalty, [inputs.w])[0]! };
    });
    expect([...slope, ...penalty].every(Number.isFinite)).toBe(true);
  });
});

describe('a prior in a run', () => {
  it('is l2 with tau over the number of rows', async () => {
    const { ffi } = await openRuntimes();
    const options = { inputs: FEATURES, rows: 40, training: { optimizer: { type: 'sgd', learningRate: 0.05 } } };
    const [map, ridge] = await Promise.all(
      [
        { type: 'prior', strength: 8 },
        { type: 'l2', strength: 0.2 },
      ].map(async (entry) => weightsOf(await trained(ffi, problem({ ...options, regularizers: [entry] })))),
    );
    expect(difference(map, ridge)).toBeLessThan(1e-6);
  });

  it('horseshoe leaves large weights and shrinks small ones, laplace shrinks both', async () => {
    const { ffi } = await openRuntimes();
    const training = { epochs: 150, optimizer: { type: 'sgd', learningRate: 0.05, schedule: { type: 'cosine' } } };
    const options = { inputs: FEATURES, model: { type: 'linear' }, task: 'regression' as const, rows: 240, training };
    const sizes = async (regularizers: readonly Record<string, unknown>[]): Promise<number[]> => {
      const { graph } = await trained(ffi, problem({ ...options, regularizers }));
      return Array.from(graph.initializers.get('output.weight')!.data as Float32Array, Math.abs);
    };
    const plain = await sizes([]);
    const laplace = await sizes([{ type: 'prior', kind: 'laplace', strength: 40 }]);
    const horseshoe = await sizes([{ type: 'prior', kind: 'horseshoe', strength: 40, schedule: { over: 50 } }]);
    const largest = plain.indexOf(Math.max(...plain));
    const smallest = plain.indexOf(Math.min(...plain));
    expect(laplace[largest]).toBeLessThan(plain[largest]);
    expect(horseshoe[largest]).toBeGreaterThan(laplace[largest]);
    expect(horseshoe[smallest]).toBeLessThan(plain[smallest]);
  });
});
