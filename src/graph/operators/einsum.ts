import type { GraphBuilder, Value } from '../builder.js';
import { string } from '../model.js';
import {
  type GradientContext,
  type InferContext,
  mismatch,
  notDifferentiable,
  type Operator,
  stringAttribute,
  sumTo,
} from './operator.js';

/** An equation with its ellipsis written out: one list of labels for each operand, one for the result. */
interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
  /** Extent of each label. */
  readonly extents: ReadonlyMap<string, number>;
}

/** Labels for the axes that an ellipsis stands for, the last axis first: no letter that an equation can hold is used. */
const ELLIPSIS = [...'αβγδεζηθικλμνξοπ'];

function parse(context: Pick<InferContext, 'name' | 'opType' | 'attributes'>, inputs: readonly Value[]): Equation {
  const text = stringAttribute(context.attributes, 'equation', '').replaceAll(' ', '');
  const [left, right] = text.split('->');
  const terms = left.split(',');
  if (terms.length !== inputs.length) throw mismatch(context, `"${text}" names ${terms.length} operands`);
  const extents = new Map<string, number>();
  let widest = 0;
  const spread = (term: string, axes: number): string[] =>
    term.includes('...')
      ? [...term.split('...')[0], ...ELLIPSIS.slice(0, axes).reverse(), ...(term.split('...')[1] ?? '')]
      : [...term];
  const operands = terms.map((term, i) => {
    const { shape } = inputs[i];
    const hidden = shape.length - term.replace('...', '').length;
    if (term.includes('...')) widest = Math.max(widest, hidden);
    const labels = spread(term, hidden);
    if (labels.length !== shape.length) throw mismatch(context, `"${term}" does not fit [${shape}]`);
    labels.forEach((label, axis) => {
      const known = extents.get(label) ?? 1;
      if (known !== 1 && shape[axis] !== 1 && known !== shape[axis]) {
        throw mismatch(context, `label "${label}" of "${text}" stands for ${known} and ${shape[axis]}`);
      }
      extents.set(label, Math.max(known, shape[axis]));
    });
    return labels;
  });
  // Without a right side: the ellipsis, then every label that stands once, in alphabetical order.
  const once = (): string[] => {
    const all = [...left.replaceAll(/[.,]/g, '')];
    return all.filter((label) => all.indexOf(label) === all.lastIndexOf(label)).sort();
  };
  const result = right === undefined ? [...ELLIPSIS.slice(0, widest).reverse(), ...once()] : spread(right, widest);
  return { operands, result, extents };
}

/**
 * Sums of products over named axes. The gradient of an operand is the Einsum of the result's gradient with the other
 * operands, spread over the axes that only this operand has.
 */
export const Einsum: Operator = {
  limits: 'a diagonal (a label twice in one operand)',
  infer(context) {
    const inputs = context.inputs as Value[];
    const { result, extents } = parse(context, inputs);
    return [{ type: inputs[0].type, shape: result.map((label) => extents.get(label) ?? 1) }];
  },
  gradient(context) {
    const inputs = context.inputs as Value[];
    const { operands, result, extents } = parse({ ...context.node }, inputs);
    return inputs.map((input, i) =>
      context.needs[i] ? operandGradient(context, input, i, { operands, result, extents }) : undefined,
    );
  },
};

function operandGradient(context: GradientContext, input: Value, index: number, equation: Equation): Value {
  const { b, inputs, gradients } = context;
  const { operands, result, extents } = equation;
  const own = operands[index];
  if (new Set(own).size !== own.length) throw notDifferentiable(context, 'with a diagonal');
  const others = operands.flatMap((labels, i) => (i === index ? [] : [{ labels, value: inputs[i]! }]));
  const terms = [{ labels: result, value: gradients[0]! }, ...others];
  const reached = new Set(terms.flatMap(({ labels }) => labels));
  const kept = own.filter((label) => reached.has(label));
  const partial = contract(b, terms, kept, extents);
  const full = own.map((label) => extents.get(label)!);
  const ones = own.map((label) => (reached.has(label) ? extents.get(label)! : 1));
  return sumTo(b, b.expand(b.reshape(partial, ones), full), input.shape);
}

interface Term {
  readonly labels: readonly string[];
  readonly value: Value;
}

/** Einsum of the terms, axes of extent 1 that broadcast written out, with letters that the operator takes. */
function contract(
  b: GraphBuilder,
  terms: readonly Term[],
  result: readonly string[],
  extents: ReadonlyMap<string, number>,
): Value {
  const letters = new Map<string, string>();
  const letter = (label: string): string => {
    if (!letters.has(label)) letters.set(label, String.fromCharCode(97 + letters.size));
    return letters.get(label)!;
  };
  const values = terms.map(({ labels, value }) =>
    b.expand(
      value,
      labels.map((label) => extents.get(label)!),
    ),
  );
  const equation = `${terms.map(({ labels }) => labels.map(letter).join('')).join(',')}->${result.map(letter).join('')}`;
  return b.op('Einsum', values, { equation: string(equation) });
}
