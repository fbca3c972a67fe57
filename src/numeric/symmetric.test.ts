import { describe, expect, it } from 'vitest';
import { derive } from './random.js';
import { cholesky, invertLower, symmetricEigen } from './symmetric.js';

function randomSymmetric(n: number, rank = n): Float64Array {
  const stream = derive('symmetric', n, rank);
  const factor = Float64Array.from({ length: n * rank }, () => stream.normal());
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += factor[i * rank + k] * factor[j * rank + k];
    return sum;
  });
}

describe('symmetricEigen', () => {
  // Closed form: the second difference has 2 - 2 cos(pi k / (n + 1)).
  it('has the eigenvalues of the second difference', () => {
    const n = 12;
    const matrix = Float64Array.from({ length: n * n }, (_, at) => {
      const distance = Math.abs(Math.floor(at / n) - (at % n));
      return distance === 0 ? 2 : distance === 1 ? -1 : 0;
    });
    const { values } = symmetricEigen(matrix, n);
    values.forEach((value, k) => {
      expect(value).toBeCloseTo(2 - 2 * Math.cos((Math.PI * (k + 1)) / (n + 1)), 12);
    });
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 1],
    [17, 17],
    [40, 11],
    [64, 64],
  ])('takes a matrix of order %i and rank %i apart and gives it back', (n, rank) => {
    const matrix = randomSymmetric(n, rank);
    const { values, vectors } = symmetricEigen(matrix, n);
    const scale = Math.max(...values);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let [back, inner] = [0, 0];
        for (let k = 0; k < n; k++) {
          back += values[k] * vectors[k * n + i] * vectors[k * n + j];
          inner += vectors[i * n + k] * vectors[j * n + k];
        }
        expect(Math.abs(back - matrix[i * n + j])).toBeLessThan(1e-12 * scale);
        expect(Math.abs(inner - (i === j ? 1 : 0))).toBeLessThan(1e-12);
      }
    }
    const alone = symmetricEigen(matrix, n, { vectors: false });
    expect(alone.vectors).toHaveLength(0);
    alone.values.forEach((value, k) => {
      expect(Math.abs(value - values[k])).toBeLessThan(1e-12 * scale);
    });
  });

  it('leaves diagonal matrices, equal values and zeros as they are', () => {
    expect(Array.from(symmetricEigen(new Float64Array(9), 3).values)).toEqual([0, 0, 0]);
    expect(Array.from(symmetricEigen(Float64Array.of(3, 0, 0, 0, -1, 0, 0, 0, 3), 3).values)).toEqual([-1, 3, 3]);
  });
});

describe('cholesky', () => {
  it('gives the matrix back, and its inverse', () => {
    const n = 20;
    const matrix = randomSymmetric(n);
    const lower = cholesky(matrix, n)!;
    const inverse = invertLower(lower, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let [back, one] = [0, 0];
        for (let k = 0; k < n; k++) {
          back += lower[i * n + k] * lower[j * n + k];
          one += inverse[i * n + k] * lower[k * n + j];
        }
        expect(back).toBeCloseTo(matrix[i * n + j], 9);
        expect(one).toBeCloseTo(i === j ? 1 : 0, 9);
      }
    }
  });

  it('tells a matrix that is not positive definite', () => {
    expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined();
    expect(cholesky(randomSymmetric(5, 2), 5)).toBeUndefined();
  });
});
