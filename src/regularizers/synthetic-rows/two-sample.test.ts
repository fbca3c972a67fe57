import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { derive } from '../../numeric/random.js';
import { tellSynthetic } from './findings.js';
import type { Matrix } from './real-rows.js';
import type { Source } from './source.js';
import { compareRows } from './two-sample.js';

interface Golden {
  readonly real: readonly (readonly number[])[];
  readonly made: readonly (readonly number[])[];
  readonly differs: readonly number[];
  readonly largest: number;
  readonly area: number;
}

const goldens = JSON.parse(
  readFileSync(new URL('./goldens/two-sample.json', import.meta.url), 'utf8'),
) as readonly Golden[];
const LAYOUT = { numbers: [0, 1, 2], categories: [[3, 4, 5]], flags: [6] };

const matrixOf = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  width: rows[0].length,
  data: Float32Array.from(rows.flat()),
});

describe('compareRows against scipy and scikit-learn', () => {
  it.each(goldens.map((golden, i) => ({ i, golden })))('case $i', async ({ golden }) => {
    const found = await compareRows(matrixOf(golden.real), matrixOf(golden.made), LAYOUT);
    expect(found.features).toEqual(golden.differs);
    expect(found.tested).toBe(5);
    expect(found.largest).toBeCloseTo(golden.largest, 12);
    // Codes that agree make some distances equal, and which of those neighbours comes last is anybody's choice.
    expect(Math.abs((found.area ?? 0) - golden.area)).toBeLessThan(0.01);
  });
});

describe('findings of synthetic rows', () => {
  const stream = derive(1, 'findings');
  const normals = (rows: number, shift: number): Matrix => ({
    rows,
    width: 2,
    data: Float32Array.from({ length: 2 * rows }, () => shift + stream.normal()),
  });
  const told = async (made: Matrix): Promise<string[]> => {
    const real = { ...normals(100, 0), layout: { numbers: [0, 1], categories: [], flags: [] } };
    const source: Source = {
      real,
      classes: [],
      members: [],
      counts: [],
      values: new Float32Array(100),
      trained: 100,
      strength: 1,
      seed: 1,
    };
    const findings = await tellSynthetic('gaussian-copula', source, { made, labels: [] });
    return findings.map(({ code }) => code);
  };

  it('warn of rows that are easily told apart', async () => {
    expect(await told(normals(50, 0))).toEqual(['SYNTHETIC_ROWS']);
    expect(await told(normals(50, 3))).toEqual(['SYNTHETIC_ROWS', 'SYNTHETIC_FAR_FROM_REAL']);
  });

  it('warn where they are the larger part', async () => {
    expect(await told(normals(150, 0))).toEqual(['SYNTHETIC_ROWS', 'SYNTHETIC_DOMINATES']);
    expect(await told(normals(0, 0))).toEqual([]);
  });
});
