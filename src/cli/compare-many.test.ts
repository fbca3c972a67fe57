import { describe, expect, test } from 'vitest';
import { derive } from '../numeric/random.js';
import { chooseModel } from './compare-many.js';

/** Answers of models that are right with these probabilities, to the same rows. */
function answers(rights: readonly number[], rows: number, seed: number) {
  const random = derive(seed, 'candidates');
  const target = Int32Array.from({ length: rows }, () => Number(random.uniform() < 0.5));
  return rights.map((right) => ({
    ...{ task: 'classification' as const, target, classes: ['no', 'yes'] },
    predictions: Int32Array.from(target, (code) => (random.uniform() < right ? code : 1 - code)),
  }));
}
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);

describe('chooseModel', () => {
  test('names the best, how many it was chosen from, and how far the others are behind it', () => {
    const choice = chooseModel(names(3), answers([0.7, 0.9, 0.6], 1000, 1), 'accuracy')!;
    expect(choice.selection).toMatchObject({ from: 3, best: 'm1', tied: [] });
    expect(choice.candidates[1].difference).toBeNull();
    for (const i of [0, 2]) {
      const { difference, value } = choice.candidates[i];
      expect(difference!.value).toBeCloseTo(choice.candidates[1].value - value, 12);
      expect(difference!.interval[0]).toBeGreaterThan(0);
    }
  });

  test('takes the luck of the choice off: eight equal models are worth what each is', () => {
    let [apparent, corrected] = [0, 0];
    const draws = 30;
    for (let seed = 0; seed < draws; seed++) {
      const { selection } = chooseModel(names(8), answers(Array<number>(8).fill(0.8), 200, seed), 'accuracy')!;
      apparent += selection.apparent.value / draws;
      corrected += selection.corrected.value / draws;
    }
    expect(apparent).toBeGreaterThan(0.825);
    expect(Math.abs(corrected - 0.8)).toBeLessThan(0.015);
  });

  test('refuses models that answered other rows', () => {
    const [a, b] = answers([0.7, 0.8], 100, 1);
    const [other] = answers([0.7], 100, 2);
    expect(() => chooseModel(names(3), [a, b, other], 'accuracy')).toThrow(
      expect.objectContaining({ code: 'EVALUATION_NOT_PAIRED' }),
    );
  });
});
