import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FEATURES, problem, trained } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { densityRatios, effectiveSampleSize } from './index.js';

const { cases } = JSON.parse(readFileSync(new URL('./goldens/importance-weighting.json', import.meta.url), 'utf8')) as {
  cases: readonly {
    rows: number;
    columns: number;
    penalty: number;
    limit: number;
    x: number[];
    isTarget: boolean[];
    ratios: number[];
    effective: number;
  }[];
};

describe("density ratios against scikit-learn's classifier of domains", () => {
  it.each(cases.map((golden, i) => ({ i, golden })))('case $i', ({ golden }) => {
    const { rows, columns, penalty, limit, x, isTarget, ratios, effective } = golden;
    const found = densityRatios({ rows, columns, data: Float64Array.from(x) }, isTarget, { penalty, limit });
    expect(found.length).toBe(ratios.length);
    ratios.forEach((expected, i) => {
      expect(Math.abs(found[i] - expected)).toBeLessThan(1e-5 * Math.max(1, expected));
    });
    expect(effectiveSampleSize(found)).toBeCloseTo(effective, 3);
  });
});

describe('effectiveSampleSize', () => {
  it('is the number of rows where all weigh the same, and 1 where one weighs all', () => {
    expect(effectiveSampleSize([2, 2, 2, 2])).toBe(4);
    expect(effectiveSampleSize([0, 5, 0])).toBe(1);
  });
});

describe('importance-weighting in a run', () => {
  it('tells the effective sample size, and uses rows without a label', async () => {
    const run = async (unlabelled: number, strength = 1): Promise<{ message: string; weights: unknown }> => {
      const result = await trained(
        await openRuntime(),
        problem({
          inputs: FEATURES,
          unlabelled,
          regularizers: [{ type: 'importance-weighting', target: 'far', strength }],
        }),
      );
      const finding = result.findings.find(({ code }) => code === 'IMPORTANCE_WEIGHTS');
      return { message: finding!.message, weights: result.graph.initializers.get('dense1.weight')!.data };
    };
    const whole = await run(0);
    const size = Number(/as much as ([\d.]+)/.exec(whole.message)![1]);
    const rows = Number(/(\d+) source rows/.exec(whole.message)![1]);
    expect(size).toBeGreaterThan(1);
    expect(size).toBeLessThan(rows);
    // Flatter weights carry more rows.
    expect(Number(/as much as ([\d.]+)/.exec((await run(0, 0.3)).message)![1])).toBeGreaterThan(size);
    const partly = await run(20);
    expect(Number(/(\d+) source rows/.exec(partly.message)![1])).toBe(rows);
  });
});
