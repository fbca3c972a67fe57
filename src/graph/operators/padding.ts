import type { GraphBuilder, Value } from '../builder.js';
import { string } from '../model.js';
import {
  constantIntegers,
  type InferContext,
  inferContext,
  mismatch,
  normalizeAxis,
  type Operator,
  required,
  stringAttribute,
} from './operator.js';

/** Constant, reflect, edge and wrap. Negative pads cut. */
export const Pad: Operator = {
  infer(context) {
    const x = required(context, 0);
    const pads = padding(context, x.shape.length);
    return [{ type: x.type, shape: x.shape.map((extent, axis) => extent + pads[axis] + pads[axis + x.shape.length]) }];
  },
  gradient(context) {
    const { b, node, inputs, gradients, needs } = context;
    const x = inputs[0]!;
    const g = gradients[0]!;
    const rank = x.shape.length;
    const pads = padding(inferContext(context), rank);
    const mode = stringAttribute(node.attributes, 'mode', 'constant');
    if (mode !== 'constant') return [foldedBack(b, x, g, pads, mode), ...inputs.slice(1).map(() => undefined)];
    const inner = pads.every((pad) => pad === 0)
      ? g
      : b.pad(
          g,
          pads.map((pad) => -pad),
        );
    const value = inputs[2];
    return [
      needs[0] ? inner : undefined,
      undefined,
      value !== undefined && needs[2] ? b.reshape(b.sub(b.reduceSum(g), b.reduceSum(inner)), value.shape) : undefined,
      undefined,
    ];
  },
};

/** Adds the gradient of every padded position to the position it was copied from, axis by axis. */
function foldedBack(b: GraphBuilder, x: Value, gradient: Value, pads: readonly number[], mode: string): Value {
  let g = gradient;
  x.shape.forEach((extent, axis) => {
    const begin = pads[axis];
    const length = g.shape[axis];
    if (length === extent && begin === 0) return;
    const from = Array.from({ length }, (_, i) => source(i - begin, extent, mode));
    const shape = [...g.shape];
    shape[axis] = extent;
    g = b.op(
      'ScatterElements',
      [
        b.scalar(0, g.type, shape),
        b.expand(b.reshape(b.indices(from), alongAxis(from.length, axis, shape)), g.shape),
        g,
      ],
      { axis: { kind: 'int', value: axis }, reduction: string('add') },
    );
  });
  return g;
}

const alongAxis = (length: number, axis: number, shape: readonly number[]): number[] =>
  shape.map((_, a) => (a === axis ? length : 1));

/** Which input position a padded axis shows at position i (counted from the input's first). */
function source(i: number, extent: number, mode: string): number {
  if (mode === 'edge') return Math.min(Math.max(i, 0), extent - 1);
  if (mode === 'wrap') return ((i % extent) + extent) % extent;
  const period = Math.max(1, 2 * (extent - 1));
  const phase = ((i % period) + period) % period;
  return phase < extent ? phase : period - phase;
}

function padding(context: InferContext, rank: number): number[] {
  const given = constantIntegers(context, 1) ?? [];
  const axes = constantIntegers(context, 3)?.map((axis) => normalizeAxis(axis, rank));
  if (given.length !== 2 * (axes?.length ?? rank)) throw mismatch(context, `pads [${given}] do not fit rank ${rank}`);
  if (axes === undefined) return [...given];
  const pads = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    pads[axis] = given[i];
    pads[axis + rank] = given[i + axes.length];
  });
  return pads;
}
