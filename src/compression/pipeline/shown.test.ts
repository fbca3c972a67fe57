import { describe, expect, test } from 'vitest';
import { lossByClass } from '../../evaluation/class-losses.js';
import type { ClassificationInput } from '../../evaluation/input.js';
import { wilsonInterval } from '../../numeric/index.js';
import { derive, type Random } from '../../numeric/random.js';
import { parseConstraint } from './constraints.js';
import type { Figures } from './figures.js';
import type { Remembered } from './run.js';
import { classEnds, endsOf, SURE, shownOf } from './shown.js';
import { verdict } from './verdict.js';

const CLASSES = ['ham', 'spam'];
const ROWS = 1400;
const target = Int32Array.from({ length: ROWS }, (_, row) => (row % 7 === 0 ? 1 : 0));

/** Answers that are right of each class as often as is said. */
function answers(stream: Random, recall: readonly [number, number]): ClassificationInput {
  const predictions = Int32Array.from(target, (code) => (stream.uniform() < recall[code] ? code : 1 - code));
  return { task: 'classification', classes: CLASSES, target, predictions };
}

describe('what rows show', () => {
  const constraint = parseConstraint('worstClassLoss<=2%', 'accuracy');

  test('ten candidates that lose just more than the limit: one in twenty searches at most says of any that it shows', () => {
    const stream = derive('shown', 1);
    const level = 1 - (2 * (1 - SURE)) / 10;
    let wrong = 0;
    for (let search = 0; search < 200; search++) {
      const original = answers(stream, [0.98, 0.9]);
      const any = Array.from({ length: 10 }).some(() => {
        const one = answers(stream, [0.98, 0.8799]);
        const losses = lossByClass(original, one);
        const perClass = Object.fromEntries(
          losses.map(({ class: name, rows, lost }, code) => {
            const value = [0.98, 0.9][code] - lost.value;
            return [name, { rows, recall: { value, interval: wilsonInterval(value * rows, rows, level), method: '' } }];
          }),
        );
        return shownOf(constraint, classEnds([original, one], { perClass }, level))?.shown === true;
      });
      if (any) wrong++;
    }
    expect(wrong / 200).toBeLessThanOrEqual(0.05);
  });

  test('the same answers show it of many rows and not of few; times are not of rows', () => {
    const all = answers(derive('shown', 2), [0.98, 0.9]);
    const few = { ...all, target: target.slice(0, 210), predictions: (all.predictions as Int32Array).slice(0, 210) };
    const ends = (input: ClassificationInput) => endsOf({ primary: 'accuracy', seed: 1 }, [input, input], 10);
    const [large, small] = [ends(all), ends(few)];
    expect(shownOf(constraint, large)).toMatchObject({ shown: true });
    expect(shownOf(constraint, small)).toMatchObject({ shown: false });
    expect(small.worstClassLoss).toBeGreaterThan(large.worstClassLoss);
    expect(large.quality).toBeLessThan(0.98);
    expect(large.qualityLoss).toBeLessThan(0.01);
    expect(shownOf(parseConstraint('timeRatio<=0.5', 'accuracy'), large)).toBeUndefined();
  });
});

describe('what is chosen', () => {
  const figures = (bytes: number): Figures => ({
    ...{ quality: { value: 0.9, interval: [0.8, 1] }, loss: null, ece: null, worstClass: null, p50Ms: 1, p99Ms: 1 },
    ...{ timeRatio: { value: 1, interval: [1, 1] }, coldStartMs: null, peakMemoryBytes: null, bytes },
  });
  const constraints = [parseConstraint('qualityLoss<=1%', 'accuracy')];
  const of = (qualityLoss: Readonly<Record<string, number>>, onlyShown: boolean) => {
    const made = Object.entries(qualityLoss).map(([id, end], i): [string, Remembered] => [
      id,
      {
        ...{ figures: figures(10 * (i + 1)), temperature: 1, ends: { qualityLoss: end }, lost: null },
        evaluations: null,
      },
    ]);
    const candidates = Object.keys(qualityLoss).map((id) => ({ id, steps: [] }));
    return verdict('accuracy', figures(100), new Map(made), { candidates, constraints, onlyShown, failed: {} });
  };

  test('goes by what is shown, before what is cheaper', () => {
    expect(of({ small: 0.03, sure: 0.005, large: 0.002 }, false)).toMatchObject({ chosen: 'sure', bestMiss: null });
  });

  test('or by what is cheapest, where nothing is shown, and says so', () => {
    const { chosen, tried } = of({ small: 0.03, large: 0.02 }, false);
    expect([chosen, tried[0].notShown]).toEqual(['small', { 'qualityLoss<=1%': 0.03 }]);
  });

  test('is nothing where only what is shown counts', () => {
    expect(of({ small: 0.03, large: 0.02 }, true)).toMatchObject({ chosen: null, bestMiss: 'small' });
    expect(of({ small: 0.03, large: 0.002 }, true)).toMatchObject({ chosen: 'large', bestMiss: null });
  });
});
