import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Sampler } from '../sampler.js';
import { createSpace, exists, type Space } from '../space.js';
import type { Trial } from '../trial.js';
import { cmaEsSampler } from './cma-es.js';
import { gpSampler } from './gp.js';
import { gridPoints, gridSampler } from './grid.js';
import { nsga2Sampler } from './nsga2.js';
import { randomSampler } from './random.js';
import { sobolSampler } from './sobol.js';
import { tpeSampler } from './tpe.js';

/** What every sampler must do alike. A new one earns the suite by a line. */
const SAMPLERS: readonly (readonly [string, Sampler])[] = [
  ['random', randomSampler],
  ['sobol', sobolSampler],
  ['grid', gridSampler(4)],
  ['tpe', tpeSampler()],
  ['tpe, one by one', tpeSampler({ multivariate: false })],
  ['gp', gpSampler()],
  ['cma-es', cmaEsSampler()],
  ['nsga-ii', nsga2Sampler({ population: 6 })],
];

const SPACE = createSpace([
  { name: 'which', dimension: { kind: 'choice', choices: ['a', 'b', 'c'] } },
  { name: 'x', dimension: { kind: 'float', low: 1e-4, high: 1, log: true } },
  { name: 'n', dimension: { kind: 'int', low: 1, high: 9, log: false } },
  {
    name: 'y',
    dimension: { kind: 'float', low: -1, high: 1, log: false },
    when: { parameter: 'which', indices: [1, 2] },
  },
]);

const loss = (point: Trial['point']): number =>
  Math.log10(point.x) ** 2 + (point.n - 4) ** 2 / 20 + (point.which === 1 ? (point.y - 0.3) ** 2 : 1);

function sweep(sampler: Sampler, count: number, { seed = 1, space = SPACE }: { seed?: number; space?: Space } = {}) {
  const trials: Trial[] = [];
  for (let number = 0; number < count; number++) {
    const suggestion = sampler.suggest({ space, trials, number, seed, objectives: 1 });
    if (suggestion === undefined) break;
    const state = number % 7 === 3 ? 'pruned' : number % 11 === 5 ? 'failed' : 'complete';
    trials.push({
      number,
      ...suggestion,
      state,
      reports: [{ step: 1, losses: [loss(suggestion.point)] }],
      units: [],
      ...(state === 'complete' ? { losses: [loss(suggestion.point)] } : {}),
    });
  }
  return trials;
}

describe.each(SAMPLERS)('%s', (_, sampler) => {
  test('stays within the space, and gives a value to every parameter that exists', () => {
    for (const { point } of sweep(sampler, 40)) {
      for (const parameter of SPACE.parameters) {
        const value = point[parameter.name];
        expect(value !== undefined, parameter.name).toBe(exists(parameter, point));
        if (value === undefined) continue;
        const { dimension } = parameter;
        if (dimension.kind === 'choice') expect(dimension.choices[value]).toBeDefined();
        else expect(value >= dimension.low && value <= dimension.high).toBe(true);
        if (dimension.kind !== 'float') expect(Number.isInteger(value)).toBe(true);
      }
    }
  });

  test('gives the same points for the same seed, others for another, whatever was asked before', () => {
    const points = (seed: number) => sweep(sampler, 30, { seed }).map(({ point }) => point);
    expect(points(1)).toEqual(points(1));
    expect(points(1)).not.toEqual(points(2));
    // A process that takes over knows nothing but the trials.
    const before = sweep(sampler, 30);
    const again = sampler.suggest({ space: SPACE, trials: before.slice(0, 25), number: 25, seed: 1, objectives: 1 });
    expect(again?.point).toEqual(before[25].point);
  });

  test('works while other trials are at work, have failed, or are all there is', () => {
    const states = ['running', 'failed', 'pruned', 'complete'] as const;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...states), { maxLength: 15 }), (given) => {
        const trials = given.map((state, number): Trial => {
          const { point } = randomSampler.suggest({ space: SPACE, trials: [], number, seed: 3, objectives: 1 })!;
          return {
            number,
            point,
            state,
            reports: [],
            units: [],
            ...(state === 'complete' ? { losses: [loss(point)] } : {}),
          };
        });
        expect(
          sampler.suggest({ space: SPACE, trials, number: trials.length, seed: 1, objectives: 1 })?.point,
        ).toBeDefined();
      }),
      { numRuns: 30 },
    );
  });
});

describe('grid', () => {
  test('tries every point once and then has nothing left', () => {
    const trials = sweep(gridSampler(3), 1000);
    expect(trials).toHaveLength(gridPoints(SPACE, 3).length);
    expect(new Set(trials.map(({ point }) => JSON.stringify(point))).size).toBe(trials.length);
    // 3 x 3 for "a", and three times as many for each of "b" and "c", which have y.
    expect(trials).toHaveLength(9 + 27 + 27);
  });

  test('refuses more points than can be tried', () => {
    const space = createSpace(
      Array.from({ length: 6 }, (_, i) => ({
        name: `x${i}`,
        dimension: { kind: 'float' as const, low: 0, high: 1, log: false },
      })),
    );
    expect(() => gridPoints(space, 10)).toThrow(/more than 100000 points/);
  });
});

describe('tpe', () => {
  test('finds what random search does not, in as many trials', () => {
    const best = (sampler: Sampler, seed: number): number =>
      Math.min(...sweep(sampler, 60, { seed }).flatMap(({ losses }) => losses ?? []));
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
    const better = seeds.filter((seed) => best(tpeSampler(), seed) < best(randomSampler, seed));
    expect(better.length).toBeGreaterThanOrEqual(7);
  });

  test.each(['pruned', 'running'] as const)('learns from trials that a pruner cut short (%s)', (state) => {
    const space = createSpace([{ name: 'x', dimension: { kind: 'float', low: 0, high: 1, log: false } }]);
    const trials: Trial[] = [];
    for (let number = 0; number < 40; number++) {
      const { point } = tpeSampler().suggest({ space, trials, number, seed: 5, objectives: 1 })!;
      const loss = Math.abs(point.x - 0.3);
      // As under successive halving: few come to the end, the others have reported how they were doing.
      const end = number % 20 === 0 ? { state: 'complete' as const, losses: [loss] } : { state };
      trials.push({ number, point, ...end, reports: [{ step: 1, losses: [loss] }], units: [] });
    }
    expect(trials.slice(20).filter(({ point: { x } }) => Math.abs(x - 0.3) < 0.1).length).toBeGreaterThan(12);
  });

  test('prefers trials that keep the constraints', () => {
    const space = createSpace([{ name: 'x', dimension: { kind: 'float', low: 0, high: 1, log: false } }]);
    const trials: Trial[] = [];
    const sampler = tpeSampler();
    for (let number = 0; number < 60; number++) {
      const { point } = sampler.suggest({ space, trials, number, seed: 5, objectives: 1 })!;
      // The least loss is at 0, and below 0.5 the constraint is broken.
      trials.push({
        number,
        point,
        state: 'complete',
        losses: [point.x],
        violations: [0.5 - point.x],
        reports: [],
        units: [],
      });
    }
    const late = trials.slice(30).map(({ point: { x } }) => x);
    expect(late.filter((x) => Math.abs(x - 0.5) < 0.1).length).toBeGreaterThan(20);
    expect(Math.min(...late.filter((x) => x >= 0.5))).toBeLessThan(0.52);
  });
});
