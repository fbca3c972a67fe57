import { describe, expect, it } from 'vitest';
import { int64 } from '../graph/tensor.js';
import { classWeightsOf } from './class-weights.js';

const CLASSES = ['a', 'b', 'c'];
const data = { target: int64([9], [0, 0, 0, 0, 1, 1, 2, 2, 2]), train: Int32Array.from([0, 1, 2, 3, 4, 5, 6]) };

describe('classWeightsOf', () => {
  it("balances as scikit-learn's compute_class_weight, by training rows alone", () => {
    // compute_class_weight('balanced', classes=[0, 1, 2], y=[0, 0, 0, 0, 1, 1, 2])
    expect(classWeightsOf('balanced', CLASSES, data)).toEqual([
      0.5833333333333334, 1.1666666666666667, 2.3333333333333335,
    ]);
  });

  it('takes named weights, 1 for those not named, and none for none', () => {
    expect(classWeightsOf({ c: 4, a: 0 }, CLASSES, data)).toEqual([0, 1, 4]);
    expect(classWeightsOf('none', CLASSES, data)).toBeUndefined();
  });

  it('stays finite where a class has no training row', () => {
    const weights = classWeightsOf('balanced', [...CLASSES, 'd'], data)!;
    expect(weights.every((weight) => Number.isFinite(weight) && weight > 0)).toBe(true);
  });

  it('refuses classes that do not exist, and regression', () => {
    expect(() => classWeightsOf({ z: 1 }, CLASSES, data)).toThrow(
      expect.objectContaining({ code: 'CLASS_WEIGHTS_UNKNOWN_CLASS', place: 'training.classWeights.z' }),
    );
    expect(() => classWeightsOf('balanced', [], data)).toThrow(
      expect.objectContaining({ code: 'CLASS_WEIGHTS_NEED_CLASSES' }),
    );
  });
});
