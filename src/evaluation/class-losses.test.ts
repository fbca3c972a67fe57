import { describe, expect, test } from 'vitest';
import { derive } from '../numeric/random.js';
import { falsePositivesByClass, lossByClass } from './class-losses.js';

/** Two answers to rows of two classes, right with these probabilities, independently. */
function answers(rows: readonly number[], right: readonly [number, number][], seed: number) {
  const random = derive(seed, 'class losses');
  const target = Int32Array.from(rows.flatMap((count, code) => Array<number>(count).fill(code)));
  const [before, after] = [0, 1].map((at) =>
    Int32Array.from(target, (code) => (random.uniform() < right[code][at] ? code : 1 - code)),
  );
  const input = (predictions: Int32Array) =>
    ({ task: 'classification', target, predictions, classes: ['common', 'rare'] }) as const;
  return [input(before), input(after)] as const;
}

describe('lossByClass', () => {
  test('counts recall before minus recall after', () => {
    const target = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1];
    const classes = ['a', 'b'];
    const before = { task: 'classification', target, predictions: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1], classes } as const;
    const after = { task: 'classification', target, predictions: [0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1], classes } as const;
    const [a, b] = lossByClass(before, after);
    expect([a.class, a.rows, b.class, b.rows]).toEqual(['a', 6, 'b', 5]);
    expect(a.lost.value).toBeCloseTo(-1 / 6, 12);
    expect(b.lost.value).toBeCloseTo(2 / 5, 12);
    expect(
      lossByClass(
        { task: 'regression', target: [1], predictions: [1] },
        { task: 'regression', target: [1], predictions: [1] },
      ),
    ).toEqual([]);
  });

  test('leaves out classes of hardly any rows', () => {
    const [before, after] = answers(
      [50, 4],
      [
        [0.9, 0.9],
        [0.9, 0.9],
      ],
      1,
    );
    expect(lossByClass(before, after).map(({ class: name }) => name)).toEqual(['common']);
  });

  test('all intervals hold together in 95 % of draws', () => {
    const draws = 1000;
    let together = 0;
    for (let seed = 0; seed < draws; seed++) {
      const losses = lossByClass(
        ...answers(
          [300, 60],
          [
            [0.9, 0.85],
            [0.8, 0.7],
          ],
          seed,
        ),
      );
      const truth = [0.05, 0.1];
      if (losses.every(({ lost }, code) => lost.interval[0] <= truth[code] && truth[code] <= lost.interval[1]))
        together++;
    }
    expect(together / draws).toBeGreaterThan(0.93);
    expect(together / draws).toBeLessThan(0.99);
  });
});

describe('falsePositivesByClass', () => {
  test('judges the positive class of two, and each of more', () => {
    const of = (predictions: readonly number[], classes: readonly string[]) =>
      ({ task: 'classification', target: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1], predictions, classes }) as const;
    const before = [1, 1, 0, 0, 0, 1, 1, 1, 1, 0];
    const after = [1, 0, 0, 0, 0, 1, 1, 1, 1, 0];
    const two = falsePositivesByClass(of(before, ['no', 'yes']), of(after, ['no', 'yes']));
    expect(two.map(({ class: name, rows, before: share }) => [name, rows, share])).toEqual([['yes', 5, 0.4]]);
    expect(two[0].lost.value).toBeCloseTo(0.2, 12);
    const three = ['no', 'yes', 'perhaps'];
    expect(falsePositivesByClass(of(before, three), of(after, three)).map(({ class: name }) => name)).toEqual(three);
  });

  test('calls a fall of none clear in no more than its share of draws', () => {
    let alarms = 0;
    for (let seed = 0; seed < 400; seed++) {
      const [before, after] = answers(
        [150, 150],
        [
          [0.8, 0.8],
          [0.8, 0.8],
        ],
        seed,
      );
      alarms += Number(falsePositivesByClass(before, after, 0.99)[0].lost.interval[0] > 0);
    }
    expect(alarms / 400).toBeLessThan(0.02);
  });
});
