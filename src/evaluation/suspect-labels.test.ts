import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { suspectLabels } from './suspect-labels.js';

interface Golden {
  readonly labels: readonly number[];
  readonly classes: number;
  readonly probabilities: readonly number[];
  readonly thresholds: readonly number[];
  readonly joint: readonly (readonly number[])[];
  readonly suspects: readonly number[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/suspect-labels.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

describe('suspect labels against cleanlab', () => {
  it.each(cases.map((golden, i) => ({ i, golden })))('case $i', ({ golden }) => {
    const { labels, thresholds, joint, suspects } = golden;
    const found = suspectLabels(golden);
    found.thresholds.forEach((value, k) => {
      expect(value).toBeCloseTo(thresholds[k], 10);
    });
    // cleanlab rounds the counts of the joint to whole rows.
    found.joint.forEach((line, i) => {
      line.forEach((share, j) => {
        expect(Math.abs(share - joint[i][j]) * labels.length).toBeLessThan(1);
      });
    });
    // Rows of one margin come in any order there.
    expect(new Set(found.suspects.map(({ row }) => row))).toEqual(new Set(suspects));
    const marginOf = ({ probability }: (typeof found.suspects)[number]): number =>
      probability.suggested - probability.given;
    const margins = new Map(found.suspects.map((suspect) => [suspect.row, marginOf(suspect)]));
    expect(suspects.map((row) => margins.get(row))).toEqual(found.suspects.map(marginOf));
  });
});

describe('suspect labels', () => {
  const sure = (k: number): number[] => [0, 1, 2].map((c) => (c === k ? 0.98 : 0.01));
  const truth = Array.from({ length: 60 }, (_, i) => i % 3);

  it('finds what was flipped, says what it should be, and how much of the labels is wrong', () => {
    const labels = truth.map((k, i) => (i === 7 || i === 20 || i === 33 ? (k + 1) % 3 : k));
    const { suspects, noiseRate } = suspectLabels({ labels, probabilities: truth.flatMap(sure), classes: 3 });
    expect(suspects.map(({ row }) => row)).toEqual([7, 20, 33]);
    expect(suspects.map(({ suggested }) => suggested)).toEqual([truth[7], truth[20], truth[33]]);
    expect(suspects[0].probability).toEqual({ given: 0.01, suggested: 0.98 });
    expect(noiseRate).toBeCloseTo(0.05, 12);
  });

  it('finds nothing in clean labels, and a class without rows is no trouble', () => {
    const clean = suspectLabels({ labels: truth, probabilities: truth.flatMap(sure), classes: 3 });
    expect([clean.suspects, clean.noiseRate]).toEqual([[], 0]);
    const two = truth.map((k) => k % 2);
    expect(suspectLabels({ labels: two, probabilities: two.flatMap(sure), classes: 3 }).suspects).toEqual([]);
  });

  it('refuses probabilities that do not fit', () => {
    expect(() => suspectLabels({ labels: [0, 1], probabilities: [1, 0, 1], classes: 2 })).toThrow(
      expect.objectContaining({ code: 'EVALUATION_SHAPE' }),
    );
  });
});
