import { int } from '../model.js';
import { typeOfNumber } from '../tensor.js';
import {
  constantIntegers,
  intAttribute,
  mismatch,
  normalizeAxis,
  type Operator,
  required,
  sameAsInput,
  stringAttribute,
} from './operator.js';

/** Operators that reorder, select or mask elements without arithmetic. */

/** Depth [N, C, H, W] -> [N, C / s^2, H s, W s]. */
export const DepthToSpace: Operator = {
  infer(context) {
    const x = required(context, 0);
    const size = intAttribute(context.attributes, 'blocksize', 1);
    if (x.shape.length !== 4 || x.shape[1] % (size * size) !== 0) {
      throw mismatch(context, `[${x.shape}] has no blocks of ${size} x ${size}`);
    }
    const [batch, depth, height, width] = x.shape;
    return [{ type: x.type, shape: [batch, depth / (size * size), height * size, width * size] }];
  },
  gradient({ b, node, inputs, gradients }) {
    const size = intAttribute(node.attributes, 'blocksize', 1);
    if (stringAttribute(node.attributes, 'mode', 'DCR') === 'DCR') {
      return [b.op('SpaceToDepth', [gradients[0]!], { blocksize: int(size) })];
    }
    const [batch, depth, height, width] = inputs[0]!.shape;
    const blocks = b.reshape(gradients[0]!, [batch, depth / (size * size), height, size, width, size]);
    return [b.reshape(b.transpose(blocks, [0, 1, 3, 5, 2, 4]), inputs[0]!.shape)];
  },
};

/** Space [N, C, H, W] -> [N, C s^2, H / s, W / s]. */
export const SpaceToDepth: Operator = {
  infer(context) {
    const x = required(context, 0);
    const size = intAttribute(context.attributes, 'blocksize', 1);
    const [batch, depth, height, width] = x.shape;
    if (x.shape.length !== 4 || height % size !== 0 || width % size !== 0) {
      throw mismatch(context, `[${x.shape}] does not divide into blocks of ${size} x ${size}`);
    }
    return [{ type: x.type, shape: [batch, depth * size * size, height / size, width / size] }];
  },
  gradient: ({ b, node, gradients }) => [
    b.op('DepthToSpace', [gradients[0]!], { blocksize: int(intAttribute(node.attributes, 'blocksize', 1)) }),
  ],
};

/** The upper or lower triangle of each matrix; zeros elsewhere. */
export const Trilu: Operator = {
  infer(context) {
    const { type, shape } = required(context, 0);
    if (shape.length < 2) throw mismatch(context, `needs matrices, not [${shape}]`);
    return [{ type, shape }];
  },
  gradient: ({ b, node, inputs, gradients }) => [
    b.op('Trilu', [gradients[0]!, ...inputs.slice(1)], node.attributes),
    ...inputs.slice(1).map(() => undefined),
  ],
};

/** The k largest or smallest elements along an axis and their indices; the gradient goes back to where they stood. */
export const TopK: Operator = {
  leastOutputs: 2,
  infer(context) {
    const x = required(context, 0);
    const [k] = constantIntegers(context, 1) ?? [1];
    const axis = normalizeAxis(intAttribute(context.attributes, 'axis', -1), x.shape.length);
    const shape = x.shape.map((extent, a) => (a === axis ? k : extent));
    if (k > x.shape[axis]) throw mismatch(context, `k = ${k} exceeds the extent ${x.shape[axis]}`);
    return [
      { type: x.type, shape },
      { type: 'int64', shape },
    ];
  },
  gradient({ b, node, inputs, outputs, gradients }) {
    const x = inputs[0]!;
    const axis = intAttribute(node.attributes, 'axis', -1);
    const zero = b.scalar(0, x.type, x.shape);
    return [b.op('ScatterElements', [zero, outputs[1], gradients[0]!], { axis: int(axis) }), undefined];
  },
};

/** Reverses the first `sequence_lens[i]` steps of each sequence: its own inverse. */
export const ReverseSequence: Operator = {
  infer: sameAsInput,
  gradient: ({ b, node, inputs, gradients }) => [
    b.op('ReverseSequence', [gradients[0]!, inputs[1]], node.attributes),
    undefined,
  ],
};

/** Ones on a diagonal of a matrix of the input's shape. */
export const EyeLike: Operator = {
  infer(context) {
    const { type, shape } = required(context, 0);
    const number = context.attributes.dtype;
    return [{ type: number?.kind === 'int' ? (typeOfNumber(number.value) ?? type) : type, shape }];
  },
  gradient: 'zero',
};

/** Samples at the positions of a grid. */
export const GridSample: Operator = {
  infer(context) {
    const [x, grid] = [required(context, 0), required(context, 1)];
    return [{ type: x.type, shape: [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)] }];
  },
};

/** Pools regions of interest to one size. */
export const RoiAlign: Operator = {
  infer(context) {
    const [x, regions] = [required(context, 0), required(context, 1)];
    const { attributes } = context;
    const [height, width] = ['output_height', 'output_width'].map((name) => intAttribute(attributes, name, 1));
    return [{ type: x.type, shape: [regions.shape[0], x.shape[1], height, width] }];
  },
};
