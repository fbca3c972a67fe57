import { int } from '../../model.js';
import { int64 } from '../../tensor.js';
import { differences, distinct, given, normal, type OperatorCase, shapes, uniform, type Variable } from './case.js';

const variants = (operator: string, draw: (shape: number[]) => Variable): OperatorCase[] => [
  differences(operator, 'all', [draw([2, 3, 4])]),
  differences(operator, 'all, keepdims 0', [draw([2, 3])], { keepdims: int(0) }),
  differences(operator, 'last axis', [draw([2, 3, 4]), int64([1], [-1])]),
  differences(operator, 'axes, keepdims 0', [draw([2, 3, 4]), int64([2], [0, 2])], { keepdims: int(0) }),
  differences(operator, 'no axis', [draw([2, 3]), int64([0], [])], { noop_with_empty_axes: int(1) }),
];

const smooth = (shape: number[]) => normal(shape);
const positive = (shape: number[]) => uniform(shape, 0.5, 2);
const apart = (shape: number[]) => distinct(shape, 0.3);

export const reductionCases: readonly OperatorCase[] = [
  ...variants('ReduceSum', smooth),
  ...variants('ReduceMean', smooth),
  ...variants('ReduceSumSquare', smooth),
  ...variants('ReduceL1', apart),
  ...variants('ReduceL2', apart),
  ...variants('ReduceLogSum', positive),
  ...variants('ReduceLogSumExp', smooth),
  ...variants('ReduceProd', positive),
  differences('ReduceProd', 'one zero', [given([2, 3], [2, 0, 3, 1.5, -2, 0.5]), int64([1], [1])]),
  differences('ReduceProd', 'two zeros', [given([4], [2, 0, 0, 1.5])]),
  ...variants('ReduceMax', apart),
  ...variants('ReduceMin', apart),
  ...['ArgMax', 'ArgMin'].flatMap((operator) => [
    shapes(operator, '', [normal([2, 3, 4])]),
    shapes(operator, 'axis, keepdims 0', [normal([2, 3, 4])], { axis: int(-1), keepdims: int(0) }),
  ]),
  ...['Softmax', 'LogSoftmax'].flatMap((operator) => [
    differences(operator, '', [normal([3, 4])]),
    differences(operator, 'axis', [normal([2, 3, 2])], { axis: int(1) }),
  ]),
];
