import { float, int, ints, string } from '../../model.js';
import { float32, int64 } from '../../tensor.js';
import { differences, distinct, fed, normal, type OperatorCase, shapes, uniform } from './case.js';

const vector = (channels: number, seed: number) => normal([channels], seed);
const batch = (shape: number[]) => [
  normal(shape),
  uniform([shape[1]], 0.5, 2, 2),
  vector(shape[1], 3),
  vector(shape[1], 4),
  uniform([shape[1]], 0.5, 2, 5),
];

const pool = (variant: string, shape: number[], kernel: number[], attributes = {}, outputs = 1): OperatorCase =>
  differences('MaxPool', variant, [distinct(shape, 0.11)], { kernel_shape: ints(kernel), ...attributes }, { outputs });

const labels = fed(int64([4], [2, 0, 1, 2]));
const ignoring = fed(int64([4], [2, -1, 1, 2]));
const segments = fed(int64([2, 2, 2], [2, 0, 1, 2, 0, 0, 1, 1]));
const classWeights = fed(float32([3], [0.5, 1.25, 2]));

/** Both losses with every reduction, with and without ignored labels, on rows and on maps. */
const losses = (operator: string): OperatorCase[] =>
  ['mean', 'sum', 'none'].flatMap((reduction) => [
    differences(operator, reduction, [normal([4, 3]), labels], { reduction: string(reduction) }),
    differences(operator, `${reduction}, ignore_index`, [normal([4, 3]), ignoring], {
      reduction: string(reduction),
      ignore_index: int(-1),
    }),
    differences(operator, `${reduction}, maps`, [normal([2, 3, 2, 2]), segments], { reduction: string(reduction) }),
  ]);

const recurrent = (gates: number, hidden: number, directions: number) => [
  normal([3, 2, 4]),
  normal([directions, gates * hidden, 4], 2),
  normal([directions, gates * hidden, hidden], 3),
];

export const layerCases: readonly OperatorCase[] = [
  pool('tiles', [2, 2, 4, 6], [2, 3], { strides: ints([2, 3]) }),
  pool('tiles, rows left over', [1, 2, 5, 7], [2, 3], { strides: ints([2, 3]) }),
  pool('tiles, 1d', [2, 2, 6], [2], { strides: ints([2]) }),
  pool('tiles, 3d', [1, 2, 4, 2, 4], [2, 2, 2], { strides: ints([2, 2, 2]) }),
  pool('overlapping', [1, 2, 5, 6], [3, 2], { strides: ints([2, 1]) }),
  pool('pads', [1, 2, 5, 6], [3, 3], { strides: ints([2, 2]), pads: ints([1, 0, 1, 1]) }),
  pool('dilation', [1, 2, 6, 6], [2, 3], { dilations: ints([3, 2]) }),
  pool('ceil_mode', [1, 2, 6, 5], [3, 2], { strides: ints([2, 2]), ceil_mode: int(1) }),
  pool('SAME_UPPER', [1, 2, 5, 4], [3, 2], { strides: ints([2, 1]), auto_pad: string('SAME_UPPER') }),
  pool('SAME_LOWER', [1, 2, 5, 4], [2, 2], { auto_pad: string('SAME_LOWER') }),
  pool('VALID', [1, 2, 5, 4], [3, 2], { strides: ints([2, 2]), auto_pad: string('VALID') }),
  pool('indices', [1, 2, 4, 4], [2, 2], { strides: ints([2, 2]) }, 2),
  pool('1d, overlapping', [2, 2, 7], [3]),
  pool('3d, overlapping', [1, 1, 4, 3, 4], [2, 2, 3], { pads: ints([1, 0, 0, 0, 1, 0]) }),
  differences('BatchNormalization', '2d', batch([2, 3, 2, 2]), { epsilon: float(0.1) }),
  differences('BatchNormalization', 'rows', batch([4, 3])),
  differences(
    'BatchNormalization',
    'training_mode',
    batch([3, 2, 2, 2]),
    { training_mode: int(1), momentum: float(0.7), epsilon: float(0.1) },
    { outputs: 3 },
  ),
  differences('BatchNormalization', 'training_mode, rows', batch([5, 2]), { training_mode: int(1) }, { outputs: 3 }),
  differences('LayerNormalization', '', [normal([3, 4]), normal([4], 2), normal([4], 3)]),
  differences('LayerNormalization', 'no bias, epsilon', [normal([2, 3, 4]), normal([4], 2)], { epsilon: float(0.1) }),
  differences('LayerNormalization', 'axis', [normal([2, 3, 4]), normal([3, 4], 2), normal([3, 4], 3)], {
    axis: int(1),
  }),
  differences('GroupNormalization', '', [normal([2, 4, 3]), normal([4], 2), normal([4], 3)], {
    num_groups: int(2),
    epsilon: float(0.1),
    stash_type: int(11),
  }),
  differences('GroupNormalization', '2d', [normal([2, 6, 2, 2]), normal([6], 2), normal([6], 3)], {
    num_groups: int(3),
    stash_type: int(11),
  }),
  differences('LpNormalization', 'p = 2', [normal([3, 4])]),
  differences('LpNormalization', 'p = 1, axis', [distinct([3, 4], 0.3)], { p: int(1), axis: int(0) }),
  ...losses('SoftmaxCrossEntropyLoss'),
  ...losses('NegativeLogLikelihoodLoss'),
  ...['SoftmaxCrossEntropyLoss', 'NegativeLogLikelihoodLoss'].map((operator) =>
    differences(operator, 'mean, weights', [normal([4, 3]), labels, classWeights]),
  ),
  differences('SoftmaxCrossEntropyLoss', 'log-probabilities', [normal([4, 3]), labels], {}, { outputs: 2 }),
  shapes('RNN', '', recurrent(1, 5, 1), { hidden_size: int(5) }, { outputs: 2 }),
  shapes('GRU', 'reverse', recurrent(3, 5, 1), { hidden_size: int(5), direction: string('reverse') }, { outputs: 2 }),
  shapes(
    'LSTM',
    'bidirectional',
    recurrent(4, 5, 2),
    { hidden_size: int(5), direction: string('bidirectional') },
    { outputs: 3 },
  ),
];
