import { int, string } from '../../model.js';
import { int64, tensor } from '../../tensor.js';
import { differences, distinct, fed, given, linear, normal, type OperatorCase, shapes, uniform } from './case.js';

const positive = uniform([3, 4], 0.5, 2.5);
const mixed = normal([3, 4]);
const bools = tensor('bool', [3, 4], Uint8Array.from([1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0]));
const row = tensor('bool', [4], Uint8Array.from([1, 0, 0, 1]));
const unsigned = (data: number[]) => tensor('uint32', [data.length], Uint32Array.from(data));

/** The same operator with equal shapes, a vector along the last axis, a column, and a scalar on either side. */
const broadcasts = (operator: string, low = -2, high = 2): OperatorCase[] => [
  differences(operator, 'equal shapes', [uniform([3, 4], low, high), uniform([3, 4], low, high, 2)]),
  differences(operator, 'row', [uniform([2, 3, 4], low, high), uniform([4], low, high, 2)]),
  differences(operator, 'column', [uniform([3, 1], low, high), uniform([3, 4], low, high, 2)]),
  differences(operator, 'both broadcast', [uniform([2, 1, 4], low, high), uniform([3, 1], low, high, 2)]),
  differences(operator, 'scalar', [uniform([], low, high), uniform([3, 4], low, high, 2)]),
  differences(operator, 'channels', [uniform([2, 3, 2, 2], low, high), uniform([3, 1, 1], low, high, 2)]),
];

const apart = distinct([3, 4], 0.3, 2);
const alsoApart = distinct([3, 4], 0.37, 3);

export const elementwiseCases: readonly OperatorCase[] = [
  ...broadcasts('Add'),
  ...broadcasts('Sub'),
  ...broadcasts('Mul'),
  ...broadcasts('Div', 0.5, 2),
  ...broadcasts('Pow', 0.5, 2),
  differences('Pow', 'whole exponent', [mixed, int64([], [3])]),
  differences('Pow', 'square', [mixed, int64([], [2])]),
  differences('Pow', 'zeroth power', [mixed, int64([], [0])]),
  differences('Pow', 'exponents differ', [mixed, int64([4], [0, 1, 2, 3])]),
  differences('Mod', 'fmod', [given([5], [5.3, -5.3, 1.7, 3.1, -0.4]), given([5], [2.1, 2.1, 0.6, -1.2, 1.5])], {
    fmod: int(1),
  }),
  shapes('Mod', 'of integers', [fed(unsigned([7, 8, 9])), fed(unsigned([2, 3, 4]))]),
  differences('Max', 'two', [apart, alsoApart]),
  differences('Max', 'three, broadcast', [apart, distinct([4], 0.41, 4), distinct([3, 1], 0.43, 5)]),
  differences('Max', 'one', [apart]),
  differences('Min', 'two', [apart, alsoApart]),
  differences('Min', 'three, broadcast', [apart, distinct([4], 0.41, 4), distinct([], 0.43, 5)]),
  differences('Sum', 'three, broadcast', [mixed, normal([4], 2), normal([3, 1], 3)]),
  linear('Mean', 'three, broadcast', [mixed, normal([4], 2), normal([3, 1], 3)]),
  differences('Where', 'broadcast', [bools, mixed, normal([4], 2)]),
  differences('Where', 'condition broadcast', [row, normal([3, 1], 2), mixed]),
  differences('Clip', 'two limits', [apart, given([], [-0.8]), given([], [0.7])]),
  differences('Clip', 'lower limit', [apart, given([], [-0.8])]),
  differences('Clip', 'upper limit', [apart, undefined, given([], [0.7])]),
  differences('Clip', 'no limit', [apart]),
  differences('Cast', 'to double', [mixed], { to: int(11) }),
  shapes('Cast', 'to integer', [mixed], { to: int(7) }),
  differences('CastLike', '', [mixed, given([1], [0])]),
  differences('Identity', '', [mixed]),
  differences('Dropout', 'inference', [mixed]),
  shapes('Dropout', 'mask', [mixed], {}, { outputs: 2 }),
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].map((operator) =>
    shapes(operator, 'broadcast', [mixed, normal([4], 2)]),
  ),
  ...['IsNaN', 'IsInf', 'Floor', 'Ceil', 'Round', 'Sign'].map((operator) => shapes(operator, '', [mixed])),
  differences('Neg', '', [mixed]),
  differences('Abs', '', [apart]),
  differences('Exp', '', [mixed]),
  differences('Log', '', [positive]),
  differences('Sqrt', '', [positive]),
  differences('Reciprocal', '', [positive]),
  differences('Sin', '', [mixed]),
  differences('Cos', '', [mixed]),
  differences('Relu', '', [apart]),
  differences('Sigmoid', '', [mixed]),
  differences('Tanh', '', [mixed]),
  shapes('EyeLike', 'typed', [mixed], { dtype: int(7), k: int(1) }),
  shapes('EyeLike', '', [mixed]),
  shapes('Hardmax', '', [mixed], { axis: int(0) }),
  shapes('BitShift', '', [fed(unsigned([1, 2, 3])), fed(unsigned([1, 1, 2]))], { direction: string('LEFT') }),
  ...['BitwiseAnd', 'BitwiseOr', 'BitwiseXor'].map((operator) =>
    shapes(operator, 'broadcast', [fed(unsigned([1, 2, 3])), fed(unsigned([5]))]),
  ),
  shapes('BitwiseNot', '', [fed(unsigned([1, 2, 3]))]),
  ...['And', 'Or', 'Xor'].map((operator) => shapes(operator, 'broadcast', [fed(bools), fed(row)])),
  shapes('Not', '', [fed(bools)]),
];
