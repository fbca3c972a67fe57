import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { gradients } from '../../graph/gradients.js';
import type { RandomSite } from '../../graph/random.js';

/** How the size of a perturbation is measured: the largest change of one element, or the Euclidean length a row. */
export type Norm = 'linf' | 'l2';

/** Inputs of a network by name, each [batch, ...]; a norm of l2 is over all of them together. */
export type Perturbed = Readonly<Record<string, Value>>;

/** The set that a perturbed input may not leave. */
export interface Ball {
  readonly center: Perturbed;
  readonly epsilon: Operand;
  readonly norm: Norm;
  /** Limits of valid values. */
  readonly range?: readonly [low: number, high: number] | undefined;
}

const TINY = 1e-12;

/**
 * Steepest ascent: the step of length 1 in the norm along which a loss with these gradients grows most, row by row.
 * sign(g) for l-inf, g / ||g|| for l2; a row without a gradient does not move.
 */
export function ascent(b: GraphBuilder, gradient: Perturbed, norm: Norm): Perturbed {
  if (norm === 'linf') return mapped(gradient, (value) => b.sign(value));
  const length = b.maximum(rowLength(b, gradient), TINY);
  return mapped(gradient, (value) => b.div(value, perRow(b, length, value)));
}

/** Brings points back into the ball, then into the range. */
export function project(b: GraphBuilder, points: Perturbed, { center, epsilon, norm, range }: Ball): Perturbed {
  const offset = mapped(points, (value, name) => b.sub(value, center[name]));
  let shorter: Perturbed;
  if (norm === 'linf') {
    shorter = mapped(offset, (value) => {
      const bound = typeof epsilon === 'number' ? b.scalar(epsilon, value.type) : b.cast(epsilon, value.type);
      return b.maximum(b.minimum(value, bound), b.neg(bound));
    });
  } else {
    const length = rowLength(b, offset);
    const factor = b.minimum(b.div(castTo(b, epsilon, length), b.maximum(length, TINY)), 1);
    shorter = mapped(offset, (value) => b.mul(value, perRow(b, factor, value)));
  }
  return mapped(shorter, (value, name) => clipTo(b, b.add(center[name], value), range));
}

/**
 * Points drawn uniformly from the ball: each element from [-epsilon, epsilon] for l-inf; for l2 a uniform direction at
 * radius epsilon u^(1/d), u uniform.
 */
export function drawInBall(
  b: GraphBuilder,
  { center, epsilon, norm, range }: Ball,
  random: (label: string) => RandomSite,
): Perturbed {
  if (norm === 'linf') {
    return mapped(center, (value, name) => {
      const share = b.sub(b.mul(b.cast(random(name).uniform(value.shape), value.type), 2), 1);
      return clipTo(b, b.add(value, b.mul(share, castTo(b, epsilon, value))), range);
    });
  }
  const direction = ascent(
    b,
    mapped(center, (value, name) => b.cast(random(name).normal(value.shape), value.type)),
    'l2',
  );
  const first = Object.values(center)[0];
  const dimension = Object.values(center).reduce((sum, { shape }) => sum + elements(shape), 0);
  const radius = b.mul(
    b.pow(b.cast(random('radius').uniform([first.shape[0]]), first.type), 1 / dimension),
    castTo(b, epsilon, first),
  );
  return mapped(center, (value, name) =>
    clipTo(b, b.add(value, b.mul(direction[name], perRow(b, radius, value))), range),
  );
}

export interface Search {
  readonly steps: number;
  /** Length of a step in the norm. */
  readonly stepSize: Operand;
  /** Where the search starts; the center unless given. */
  readonly start?: Perturbed;
  /** What the search climbs: a value whose sum over rows is differentiated. */
  readonly lossOf: (inputs: Perturbed) => Value;
}

/**
 * Projected gradient ascent, unrolled into the graph: `steps` times one step of steepest ascent and a projection. One
 * step of size epsilon from the center is the fast gradient sign method. What it finds is constant to later gradients:
 * the way to it is not differentiated.
 */
export function climb(b: GraphBuilder, ball: Ball, { steps, stepSize, start, lossOf }: Search): Perturbed {
  let points = start ?? ball.center;
  for (let step = 0; step < steps; step++) {
    const at = detachedCopy(b, points);
    const losses = lossOf(at);
    const loss = losses.shape.length === 0 ? losses : b.reduceSum(losses);
    points = b.detached(() => {
      const names = Object.keys(at);
      const found = gradients(
        b,
        loss,
        names.map((name) => at[name]),
      );
      const gradient: Record<string, Value> = {};
      names.forEach((name, i) => {
        gradient[name] = found[i] ?? b.scalar(0, at[name].type, at[name].shape);
      });
      const along = ascent(b, gradient, ball.norm);
      return project(
        b,
        mapped(at, (value, name) => b.add(value, b.mul(along[name], castTo(b, stepSize, value)))),
        ball,
      );
    });
  }
  return detachedCopy(b, points);
}

/** The same values as constants: no gradient flows through them. */
export function detachedCopy(b: GraphBuilder, values: Perturbed): Perturbed {
  return b.detached(() => mapped(values, (value) => b.op('Identity', [value])));
}

/** Euclidean length of each row, over all values together: [batch]. */
function rowLength(b: GraphBuilder, values: Perturbed): Value {
  const squares = Object.values(values).map((value) =>
    b.reduceSum(
      b.mul(value, value),
      value.shape.slice(1).map((_, axis) => axis + 1),
    ),
  );
  return b.sqrt(squares.reduce(b.add));
}

/** One number a row, [batch], shaped to be multiplied with a value [batch, ...]. */
function perRow(b: GraphBuilder, numbers: Value, { shape }: Value): Value {
  return b.reshape(numbers, [shape[0], ...shape.slice(1).map(() => 1)]);
}

/** A record of the same names. */
export function mapped<T, U>(values: Readonly<Record<string, T>>, f: (value: T, name: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, f(value, name)]));
}

function clipTo(b: GraphBuilder, value: Value, range: Ball['range']): Value {
  return range === undefined ? value : b.clip(value, range[0], range[1]);
}

function castTo(b: GraphBuilder, operand: Operand, like: Value): Operand {
  return typeof operand === 'number' ? operand : b.cast(operand, like.type);
}

function elements(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, extent) => product * extent, 1);
}
