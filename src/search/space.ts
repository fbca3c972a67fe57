import { BallastError } from '../errors.js';

/**
 * What may vary in a search. A point holds one number a parameter: the value itself, or the index of a choice. Samplers
 * work in the unit cube, where a logarithmic range is even in its logarithm and an integer is the middle of its bin.
 */
export type Dimension =
  | { readonly kind: 'float'; readonly low: number; readonly high: number; readonly log: boolean }
  | { readonly kind: 'int'; readonly low: number; readonly high: number; readonly log: boolean }
  | { readonly kind: 'choice'; readonly choices: readonly unknown[] };

export interface Parameter {
  readonly name: string;
  readonly dimension: Dimension;
  /** It only exists where another parameter, a choice, has one of these indices. */
  readonly when?: { readonly parameter: string; readonly indices: readonly number[] };
}

/** Parameters, each after the one that its condition names. */
export interface Space {
  readonly parameters: readonly Parameter[];
}

/** Numbers of the parameters that exist, by name. */
export type Point = Readonly<Record<string, number>>;

/**
 * Checks ranges and conditions, and orders parameters so that conditions come first.
 *
 * @throws BallastError SEARCH_SPACE
 */
export function createSpace(parameters: readonly Parameter[]): Space {
  const fault = (name: string, message: string, remedy: string): BallastError =>
    new BallastError(message, { code: 'SEARCH_SPACE', place: `search.space.${name}`, remedy });
  if (parameters.length === 0) throw fault('', 'there is nothing to search', 'Name at least one parameter');
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  for (const { name, dimension, when } of parameters) {
    if (dimension.kind === 'choice') {
      if (dimension.choices.length === 0) throw fault(name, 'a choice needs at least one value', 'List its values');
    } else if (!(dimension.low < dimension.high)) {
      throw fault(name, 'low must be below high', 'Widen the range, or set the value in the spec itself');
    } else if (dimension.log && !(dimension.low > 0)) {
      throw fault(name, 'a logarithmic range begins above 0', 'Raise low, or use scale: linear');
    }
    if (when === undefined) continue;
    const parent = byName.get(when.parameter);
    if (parent?.dimension.kind !== 'choice') {
      throw fault(name, `its condition names ${when.parameter}, which is no choice of this space`, 'Name a choice');
    }
  }
  const ordered: Parameter[] = [];
  const place = (parameter: Parameter, path: readonly string[]): void => {
    if (ordered.includes(parameter)) return;
    if (path.includes(parameter.name)) {
      throw fault(parameter.name, 'conditions go round in a circle', 'Let one of them exist without condition');
    }
    if (parameter.when !== undefined) place(byName.get(parameter.when.parameter)!, [...path, parameter.name]);
    ordered.push(parameter);
  };
  for (const parameter of parameters) place(parameter, []);
  return { parameters: ordered };
}

/** Whether a parameter exists, given the values of those before it. */
export function exists({ when }: Parameter, point: Point): boolean {
  return when === undefined || (when.parameter in point && when.indices.includes(point[when.parameter]));
}

/** How many values a dimension has; infinite for a float. */
export function levels(dimension: Dimension): number {
  switch (dimension.kind) {
    case 'float':
      return Number.POSITIVE_INFINITY;
    case 'int':
      return dimension.high - dimension.low + 1;
    case 'choice':
      return dimension.choices.length;
    default:
      return dimension satisfies never;
  }
}

/** The ends of a numeric range on the scale that is even in the unit interval. */
function ends({ kind, low, high, log }: Exclude<Dimension, { kind: 'choice' }>): readonly [number, number] {
  const half = kind === 'int' ? 0.5 : 0;
  return log ? [Math.log(low - half), Math.log(high + half)] : [low - half, high + half];
}

/** A value's place in [0, 1]; of an integer or a choice the middle of its bin. */
export function toUnit(dimension: Dimension, value: number): number {
  if (dimension.kind === 'choice') return (value + 0.5) / dimension.choices.length;
  const [low, high] = ends(dimension);
  return ((dimension.log ? Math.log(value) : value) - low) / (high - low);
}

/** The value at a place of [0, 1]. */
export function fromUnit(dimension: Dimension, unit: number): number {
  const place = Math.min(1, Math.max(0, unit));
  if (dimension.kind === 'choice') {
    return Math.min(dimension.choices.length - 1, Math.floor(place * dimension.choices.length));
  }
  const [low, high] = ends(dimension);
  const on = low + place * (high - low);
  const value = dimension.log ? Math.exp(on) : on;
  const whole = dimension.kind === 'int' ? Math.round(value) : value;
  return Math.min(dimension.high, Math.max(dimension.low, whole));
}

/** The bin of an integer's value in [0, 1]. */
export function unitBin(dimension: Extract<Dimension, { kind: 'int' }>, value: number): readonly [number, number] {
  const [low, high] = ends(dimension);
  const place = (edge: number): number => ((dimension.log ? Math.log(edge) : edge) - low) / (high - low);
  return [place(value - 0.5), place(value + 0.5)];
}

/** A point out of one number of [0, 1) for each parameter, in order; those of parameters that do not exist are unused. */
export function pointAt({ parameters }: Space, units: ArrayLike<number>): Point {
  const point: Record<string, number> = {};
  parameters.forEach((parameter, i) => {
    if (exists(parameter, point)) point[parameter.name] = fromUnit(parameter.dimension, units[i]);
  });
  return point;
}

/** The value that a number of a point stands for. */
export function choiceOf(dimension: Dimension, number: number): unknown {
  return dimension.kind === 'choice' ? dimension.choices[number] : number;
}

/** The values of a point by name. */
export function valuesOf({ parameters }: Space, point: Point): Record<string, unknown> {
  return Object.fromEntries(
    parameters
      .filter(({ name }) => name in point)
      .map(({ name, dimension }) => [name, choiceOf(dimension, point[name])]),
  );
}
