import { typeOfNumber } from '../tensor.js';
import { foldElementwise } from './folding.js';
import {
  intAttribute,
  isFloat,
  mismatch,
  notDifferentiable,
  type Operator,
  required,
  sameAsInput,
} from './operator.js';

/** Operators that pass values on: casts, the identity, inference-time dropout. */

/** Passes types and shapes only; gradients follow where the target is floating point. */
export const Cast: Operator = {
  infer(context) {
    const { shape } = required(context, 0);
    const type = typeOfNumber(intAttribute(context.attributes, 'to', 1));
    if (type === undefined) throw mismatch(context, 'casts to a type that Ballast does not know');
    return [{ type, shape }];
  },
  gradient({ b, inputs, outputs, gradients }) {
    const from = inputs[0]!;
    if (!isFloat(from.type) || !isFloat(outputs[0].type)) return [undefined];
    return [b.cast(gradients[0]!, from.type)];
  },
  fold: foldElementwise(([value]) => value),
};

/** Cast to the element type of the second input. */
export const CastLike: Operator = {
  infer: (context) => [{ type: required(context, 1).type, shape: required(context, 0).shape }],
  gradient: ({ b, inputs, outputs, gradients }) =>
    isFloat(outputs[0].type) ? [b.cast(gradients[0]!, inputs[0]!.type), undefined] : [undefined],
  fold: (context) => foldElementwise(([value]) => value)({ ...context, inputs: context.inputs.slice(0, 1) }),
};

export const Identity: Operator = {
  infer: sameAsInput,
  gradient: ({ gradients }) => [gradients[0]],
  fold: ({ inputs }) => inputs[0],
};

/** The identity in inference graphs. Training-time dropout is built by the regularizer, with its own mask. */
export const Dropout: Operator = {
  limits: 'training mode',
  infer: (context) => {
    const { type, shape } = required(context, 0);
    return [
      { type, shape },
      { type: 'bool', shape },
    ];
  },
  gradient(context) {
    const mode = context.inputs[2];
    if (mode !== undefined && context.b.constantOf(mode)?.data[0] !== 0) {
      throw notDifferentiable(context, 'in training mode');
    }
    return [context.gradients[0]];
  },
};
