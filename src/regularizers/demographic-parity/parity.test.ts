import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { openRuntimes, trained } from '../../../test/support/training-problem.js';
import { unfair } from '../../../test/support/unfair-problem.js';
import { float32, int64 } from '../../graph/tensor.js';
import { findConflicts } from '../resolve.js';
import { demographicParity } from './index.js';
import { deviations, parityOptions, paritySums, raiseMultipliers } from './parity.js';

interface Golden {
  readonly codes: readonly number[];
  readonly labels: readonly number[];
  readonly probabilities: readonly number[];
  readonly groups: number;
  readonly all: readonly (readonly number[])[];
  readonly class: readonly (readonly number[])[];
  readonly multipliers: readonly number[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/parity.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

describe("differences of groups against fairlearn's moments", () => {
  it.each(cases.map((golden, i) => ({ i, golden })))('case $i', async ({ golden }) => {
    const { codes, labels, probabilities, groups } = golden;
    const rows = codes.length;
    const feeds = {
      codes: int64([rows], codes),
      labels: int64([rows], labels),
      p: float32([rows, 1], probabilities),
    };
    const found = await computed(feeds, ({ b, inputs }) => {
      const members = b.oneHot(inputs.codes, groups);
      const all = paritySums(b, inputs.p, members, b.scalar(1, 'float32', [rows, 1]));
      const within = paritySums(b, inputs.p, members, b.oneHot(inputs.labels, 2));
      return { all: deviations(b, all, groups), class: deviations(b, within, groups) };
    });
    for (const event of ['all', 'class'] as const) {
      golden[event].flat().forEach((value, i) => {
        expect(found[event][i]).toBeCloseTo(value, 6);
      });
    }
    const theta = new Float32Array(2 * groups);
    let multipliers: Float32Array = new Float32Array(groups);
    for (let step = 0; step < 3; step++) {
      multipliers = raiseMultipliers(theta, golden.all.flat(), { bound: 5, allow: 0.01, rate: 20 });
    }
    golden.multipliers.forEach((value, k) => {
      expect(multipliers[k]).toBeCloseTo(value, 5);
    });
  });

  it('takes by default the steps of fairlearn: eta0 = 2 over the bound', () => {
    expect(parityOptions.parse({}).rate * demographicParity.strength.default).toBeCloseTo(2, 12);
  });

  it('is 0 for a group without a row, and compares every class of several', async () => {
    const feeds = { p: float32([3, 3], [0.5, 0.3, 0.2, 0.1, 0.6, 0.3, 0.2, 0.2, 0.6]) };
    const { d } = await computed(feeds, ({ b, inputs }) => {
      const members = b.constant(float32([3, 3], [1, 0, 0, 0, 0, 1, 0, 0, 1]));
      return { d: deviations(b, paritySums(b, inputs.p, members, b.scalar(1, 'float32', [3, 1])), 3) };
    });
    const mean = [0.8 / 3, 1.1 / 3, 1.1 / 3];
    const expected = [[0.5, 0.3, 0.2], mean, [0.15, 0.4, 0.45]].flatMap((rates) =>
      rates.map((rate, c) => rate - mean[c]),
    );
    d.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 6);
    });
  });
});

async function gapOf(regularizers: readonly Record<string, unknown>[]): Promise<{ parity: number; odds: number }> {
  const { ffi } = await openRuntimes();
  const given = unfair(regularizers);
  const { outputs } = await trained(ffi, given);
  const [chosen, rows] = [
    [0, 0],
    [0, 0],
  ];
  const hits = [0, 0];
  const positives = [0, 0];
  given.data.validation.forEach((row, i) => {
    const group = given.data.columns[0].codes[row];
    const yes =
      outputs.validation[3 * i + 2] > Math.max(outputs.validation[3 * i], outputs.validation[3 * i + 1]) ? 1 : 0;
    chosen[group] += yes;
    rows[group]++;
    if (Number(given.data.target.data[row]) !== 2) return;
    hits[group] += yes;
    positives[group]++;
  });
  return {
    parity: Math.abs(chosen[0] / rows[0] - chosen[1] / rows[1]),
    odds: Math.abs(hits[0] / positives[0] - hits[1] / positives[1]),
  };
}

describe('the gap between groups', () => {
  it('closes by the penalty and by the constraint', async () => {
    const plain = await gapOf([]);
    expect(plain.parity).toBeGreaterThan(0.3);
    const penalty = await gapOf([{ type: 'demographic-parity', strength: 30 }]);
    expect(penalty.parity).toBeLessThan(plain.parity / 3);
    const constraint = await gapOf([{ type: 'demographic-parity', mode: 'constraint', strength: 10 }]);
    expect(constraint.parity).toBeLessThan(plain.parity / 3);
    const odds = await gapOf([{ type: 'equalized-odds', strength: 30 }]);
    expect(odds.odds).toBeLessThan(plain.odds);
  });
});

describe('what there is to compare', () => {
  it('is a sensitive column with two values at least', () => {
    const given = unfair([{ type: 'equalized-odds' }]);
    const codesWith = (columns: typeof given.data.columns) =>
      findConflicts({
        active: given.regularizers,
        task: 'classification',
        columns,
        parameters: [],
        operators: [],
        optimizer: 'adamw',
        inputs: given.inputs,
        rows: 40,
        epochs: 2,
        classes: given.classes,
      }).map(({ code }) => code);
    expect(codesWith(given.data.columns)).toEqual([]);
    expect(codesWith([])).toEqual(['EQUALIZED_ODDS_NEEDS_SENSITIVE']);
    expect(codesWith([{ ...given.data.columns[0], values: ['p'] }])).toEqual(['EQUALIZED_ODDS_NEEDS_GROUPS']);
  });
});
