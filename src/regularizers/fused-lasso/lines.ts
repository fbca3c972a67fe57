import type { GraphBuilder, Value } from '../../graph/builder.js';
import { float32, sizeOf } from '../../graph/tensor.js';
import type { InputDescription, Parameter } from '../regularizer.js';

/** Weights that follow each other: a block of a weight's rows seen as [before, length, after] along what is ordered. */
export interface Line {
  readonly label: string;
  /** First row of the block in the matrix [rows, units], and its extent. */
  readonly offset: number;
  readonly before: number;
  readonly length: number;
  readonly after: number;
  /** [length - order]: 1 where neighbours belong together; undefined = everywhere. */
  readonly mask: readonly number[] | undefined;
}

/** Which axes of an input are ordered: features as they stand, time of series, both directions of images. */
const orderedAxes = ({ content, shape }: InputDescription): number[] =>
  content === 'tokens' ? [] : shape.length === 3 ? [1, 2] : [0];

/** Lines of the first layer's weights along the inputs that it takes flat. */
export function linesOfInputs(parameter: Parameter, inputs: readonly InputDescription[], order: number): Line[] {
  const { role, shape, unitAxis } = parameter;
  const sizes = inputs.map((input) => sizeOf(input.shape));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (role !== 'weight' || parameter.layer !== 0 || shape.length !== 2 || unitAxis === undefined) return [];
  if (shape[1 - unitAxis] !== total) return [];
  return inputs.flatMap((input, i) => {
    const offset = sizes.slice(0, i).reduce((sum, size) => sum + size, 0);
    return orderedAxes(input).flatMap((axis) => {
      const length = input.shape[axis];
      if (length <= order) return [];
      const mask = input.content === 'tabular' ? maskOf(input, order) : undefined;
      if (mask?.every((value) => value === 0) === true) return [];
      return [
        {
          label: `${parameter.name}.${input.name}.${axis}`,
          offset,
          before: sizeOf(input.shape.slice(0, axis)),
          length,
          after: sizeOf(input.shape.slice(axis + 1)),
          mask,
        },
      ];
    });
  });
}

/** The line of a table of positions: [length of the sequence, dimension]. */
export function linesOfPositions(
  { name, role, shape, lookup }: Parameter,
  inputs: readonly InputDescription[],
  order: number,
): Line[] {
  const [length] = shape;
  const isPositions =
    role === 'embedding' &&
    lookup !== true &&
    shape.length === 2 &&
    inputs.some(({ content, shape: [extent] }) => content !== 'tabular' && content !== 'image' && extent === length);
  return isPositions && length > order
    ? [{ label: name, offset: 0, before: 1, length, after: 1, mask: undefined }]
    : [];
}

/** Codes of a category stand side by side without an order: only features of their own are neighbours. */
function maskOf({ groups, shape: [length] }: InputDescription, order: number): number[] | undefined {
  if (groups === undefined) return undefined;
  const members = new Map<number, number>();
  for (const group of groups) members.set(group, (members.get(group) ?? 0) + 1);
  const alone = groups.map((group) => members.get(group) === 1);
  return alone.every(Boolean)
    ? undefined
    : Array.from({ length: length - order }, (_, i) => (alone.slice(i, i + order + 1).every(Boolean) ? 1 : 0));
}

/** Differences of that order along a line of a matrix [rows, units]: [before, length - order, after * units]. */
export function differences(b: GraphBuilder, matrix: Value, line: Line, order: number): Value {
  const { offset, before, length, after } = line;
  const [rows, units] = matrix.shape;
  const size = before * length * after;
  const block = size === rows ? matrix : b.slice(matrix, [offset], [offset + size], [0]);
  let x = b.reshape(block, [before, length, after * units]);
  for (let i = 0; i < order; i++) {
    const n = x.shape[1];
    x = b.sub(b.slice(x, [1], [n], [1]), b.slice(x, [0], [n - 1], [1]));
  }
  return masked(b, x, line);
}

/** The transpose of {@link differences}: what they weigh, back on the matrix [rows, units]. */
export function transposed(
  b: GraphBuilder,
  weighed: Value,
  line: Line,
  order: number,
  shape: readonly number[],
): Value {
  const { offset, before, length, after } = line;
  const [rows, units] = shape;
  let x = masked(b, weighed, line);
  for (let i = 0; i < order; i++) {
    x = b.sub(b.pad(x, [0, 1, 0, 0, 0, 0]), b.pad(x, [0, 0, 0, 0, 1, 0]));
  }
  const size = before * length * after;
  const block = b.reshape(x, [size, units]);
  return size === rows ? block : b.pad(block, [offset, 0, rows - offset - size, 0]);
}

function masked(b: GraphBuilder, x: Value, { mask }: Line): Value {
  if (mask === undefined) return x;
  return b.mul(x, b.cast(b.constant(float32([1, mask.length, 1], Float32Array.from(mask))), x.type));
}
