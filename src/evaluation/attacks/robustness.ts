import type { Runtime } from '../../graph/runtime/runtime.js';
import type { NumericArray, Tensor } from '../../graph/tensor.js';
import { wilsonInterval } from '../../numeric/index.js';
import type { Figure } from '../figure.js';
import { invalid } from '../invalid.js';
import { mcnemarTest } from '../mcnemar.js';
import { type AttackTarget, attack, planOf } from './attack.js';
import type { AttackOptions } from './options.js';

/** Robust accuracy, and whether the attack that measured it may have been misled. */
export interface Robustness {
  readonly attack: AttackOptions & { readonly stepSize: number };
  /** Rows that were attacked. */
  readonly rows: number;
  readonly accuracy: Figure;
  /** Share of rows that are right and stay right under the attack: an upper bound, since another attack may find more. */
  readonly robustAccuracy: Figure;
  /** Signs that gradients do not lead where the model is wrong: robust accuracy then means little. */
  readonly masking: { readonly suspected: boolean; readonly checks: readonly MaskingCheck[] };
}

export interface MaskingCheck {
  readonly name: 'one-step' | 'noise' | 'unbounded' | 'gradient';
  readonly passed: boolean;
  /** What was seen, in words with figures. */
  readonly message: string;
}

/** Points of noise tried a row. */
const TRIALS = 50;
/** The unbounded attack: how many times the spread of the inputs, and in how many steps. */
const UNBOUNDED = { factor: 10, steps: 40 };
const LEVEL = 0.05;

/**
 * Attacks a classifier and checks the attack after Athalye, Carlini and Wagner (2018, section 3.1): one step must not
 * fool more rows than many, nor noise of the same size more than gradients; without a bound every row must fall; and
 * rows must have gradients.
 *
 * @throws BallastError ATTACK_ROWS, ATTACK_INPUT, ATTACK_OUTPUT, GRAPH_NOT_DIFFERENTIABLE
 */
export async function measureRobustness(
  runtime: Runtime,
  whole: AttackTarget,
  options: AttackOptions,
): Promise<Robustness> {
  const target = evenly(whole, options.rows);
  const rows = target.target.length;
  if (rows === 0) throw invalid('there are no rows to attack', 'ATTACK_ROWS');
  const main = await attack(runtime, target, options);
  const right = count(main.right);
  const robust = standing(main);
  const share = (successes: number): Figure => ({
    value: successes / rows,
    interval: wilsonInterval(successes, rows, 0.95),
    method: 'Wilson',
  });
  const checks: MaskingCheck[] = [];
  const compare = async (name: 'one-step' | 'noise', what: string, other: AttackOptions, noise: boolean) => {
    const found = await attack(runtime, target, other, { noise });
    const onlyOther = count(found.fooled.map((fooled, i) => fooled & main.right[i] & ~main.fooled[i]));
    const onlyMain = count(main.fooled.map((fooled, i) => fooled & main.right[i] & ~found.fooled[i]));
    const stronger = onlyOther > onlyMain && mcnemarTest(onlyOther, onlyMain).midP < LEVEL;
    checks.push({
      name,
      passed: !stronger,
      message: `${what} leaves ${percent(standing(found), rows)} right, and the attack ${percent(robust, rows)}`,
    });
  };
  if (options.method === 'pgd') {
    await compare('one-step', 'one step of size epsilon', { ...options, method: 'fgsm', stepSize: undefined }, false);
  }
  await compare(
    'noise',
    `the worst of ${TRIALS} points of noise`,
    { ...options, method: 'pgd', restarts: TRIALS },
    true,
  );
  const reach = reachOf(target, options);
  // By the margin, which has a slope wherever the network has one: cross-entropy far out has none in single precision.
  const unbounded = await attack(
    runtime,
    target,
    {
      ...options,
      method: 'pgd',
      loss: 'margin',
      epsilon: reach,
      stepSize: (2.5 * reach) / UNBOUNDED.steps,
      steps: UNBOUNDED.steps,
      restarts: 1,
    },
    { fromRows: true },
  );
  const left = standing(unbounded);
  checks.push({
    name: 'unbounded',
    passed: left <= Math.floor(rows / 100),
    message: `with epsilon ${show(reach)}, which allows any input, ${percent(left, rows)} are still right`,
  });
  checks.push({
    name: 'gradient',
    passed: main.withoutGradient <= right / 100,
    message: `${percent(main.withoutGradient, Math.max(1, right))} of the rows that are right have no gradient at all`,
  });
  return {
    attack: { ...options, ...planOf(options) },
    rows,
    accuracy: share(right),
    robustAccuracy: share(robust),
    masking: { suspected: checks.some(({ passed }) => !passed), checks },
  };
}

/** Rows that are right and stay so. */
function standing({ right, fooled }: { right: Uint8Array; fooled: Uint8Array }): number {
  return count(right.map((value, i) => value & ~fooled[i]));
}

/** A radius within which every other row lies, so that an attack may turn any row into any. */
function reachOf({ inputs }: AttackTarget, { norm, low, high }: AttackOptions): number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let width = 0;
  for (const { type, data, shape } of Object.values(inputs)) {
    if (type !== 'float32') continue;
    for (const value of data as Float32Array) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    width += data.length / Math.max(1, shape[0]);
  }
  const bounded = low !== undefined && high !== undefined;
  const span = bounded ? high - low : UNBOUNDED.factor * Math.max(1, most - least);
  return norm === 'l2' ? span * Math.sqrt(width) : span;
}

function evenly({ inputs, target, ...rest }: AttackTarget, limit: number): AttackTarget {
  const rows = target.length;
  if (rows <= limit) return { inputs, target, ...rest };
  const chosen = Array.from({ length: limit }, (_, i) => Math.floor((i * rows) / limit));
  const some = ({ type, shape, data }: Tensor<NumericArray>): Tensor<NumericArray> => {
    const size = data.length / rows;
    const Kind = data.constructor as new (length: number) => NumericArray;
    const values = new Kind(limit * size);
    chosen.forEach((row, i) => {
      values.set(data.subarray(row * size, (row + 1) * size) as never, i * size);
    });
    return { type, shape: [limit, ...shape.slice(1)], data: values };
  };
  return {
    ...rest,
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, some(tensor)])),
    target: chosen.map((row) => target[row]),
  };
}

function count(flags: Uint8Array): number {
  return flags.reduce((sum, flag) => sum + flag, 0);
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;
const show = (value: number): string => String(Number(value.toPrecision(3)));
