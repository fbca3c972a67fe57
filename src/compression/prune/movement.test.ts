import { describe, expect, test } from 'vitest';
import { modelOf } from '../../../test/support/networks.js';
import type { Model } from '../../graph/model.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import type { PrunableGroup } from './groups.js';
import { importanceOf } from './importance.js';
import { movementOf } from './movement.js';

/** A matrix of three columns, one unit each. */
const model = (weights: ArrayLike<number>): Model =>
  modelOf({
    name: 'one',
    inputs: [],
    outputs: [],
    initializers: new Map([['w', float32([4, 3], Float32Array.from(weights))]]),
    nodes: [],
    valueInfo: new Map(),
  });

const GROUP: PrunableGroup = {
  name: 'w',
  units: [0, 1, 2].map((index) => ({ id: index, members: [{ name: 'w', axis: 1, index, makes: true }] })),
};

describe('movement', () => {
  test('is the sum of -rate x gradient x weight over the steps of gradient descent', () => {
    const stream = derive('movement');
    const draw = () => Float64Array.from({ length: 12 }, () => stream.normal());
    const [start, goal] = [draw(), draw()];
    const rate = 1e-3;
    const weights = Float64Array.from(start);
    const scores = new Float64Array(12);
    for (let step = 0; step < 500; step++) {
      for (const i of weights.keys()) {
        const gradient = weights[i] - goal[i];
        scores[i] -= rate * gradient * weights[i];
        weights[i] -= rate * gradient;
      }
    }
    const moved = movementOf(model(start), model(weights)).get('w')!;
    for (const [i, score] of scores.entries()) expect(Math.abs(moved[i] - score)).toBeLessThan(2e-3);
  });

  test('makes what shrinks worth least, however large it is', () => {
    // The first column is largest and shrinks, the second grows, the third stays.
    const before = model([5, 1, 2, 5, 1, 2, 5, 1, 2, 5, 1, 2]);
    const after = model([4, 2, 2, 4, 2, 2, 4, 2, 2, 4, 2, 2]);
    const worth = importanceOf(after.graph, GROUP, 'movement', movementOf(before, after));
    expect(Array.from(worth, Math.sign)).toEqual([-1, 1, 0]);
    const mean = worth.reduce((sum, each) => sum + Math.abs(each), 0) / 3;
    expect(mean).toBeCloseTo(1, 10);
    const large = importanceOf(after.graph, GROUP, 'magnitude');
    expect(large.indexOf(Math.max(...large))).toBe(0);
  });
});
