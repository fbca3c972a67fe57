import { expect, test } from 'vitest';
import type { ClassificationInput } from '../../evaluation/input.js';
import { derive } from '../../numeric/random.js';
import { classOffsets } from './class-offsets.js';

const CLASSES = ['ham', 'spam'];

/** A rare second class whose rows lead by `lead` on average, of which the first class's trail by as much. */
function rows(seed: number, count: number, [common, rare]: readonly [number, number]): ClassificationInput {
  const stream = derive('class offsets', seed, String(rare));
  const target = Int32Array.from({ length: count }, (_, row) => (row % 7 === 0 ? 1 : 0));
  const logits = Array.from(target, (code) => [0, (code === 1 ? rare : -common) + stream.normal()]).flat();
  return { task: 'classification', classes: CLASSES, target, logits };
}

/** Share of a class's rows that are answered with it. */
function recall({ target, logits = [] }: ClassificationInput, code: number, offsets: readonly number[]): number {
  const own = Array.from(target, (_, row) => row).filter((row) => target[row] === code);
  const score = (row: number, k: number): number => logits[2 * row + k] + offsets[k];
  return own.filter((row) => score(row, code) > score(row, 1 - code)).length / own.length;
}

test('a rare class that a student gave up is recalled again as the original recalled it, on other rows too', () => {
  const fresh = rows(1000, 70_000, [3, 0.8]);
  const before = recall(rows(1001, 70_000, [2, 1.5]), 1, [0, 0]);
  const lost = Array.from({ length: 40 }, (_, seed) => {
    const offsets = classOffsets(rows(seed, 350, [2, 1.5]), rows(seed + 500, 350, [3, 0.8]));
    return before - recall(fresh, 1, offsets ?? [0, 0]);
  });
  const mean = lost.reduce((sum, each) => sum + each, 0) / lost.length;
  // Without offsets, and the mean over 40 choices by 50 rows of the class each.
  expect(before - recall(fresh, 1, [0, 0])).toBeGreaterThan(0.1);
  expect(Math.abs(mean)).toBeLessThan(0.02);
});

test('every one of many classes is answered as often as by the original, then', () => {
  const stream = derive('class offsets', 'many');
  const classes = ['a', 'b', 'c', 'd', 'e'];
  const target = Int32Array.from({ length: 600 }, () => Math.min(4, Math.floor(-2 * Math.log(1 - stream.uniform()))));
  // The less of a class there is, the less of it the student answers.
  const answers = (lean: number): ClassificationInput => {
    const logits = Array.from(target, (code) =>
      classes.map((_, k) => (k === code ? 2 : 0) - lean * k + 1.2 * stream.normal()),
    ).flat();
    return { task: 'classification', classes, target, logits };
  };
  const [original, student] = [answers(0.1), answers(0.6)];
  const offsets = classOffsets(original, student)!;
  const counted = ({ logits = [] }: ClassificationInput, moved: readonly number[]): number[] => {
    const found = classes.map(() => 0);
    for (let row = 0; row < target.length; row++) {
      const scores = moved.map((offset, k) => logits[5 * row + k] + offset);
      found[scores.indexOf(Math.max(...scores))]++;
    }
    return found;
  };
  const none = classes.map(() => 0);
  expect(counted(student, offsets)).toEqual(counted(original, none));
  expect(counted(student, none)[4]).toBeLessThan(0.7 * counted(original, none)[4]);
});

test('nothing is moved where no class is answered less, of too few rows, and of labels alone', () => {
  const [original, student] = [rows(1, 350, [2, 1.5]), rows(2, 350, [3, 0.8])];
  expect(classOffsets(original, student)).toBeDefined();
  expect(classOffsets(original, original)).toBeUndefined();
  expect(classOffsets(student, original)).toBeUndefined();
  expect(classOffsets(rows(1, 8, [2, 1.5]), rows(2, 8, [3, 0.8]))).toBeUndefined();
  const { logits: _, ...labels } = student;
  expect(classOffsets(original, { ...labels, predictions: student.target })).toBeUndefined();
});
