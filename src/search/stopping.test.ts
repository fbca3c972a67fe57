import { describe, expect, test } from 'vitest';
import { derive } from '../numeric/random.js';
import type { Sampler } from './sampler.js';
import { gpSampler } from './samplers/gp.js';
import { randomSampler } from './samplers/random.js';
import { sobolSampler } from './samplers/sobol.js';
import { tpeSampler } from './samplers/tpe.js';
import { createSpace, type Parameter, type Point } from './space.js';
import { leftToGain, lookReached } from './stopping.js';
import type { Trial } from './trial.js';

const SAMPLERS: readonly (readonly [string, Sampler])[] = [
  ['random', randomSampler],
  ['sobol', sobolSampler],
  ['tpe', tpeSampler()],
  ['gp', gpSampler()],
];

interface Simulated {
  readonly parameters: readonly string[];
  readonly value: (point: Point) => number;
  /** Standard deviation of what a trial's loss is off by, and the standard error that the sweep stops at. */
  readonly jitter: number;
  readonly error: number;
}

const parameter = (name: string): Parameter => ({ name, dimension: { kind: 'float', low: 0, high: 1, log: false } });

/** Trials after which a sweep of at most so many ends, and how much worse than the least loss of all its best is. */
function simulated({ parameters, value, jitter, error }: Simulated, sampler: Sampler, seed: number, most = 40) {
  const space = createSpace(parameters.map(parameter));
  const random = derive(seed, 'jitter');
  const trials: Trial[] = [];
  let looked: number | undefined;
  for (let number = 0; number < most; number++) {
    const look = lookReached(trials.length, 20);
    if (look !== undefined && look !== looked) {
      looked = look;
      if (leftToGain(space, trials, seed)!.left < error) break;
    }
    const { point } = sampler.suggest({ space, trials, number, seed, objectives: 1 })!;
    const loss = value(point) + jitter * random.normal();
    trials.push({ number, point, state: 'complete', losses: [loss], reports: [], units: [] });
  }
  const best = trials.reduce((a, b) => (b.losses![0] < a.losses![0] ? b : a));
  return { trials: trials.length, lacks: value(best.point) };
}

const SEEDS = [1, 2, 3];
const FLAT: Simulated = { parameters: ['a', 'b'], value: () => 0, jitter: 0.008, error: 0.02 };
const BOWL: Simulated = {
  parameters: ['a', 'b'],
  value: ({ a, b }) => (a - 0.3) ** 2 + (b - 0.6) ** 2,
  jitter: 0.005,
  error: 0.02,
};
/** Of which chance finds little in so few trials: the least is at a corner of four dimensions. */
const CORNER: Simulated = {
  parameters: ['a', 'b', 'c', 'd'],
  value: ({ a, b, c, d }) => 1 - Math.sqrt(a * b * c * d),
  jitter: 0.005,
  error: 0.02,
};

describe.each(SAMPLERS)('sweeps by %s', (name, sampler) => {
  test('end at the first look where nothing varies but chance', () => {
    for (const seed of SEEDS) expect(simulated(FLAT, sampler, seed).trials, `seed ${seed}`).toBe(20);
  });

  test('that end have found the best up to the noise', () => {
    for (const seed of SEEDS) {
      const { trials, lacks } = simulated(BOWL, sampler, seed);
      if (trials < 40) expect(lacks, `seed ${seed}`).toBeLessThan(BOWL.error);
    }
  });

  test('do not end while they still improve', () => {
    for (const seed of SEEDS) {
      const { trials, lacks } = simulated(CORNER, sampler, seed);
      // Whoever follows the slope is at the corner before the first look, and may end there.
      if (name === 'gp') expect(lacks, `seed ${seed}`).toBeLessThan(CORNER.error);
      else expect(trials, `seed ${seed}`).toBe(40);
    }
  });
});

describe('what is left to gain', () => {
  const space = createSpace(['x'].map(parameter));
  const trial = (number: number, x: number, loss: number, violations: readonly number[] = []): Trial => ({
    ...{ number, point: { x }, state: 'complete', losses: [loss], reports: [], units: [], violations },
  });
  const slope = Array.from({ length: 12 }, (_, i) => trial(i, i / 22, -i / 22));

  test('is what lies beyond the trials, and nothing once they are there', () => {
    const before = leftToGain(space, slope, 1)!;
    expect(before.left).toBeGreaterThan(0.3);
    expect(before.left).toBeCloseTo(before.best - before.least);
    const beyond = [...slope, ...Array.from({ length: 6 }, (_, i) => trial(12 + i, 0.75 + i / 20, -0.75 - i / 20))];
    expect(leftToGain(space, beyond, 1)!.left).toBeLessThan(0.1);
  });

  test('is unknown without trials that keep the constraints', () => {
    expect(leftToGain(space, [], 1)).toBeUndefined();
    const broken = slope.map(({ number, point: { x } }) => trial(number, x, 0, [1]));
    expect(leftToGain(space, broken, 1)).toBeUndefined();
  });

  test('is looked at more seldom the more trials there are', () => {
    const at = Array.from({ length: 60 }, (_, complete) => lookReached(complete, 20));
    expect(at[19]).toBeUndefined();
    expect([...new Set(at.slice(20))]).toEqual([20, 22, 24, 26, 28, 30, 33, 36, 39, 42, 46, 50, 55]);
  });
});
