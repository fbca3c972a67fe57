import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareRegret, ourStudy } from '../../benchmarks/tuning/compare.js';
import { FUNCTIONS } from '../../benchmarks/tuning/functions.js';
import { OptunaPeer } from '../../benchmarks/tuning/optuna.js';
import {
  cmaEsSampler,
  gpSampler,
  hypervolume,
  nsga2Sampler,
  type Sampler,
  tpeSampler,
} from '../../src/search/index.js';
import type { Parameter, Point } from '../../src/search/space.js';

const PYTHON = process.env.BALLAST_PYTHON;

function hasOptuna(): boolean {
  if (PYTHON === undefined) return false;
  try {
    execFileSync(PYTHON, ['-c', 'import optuna, cmaes'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Fewer seeds than docs/results/tuning.md: that nothing is far behind. */
const SEEDS = 6;

describe.skipIf(!hasOptuna())('Optuna (needs BALLAST_PYTHON, a Python with optuna and cmaes)', () => {
  let peer: OptunaPeer;
  beforeAll(() => {
    peer = new OptunaPeer(PYTHON ?? '');
  });
  afterAll(() => peer.close());

  test.each<[string, Sampler, string]>([
    ['tpe', tpeSampler(), 'tpe'],
    ['cma-es', cmaEsSampler(), 'cma-es'],
    ['gp', gpSampler(), 'tpe'],
  ])(
    'our %s is no further from the least value than the peer, over the fixed functions',
    async (_, sampler, theirs) => {
      const differences: number[] = [];
      for (const each of FUNCTIONS.filter(({ name }) => ['branin', 'hartmann6', 'strengths'].includes(name))) {
        const [found] = await compareRegret(each, { sampler, peer, peerSampler: theirs }, { at: [50], seeds: SEEDS });
        differences.push(found.difference);
      }
      // Decimal logarithms of regrets: over three functions and six seeds chance makes some tenths.
      expect(differences.reduce((sum, each) => sum + each, 0) / differences.length).toBeLessThan(0.25);
    },
  );

  test.each<[string, Sampler]>([
    ['nsga-ii', nsga2Sampler()],
    ['tpe', tpeSampler()],
  ])('our %s covers as much between two objectives (ZDT1)', async (name, sampler) => {
    const parameters: Parameter[] = Array.from({ length: 6 }, (_, i) => ({
      name: `x${i}`,
      dimension: { kind: 'float', low: 0, high: 1, log: false },
    }));
    // Zitzler, Deb and Thiele 2000.
    const value = (point: Point): number[] => {
      const rest = [1, 2, 3, 4, 5].reduce((sum, i) => sum + point[`x${i}`], 0);
      const g = 1 + (9 * rest) / 5;
      return [point.x0, g * (1 - Math.sqrt(point.x0 / g))];
    };
    let [ours, theirs] = [0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const setting = { trials: 120, seed, objectives: 2 };
      ours += hypervolume(await ourStudy(sampler, parameters, value, setting), [1.1, 8]);
      theirs += hypervolume(await peer.study({ sampler: name, parameters, ...setting }, value), [1.1, 8]);
    }
    expect(ours).toBeGreaterThan(0.97 * theirs);
  });
});
