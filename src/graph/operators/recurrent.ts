import type { ValueType } from '../builder.js';
import { type InferContext, intAttribute, mismatch, type Operator, required, stringAttribute } from './operator.js';

/** Recurrent layers run, but have no gradient rule: unroll them, or freeze them and train what follows. */

/** Y [steps, directions, batch, hidden] and the last states [directions, batch, hidden]; `layout` 1 puts batch first. */
function recurrent(states: number) {
  return (context: InferContext): ValueType[] => {
    const [x, r] = [required(context, 0), required(context, 2)];
    if (x.shape.length !== 3 || r.shape.length !== 3) {
      throw mismatch(context, `input [${x.shape}] and recurrence weight [${r.shape}] must have rank 3`);
    }
    const { type } = x;
    const directions = stringAttribute(context.attributes, 'direction', 'forward') === 'bidirectional' ? 2 : 1;
    const hidden = intAttribute(context.attributes, 'hidden_size', r.shape[2]);
    const batchFirst = intAttribute(context.attributes, 'layout', 0) === 1;
    const [steps, batch] = batchFirst ? [x.shape[1], x.shape[0]] : x.shape;
    const sequence = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
    const last = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
    return [{ type, shape: sequence }, ...Array.from({ length: states }, () => ({ type, shape: last }))];
  };
}

export const RNN: Operator = { infer: recurrent(1) };
export const GRU: Operator = { infer: recurrent(1) };
export const LSTM: Operator = { infer: recurrent(2) };
