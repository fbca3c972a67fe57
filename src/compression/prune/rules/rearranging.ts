import { intAttribute, intsAttribute, normalizeAxis, toNumbers } from '../../../graph/operators/operator.js';
import type { Axis, Units } from '../units.js';
import { reshape } from './reshape.js';
import { type Rule, staying } from './rule.js';

const transpose: Rule = ({ axes, node }) => {
  const given = axes(0);
  const perm = intsAttribute(node.attributes, 'perm') ?? given.map((_, i) => given.length - 1 - i);
  return [perm.map((from) => given[from])];
};

const concat: Rule = ({ units, axes, shape, node }) => {
  const rank = shape(0).length;
  const along = normalizeAxis(intAttribute(node.attributes, 'axis', 0), rank);
  const inputs = node.inputs.map((_, index) => index);
  return [
    Array.from({ length: rank }, (_, i) => {
      const parts = inputs.map((index) => axes(index)[i]);
      if (i !== along) return parts.reduce((a, b) => units.merge(a, b));
      // An axis that stays is one of units that stay, where another part may lose some.
      return joined(
        units,
        parts,
        inputs.map((index) => shape(index)[i]),
      );
    }),
  ];
};

function joined(units: Units, parts: readonly Axis[], extents: readonly number[]): Axis {
  if (parts.every((part) => part === undefined)) return undefined;
  return Int32Array.from(parts.flatMap((part, i) => Array.from(part ?? fixedAxis(units, extents[i]))));
}

function fixedAxis(units: Units, extent: number): Int32Array {
  // Axes of one index have no units of their own.
  const axis = units.axis(Math.max(2, extent))!;
  units.fix(axis);
  return axis.slice(0, extent);
}

const split: Rule = ({ units, axes, shape, node, outputShape }) => {
  const rank = shape(0).length;
  const along = normalizeAxis(intAttribute(node.attributes, 'axis', 0), rank);
  const given = axes(0);
  const last = given[along];
  let from = 0;
  return node.outputs.map((_, index) => {
    const extent = outputShape(index)[along];
    const part = last?.slice(from, from + extent);
    from += extent;
    if (part !== undefined && part.length < 2) units.read(part);
    return given.map((each, i) => (i !== along ? each : part !== undefined && part.length > 1 ? part : undefined));
  });
};

/**
 * Parts with steps of 1. Bounds may be computed: an axis that may lose something is as long on all rows, and its parts are
 * where they were seen.
 */
const slice: Rule = ({ units, axes, shape, node, integers }) => {
  const [starts, ends, chosen, steps] = [1, 2, 3, 4].map(integers);
  const given = [...axes(0)];
  const along = node.inputs[3] === undefined || node.inputs[3] === '' ? starts?.map((_, i) => i) : chosen;
  if (along === undefined) return undefined;
  along.forEach((axis, i) => {
    const at = normalizeAxis(axis, given.length);
    const extent = shape(0)[at];
    const start = starts === undefined ? undefined : bound(starts[i], extent);
    const end = ends === undefined ? undefined : bound(ends[i], extent);
    const one = node.inputs[4] === undefined || node.inputs[4] === '' || steps?.[i] === 1;
    const axisUnits = given[at];
    if (axisUnits === undefined) return;
    // What is read by position from an axis that may lose some could be at another position then.
    const known = start !== undefined && end !== undefined && one;
    if (!known || end - start < 2) units.read(axisUnits);
    given[at] = known && end - start >= 2 ? axisUnits.slice(start, end) : undefined;
  });
  return [given];
};

const bound = (value: number, extent: number): number =>
  Math.min(extent, Math.max(0, value < 0 ? value + extent : value));

/** Rows of a table: what a row holds may lose some, which rows there are may not. */
const gather: Rule = ({ units, axes, shape, node }) => {
  const along = normalizeAxis(intAttribute(node.attributes, 'axis', 0), shape(0).length);
  const data = axes(0);
  units.read(data[along]);
  return [[...data.slice(0, along), ...axes(1), ...data.slice(along + 1)]];
};

/** Indices that an axis is spread to hold equal values, so that any of them may go. */
const expand: Rule = ({ units, axes, shape, outputShape }) => {
  const rank = outputShape(0).length;
  return [
    outputShape(0).map((extent, i) =>
      (shape(0).at(i - rank) ?? 1) === extent ? axes(0).at(i - rank) : units.axis(extent),
    ),
  ];
};

const pad: Rule = ({ units, axes, shape, outputShape }) => {
  const result = axes(0).map((each, i) => {
    if (shape(0)[i] === outputShape(0)[i]) return each;
    units.fix(each);
    return undefined;
  });
  return [result];
};

const reduce =
  (sums: boolean): Rule =>
  ({ units, axes, shape, node, constant }) => {
    const rank = shape(0).length;
    const second = node.inputs[1] === undefined || node.inputs[1] === '' ? undefined : constant(1);
    if (node.inputs[1] !== undefined && node.inputs[1] !== '' && second === undefined) return undefined;
    const named = second === undefined ? intsAttribute(node.attributes, 'axes') : toNumbers(second);
    const all = Array.from({ length: rank }, (_, i) => i);
    const over = new Set((named ?? all).map((axis) => normalizeAxis(axis, rank)));
    const keep = intAttribute(node.attributes, 'keepdims', 1) !== 0;
    const result = axes(0).flatMap((each, i): Axis[] => {
      if (!over.has(i)) return [each];
      // A sum does not miss zeros; a mean would be of fewer.
      if (!sums) units.fix(each);
      return keep ? [undefined] : [];
    });
    return [result];
  };

export const REARRANGING: Readonly<Record<string, Rule>> = {
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  Expand: expand,
  ConstantOfShape: ({ units, outputShape }) => [outputShape(0).map((extent) => units.axis(extent))],
  Pad: pad,
  Resize: pad,
  ReduceSum: reduce(true),
  ReduceMean: reduce(false),
  ReduceMax: reduce(false),
  ReduceMin: reduce(false),
  ReduceL2: reduce(true),
  ReduceL1: reduce(true),
  ReduceSumSquare: reduce(true),
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  // How large something is, is asked anew.
  Shape: ({ outputShape }) => [staying(outputShape(0).length)],
};
