import { float, int, string } from '../../model.js';
import { int64 } from '../../tensor.js';
import { differences, normal, type OperatorCase } from './case.js';

const fused = (variant: string, a: number[], b: number[], attributes = {}): OperatorCase =>
  differences('FusedMatMul', variant, [normal(a), normal(b, 2)], attributes, { domain: 'com.microsoft' });

const product = (variant: string, a: number[], b: number[]): OperatorCase =>
  differences('MatMul', variant, [normal(a), normal(b, 2)]);

const einsum = (equation: string, ...operands: number[][]): OperatorCase =>
  differences(
    'Einsum',
    equation,
    operands.map((shape, i) => normal(shape, i + 1)),
    { equation: string(equation) },
  );

export const productCases: readonly OperatorCase[] = [
  product('matrices', [3, 4], [4, 2]),
  product('batch by matrix', [2, 3, 4], [4, 2]),
  product('batch by batch', [2, 2, 3, 4], [2, 2, 4, 2]),
  product('batch broadcast on the right', [2, 3, 2, 4], [3, 4, 2]),
  product('batch broadcast on both sides', [2, 1, 2, 3], [1, 3, 3, 2]),
  product('matrix by batch', [3, 4], [2, 4, 2]),
  product('vector by matrix', [4], [4, 3]),
  product('matrix by vector', [3, 4], [4]),
  product('batch by vector', [2, 3, 4], [4]),
  product('vector by batch', [4], [2, 4, 3]),
  product('vectors', [4], [4]),
  differences('Gemm', 'no C', [normal([3, 4]), normal([4, 2], 2)]),
  differences('Gemm', 'C row', [normal([3, 4]), normal([4, 2], 2), normal([2], 3)]),
  differences('Gemm', 'C column', [normal([3, 4]), normal([4, 2], 2), normal([3, 1], 3)]),
  differences('Gemm', 'C scalar', [normal([3, 4]), normal([4, 2], 2), normal([], 3)]),
  ...[
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ].map(([transA, transB]) =>
    differences(
      'Gemm',
      `transA ${transA}, transB ${transB}, alpha, beta`,
      [normal(transA ? [4, 3] : [3, 4]), normal(transB ? [2, 4] : [4, 2], 2), normal([3, 2], 3)],
      { transA: int(transA), transB: int(transB), alpha: float(0.7), beta: float(1.3) },
    ),
  ),
  fused('plain', [2, 3, 4], [2, 4, 2]),
  fused('transA', [2, 4, 3], [2, 4, 2], { transA: int(1) }),
  fused('transB, alpha', [2, 3, 4], [2, 2, 4], { transB: int(1), alpha: float(0.5) }),
  fused('both, broadcast', [2, 4, 3], [2, 4], { transA: int(1), transB: int(1) }),
  einsum('ij,jk->ik', [2, 3], [3, 4]),
  einsum('bij,bjk->bik', [2, 2, 3], [2, 3, 4]),
  einsum('bhid,bhjd->bhij', [2, 2, 3, 2], [2, 2, 4, 2]),
  einsum('ij->ji', [2, 3]),
  einsum('ij->i', [2, 3]),
  einsum('ij->', [2, 3]),
  einsum('i,j->ij', [2], [3]),
  einsum('i,i', [3], [3]),
  einsum('...ij,...jk->...ik', [2, 3, 2, 3], [1, 3, 3, 2]),
  einsum('...i,...->i...', [2, 3, 4], [2, 3]),
  einsum('bi,ij,bj->b', [2, 3], [3, 4], [2, 4]),
  einsum('ijk,kl', [2, 2, 3], [3, 2]),
  differences('CumSum', '', [normal([3, 4]), int64([], [1])]),
  differences('CumSum', 'exclusive', [normal([3, 4]), int64([], [0])], { exclusive: int(1) }),
  differences('CumSum', 'exclusive, reverse', [normal([3, 4]), int64([], [-1])], {
    exclusive: int(1),
    reverse: int(1),
  }),
];
