import { readFileSync } from 'node:fs';
import type { Norm } from '../../src/evaluation/attacks/perturb.js';
import type { GraphBuilder, Value } from '../../src/graph/builder.js';
import { gradients } from '../../src/graph/gradients.js';
import { float64, int64, type Tensor } from '../../src/graph/tensor.js';
import type { Pass, PassOptions } from '../../src/regularizers/regularizer.js';

/** What PyTorch's side of goldens/make_attacks.py computed on one small network. */
interface AttackGoldens {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly noise: readonly number[];
  readonly shape: readonly [batch: number, inputs: number, hidden: number, classes: number];
  readonly parameters: Readonly<Record<'w1' | 'b1' | 'w2' | 'b2', readonly number[]>>;
  readonly attacks: readonly {
    readonly norm: Norm;
    readonly epsilon: number;
    readonly stepSize: number;
    readonly steps: number;
    readonly range: readonly [number, number] | null;
    readonly start: readonly number[];
    readonly points: readonly number[];
  }[];
  readonly trades: readonly (Divergence & { norm: Norm; steps: number; stepSize: number; beta: number })[];
  readonly vat: readonly (Divergence & { iterations: number; xi: number; alpha: number })[];
}

interface Divergence {
  readonly epsilon: number;
  readonly points: readonly number[];
  readonly loss: number;
  readonly gradients: readonly (readonly number[])[];
}

const path = new URL('../../src/evaluation/attacks/goldens/attacks.json', import.meta.url);
export const ATTACK_GOLDENS = JSON.parse(readFileSync(path, 'utf8')) as AttackGoldens;

const [B, D, H, C] = ATTACK_GOLDENS.shape;
const { w1, b1, w2, b2 } = ATTACK_GOLDENS.parameters;

/** The network's parameters, input and target as feeds. */
export const ATTACK_FEEDS: Readonly<Record<string, Tensor>> = {
  x: float64([B, D], ATTACK_GOLDENS.x),
  noise: float64([B, D], ATTACK_GOLDENS.noise),
  y: int64([B], ATTACK_GOLDENS.y),
  w1: float64([D, H], w1),
  b1: float64([H], b1),
  w2: float64([H, C], w2),
  b2: float64([C], b2),
};

export const PARAMETER_NAMES = ['w1', 'b1', 'w2', 'b2'] as const;

/** The golden network inside a graph, as hooks see a network. */
export function goldenNetwork(
  b: GraphBuilder,
  { w1, b1, w2, b2 }: Readonly<Record<string, Value>>,
): (inputs: Readonly<Record<string, Value>>, options?: PassOptions) => Pass {
  return ({ x }) => ({
    logits: b.gemm(b.tanh(b.gemm(x, w1, b1)), w2, b2),
    activations: [],
    features: undefined,
    members: [],
  });
}

/** Gradients of a scalar by the golden network's parameters, by name. */
export function parameterGradients(
  b: GraphBuilder,
  loss: Value,
  inputs: Readonly<Record<string, Value>>,
): Record<string, Value> {
  const found = gradients(
    b,
    loss,
    PARAMETER_NAMES.map((name) => inputs[name]),
  );
  return Object.fromEntries(PARAMETER_NAMES.map((name, i) => [name, found[i]!]));
}

/** The largest difference, relative to the largest expected value. */
export function worstOf(found: readonly number[], expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...found.map((value, i) => Math.abs(value - expected[i]))) / scale;
}
