import { describe, expect, it } from 'vitest';
import { undoneByNormalization } from './rescaled.js';

describe('undoneByNormalization', () => {
  it.each([
    [['Conv', 'BatchNormalization', 'Relu', 'Gemm'], true],
    [['MatMul', 'Add', 'LayerNormalization', 'Relu'], true],
    [['Conv', 'Relu', 'BatchNormalization'], false],
    [['LayerNormalization', 'MatMul', 'Add', 'Relu', 'MatMul', 'Add'], false],
    [['Gemm', 'Relu', 'Gemm'], false],
  ])('finds normalizations right after weights: %j -> %j', (operators, expected) => {
    const found = undoneByNormalization('max-norm', operators);
    expect(found.map(({ code, severity }) => [code, severity])).toEqual(
      expected ? [['MAX_NORM_BEFORE_NORMALIZATION', 'warning']] : [],
    );
  });
});
