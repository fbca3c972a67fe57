import type { Attribute } from '../../model.js';
import { sizeOf, type Tensor } from '../../tensor.js';

/**
 * One use of an operator, with the authority that its gradient is tested against. The tables beside this file cover
 * every operator that has a rule and every variant of its attributes; `gradients.test.ts` runs them,
 * `docs/operators.md` is generated from them.
 */
export interface OperatorCase {
  readonly operator: string;
  /** What is special about it: `stride 2, groups`. */
  readonly variant: string;
  readonly domain: string;
  readonly inputs: readonly CaseInput[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** How many outputs are asked for. */
  readonly outputs: number;
  readonly authority: Authority;
  /** PyTorch's answers. */
  readonly golden?: Golden;
}

/**
 * - `finite differences`: in double precision, and the single-precision graph against the double-precision one;
 * - `PyTorch`: double-precision values of PyTorch against our single-precision graph (no double-precision kernel);
 * - `linear`: finite differences of a linear operator in single precision, exact but for rounding;
 * - `shapes`: no gradient; the inferred types and shapes against those of the runtime.
 */
export type Authority = 'finite differences' | 'PyTorch' | 'linear' | 'shapes';

/** A tensor by itself is a constant of the graph; undefined is an omitted input. */
export type CaseInput = Variable | Fed | Tensor | undefined;

/** An input that no gradient is taken by. */
export interface Fed {
  readonly fed: Tensor;
}

export const fed = (data: Tensor): Fed => ({ fed: data });

/** An input that the gradient is taken by. */
export interface Variable {
  readonly variable: true;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface Golden {
  readonly values: readonly Plain[];
  readonly seeds: readonly Plain[];
  readonly gradients: readonly (Plain | null)[];
}

export interface Plain {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export const isVariable = (input: CaseInput): input is Variable => input !== undefined && 'variable' in input;
export const isFed = (input: CaseInput): input is Fed => input !== undefined && 'fed' in input;

interface Options {
  readonly outputs?: number;
  readonly domain?: string;
}

const caseOf =
  (authority: Authority) =>
  (
    operator: string,
    variant: string,
    inputs: OperatorCase['inputs'],
    attributes: OperatorCase['attributes'] = {},
    { outputs = 1, domain = '' }: Options = {},
  ): OperatorCase => ({ operator, variant, domain, inputs, attributes, outputs, authority });

export const differences = caseOf('finite differences');
export const linear = caseOf('linear');
export const shapes = caseOf('shapes');

/** A small generator of its own, so that every case is the same on every run, whatever stands before it. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32;
  };
}

const filledBy = (shape: readonly number[], draw: (next: () => number) => number, seed: number): Variable => {
  const next = random(seed * 7919 + sizeOf(shape));
  for (let i = 0; i < 8; i++) next();
  // Three decimals: the same in single and double precision but for the last bits.
  return { variable: true, shape, data: Array.from({ length: sizeOf(shape) }, () => Math.fround(draw(next))) };
};

export const uniform = (shape: readonly number[], low: number, high: number, seed = 1): Variable =>
  filledBy(shape, (next) => low + (high - low) * next(), seed);

/** Roughly normal: the sum of four uniforms, centred, of variance 1. */
export const normal = (shape: readonly number[], seed = 1): Variable =>
  filledBy(shape, (next) => (next() + next() + next() + next() - 2) * Math.sqrt(3), seed);

/** No two equal and none near zero: safe at the kinks of piecewise functions. */
export function distinct(shape: readonly number[], gap = 0.25, seed = 1): Variable {
  const next = random(seed * 104729 + sizeOf(shape));
  const size = sizeOf(shape);
  const order = Array.from({ length: size }, (_, i) => ({ i, key: next() })).sort((a, b) => a.key - b.key);
  return { variable: true, shape, data: order.map(({ i }) => Math.fround((i - Math.floor(size / 2) + 0.5) * gap)) };
}

/** Given numbers. */
export const given = (shape: readonly number[], data: readonly number[]): Variable => ({ variable: true, shape, data });
