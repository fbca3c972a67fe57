import { describe, expect, it } from 'vitest';
import { memoryOf, withMemory } from './index.js';

const TASKS = [Int32Array.of(0, 1, 2, 3, 4), Int32Array.of(10, 11, 12), Int32Array.of(20, 21, 22, 23, 24, 25, 26, 27)];
const at = (task: number, more: object = {}) => ({
  seed: 1,
  strength: 0.5,
  epoch: 4,
  task,
  batchSize: 4,
  rows: TASKS,
  ...more,
});

describe('memoryOf', () => {
  it('keeps the same rows of a task, as many as the buffer holds', () => {
    const kept = memoryOf(TASKS[0], 0, 1, 3);
    expect(kept.length).toBe(3);
    expect(new Set(kept).size).toBe(3);
    expect(Array.from(kept).every((row) => TASKS[0].includes(row))).toBe(true);
    expect(memoryOf(TASKS[0], 0, 1, 3)).toEqual(kept);
    expect(memoryOf(TASKS[1], 1, 1, 100).length).toBe(3);
  });
});

describe('withMemory', () => {
  const order = Int32Array.from({ length: 400 }, (_, i) => TASKS[2][i % 8]);

  it('fills its share of every batch from the memories of earlier tasks, each as often', () => {
    const mixed = withMemory(at(2), 2, order);
    const counts = [0, 0];
    for (let start = 0; start < 400; start += 4) {
      const batch = Array.from(mixed.subarray(start, start + 4));
      expect(batch.filter((row) => row < 20).length).toBe(2);
      expect(batch.slice(2)).toEqual(Array.from(order.subarray(start + 2, start + 4)));
      for (const row of batch) if (row < 20) counts[row < 10 ? 0 : 1]++;
    }
    expect(Math.abs(counts[0] - counts[1])).toBeLessThan(5 * Math.sqrt(200 / 4) * 2);
    expect(new Set(mixed.filter((row) => row < 10)).size).toBe(2);
  });

  it('leaves the first task, and a share of none, as they are', () => {
    expect(withMemory(at(0), 2, order)).toBe(order);
    expect(withMemory(at(2, { strength: 0 }), 2, order)).toBe(order);
  });

  it('follows from seed and epoch', () => {
    expect(withMemory(at(2), 2, order)).toEqual(withMemory(at(2), 2, order));
    expect(withMemory(at(2, { epoch: 5 }), 2, order)).not.toEqual(withMemory(at(2), 2, order));
  });
});
