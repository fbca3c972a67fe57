import { GraphBuilder, type Value } from '../../graph/builder.js';
import { removeDeadCode } from '../../graph/format/dead-code.js';
import { writeModel } from '../../graph/format/encode.js';
import { gradients } from '../../graph/gradients.js';
import { inline } from '../../graph/inline.js';
import type { Graph, Model } from '../../graph/model.js';
import { isFloat } from '../../graph/operators/operator.js';
import type { BoundTensor, Runtime } from '../../graph/runtime/runtime.js';
import { type NumericArray, sizeOf, type Tensor } from '../../graph/tensor.js';
import { derive, type Random } from '../../numeric/random.js';
import { logitsOf } from '../classifier-output.js';
import { invalid } from '../invalid.js';
import type { AttackOptions } from './options.js';
import { ascent, type Norm, project } from './perturb.js';

/** A differentiable classifier and rows to attack it on. */
export interface AttackTarget {
  /** Opset 21 (`upgrade` brings a model there); a final Softmax is taken off. */
  readonly graph: Graph;
  /** Output with one score a class: logits, or the result of a Softmax. */
  readonly output: string;
  /** [rows, ...] by name of the input. All float inputs are attacked, others stay. */
  readonly inputs: Readonly<Record<string, Tensor<NumericArray>>>;
  /** Class indices, [rows]. */
  readonly target: ArrayLike<number>;
}

export interface AttackResult {
  /** The worst point found for each row, by input. */
  readonly inputs: Readonly<Record<string, Float32Array>>;
  /** Whether the class is right on the row itself. */
  readonly right: Uint8Array;
  /** Whether a point was found at which it is not. */
  readonly fooled: Uint8Array;
  /** Loss at the worst point. */
  readonly loss: Float64Array;
  /** Rows of right class whose gradient was exactly zero at the row itself: the attack had nothing to follow. */
  readonly withoutGradient: number;
}

const BATCH = 256;
const FIXED = 'fixed.';
const POINT = 'point.';
const CENTER = 'center.';

/**
 * One step of projected gradient ascent as a graph: points, rows, target, epsilon and step size in; losses and logits at
 * the points and the next points out. Any step count, restarts and schedules are runs of it.
 */
export function attackStep(
  { graph, output, inputs }: Omit<AttackTarget, 'target'>,
  { norm, loss, low, high, batch = BATCH }: Pick<AttackOptions, 'norm' | 'loss' | 'low' | 'high'> & { batch?: number },
): Model {
  const b = new GraphBuilder('attack');
  const points: Record<string, Value> = {};
  const centers: Record<string, Value> = {};
  const fixed: Record<string, Value> = {};
  for (const [name, { type, shape }] of Object.entries(inputs)) {
    const extents = [batch, ...shape.slice(1)];
    if (type === 'float32') {
      points[name] = b.input(POINT + name, type, extents);
      centers[name] = b.input(CENTER + name, type, extents);
    } else fixed[name] = b.input(FIXED + name, type, extents);
  }
  if (Object.keys(points).length === 0) {
    throw invalid('there is no float32 input to perturb', 'ATTACK_INPUT', undefined, `graph ${graph.name}`);
  }
  const epsilon = b.input('epsilon', 'float32', []);
  const stepSize = b.input('stepSize', 'float32', []);
  const target = b.input('target', 'int64', [batch]);
  const { source, name } = logitsOf(graph, output);
  const results = inline(b, source, {
    inputs: { ...points, ...fixed },
    prefix: 'model.',
    replace: (node, given) => (node.opType === 'Dropout' ? [given[0]!] : undefined),
  });
  const scores = results[name];
  const classes = sizeOf(scores.shape) / batch;
  if (!isFloat(scores.type) || classes < 2) {
    throw invalid(
      `output "${output}" does not hold a score for each class`,
      'ATTACK_OUTPUT',
      `${scores.type} [${scores.shape}]`,
      `graph ${graph.name}`,
      'Attack logits or probabilities of two classes or more',
    );
  }
  const logits = b.reshape(scores, [batch, classes]);
  const losses = lossOf(b, logits, b.oneHot(target, classes), loss);
  const names = Object.keys(points);
  const found = gradients(
    b,
    b.reduceSum(losses),
    names.map((input) => points[input]),
  );
  const gradient: Record<string, Value> = {};
  names.forEach((input, i) => {
    gradient[input] = found[i] ?? b.scalar(0, 'float32', points[input].shape);
  });
  const along = ascent(b, gradient, norm);
  const range = [low ?? Number.NEGATIVE_INFINITY, high ?? Number.POSITIVE_INFINITY] as const;
  const moved: Record<string, Value> = {};
  for (const input of names) moved[input] = b.add(points[input], b.mul(along[input], stepSize));
  const next = project(b, moved, {
    center: centers,
    epsilon,
    norm,
    range: low === undefined && high === undefined ? undefined : range,
  });
  const steepest = names.map((input) =>
    b.reduceMax(b.abs(b.reshape(gradient[input], [batch, sizeOf(gradient[input].shape) / batch])), [1]),
  );
  b.output('loss', losses);
  b.output('logits', logits);
  b.output('steepest', steepest.reduce(b.maximum));
  for (const input of names) b.output(`next.${input}`, next[input]);
  const model = b.model();
  return { ...model, graph: removeDeadCode(model.graph) };
}

/**
 * Attacks every row: from each start, the step graph is run `steps` times, and the worst point seen is kept: one of a
 * wrong class before any other, then the one of the larger loss.
 *
 * @param fromRows starts at the rows themselves, not at random points
 * @param noise draws a point of the ball's surface at each restart and climbs nothing: an attack without gradients
 * @throws BallastError ATTACK_INPUT, ATTACK_OUTPUT; GRAPH_NOT_DIFFERENTIABLE naming the node
 */
export async function attack(
  runtime: Runtime,
  target: AttackTarget,
  options: AttackOptions,
  { noise = false, fromRows = false }: { noise?: boolean; fromRows?: boolean } = {},
): Promise<AttackResult> {
  const { epsilon, seed } = options;
  const { steps, restarts, stepSize, randomStart } = planOf(options);
  const rows = target.target.length;
  const batch = Math.min(BATCH, rows);
  const session = await runtime.load(writeModel(attackStep(target, { ...options, batch })));
  const allocated: BoundTensor[] = [];
  const allocate = (type: BoundTensor['type'], shape: readonly number[]): BoundTensor => {
    const made = runtime.allocate(type, shape);
    allocated.push(made);
    return made;
  };
  const attacked = Object.entries(target.inputs).filter(([, { type }]) => type === 'float32');
  const sizes = new Map(attacked.map(([name, { shape }]) => [name, sizeOf(shape.slice(1))]));
  const ports = Object.fromEntries(
    session.inputs.map(({ name, type, shape }) => [name, allocate(type as BoundTensor['type'], shape as number[])]),
  );
  const outputs = Object.fromEntries(
    session.outputs.map(({ name, type, shape }) => [name, allocate(type as BoundTensor['type'], shape as number[])]),
  );
  const binding = session.bind(ports, outputs);
  const floats = (tensor: BoundTensor): Float32Array => tensor.data as Float32Array;
  const result: AttackResult & { withoutGradient: number } = {
    inputs: Object.fromEntries(attacked.map(([name, { data }]) => [name, Float32Array.from(data as Float32Array)])),
    right: new Uint8Array(rows),
    fooled: new Uint8Array(rows),
    loss: new Float64Array(rows).fill(Number.NEGATIVE_INFINITY),
    withoutGradient: 0,
  };
  try {
    for (let from = 0; from < rows; from += batch) {
      const count = Math.min(batch, rows - from);
      const rowOf = (i: number): number => from + (i < count ? i : 0);
      for (const [name, { type, data, shape }] of Object.entries(target.inputs)) {
        const size = sizeOf(shape.slice(1));
        const into = ports[type === 'float32' ? CENTER + name : FIXED + name];
        for (let i = 0; i < batch; i++) {
          into.data.set(data.subarray(rowOf(i) * size, (rowOf(i) + 1) * size) as never, i * size);
        }
      }
      const labels = ports.target.data as BigInt64Array;
      for (let i = 0; i < batch; i++) labels[i] = BigInt(target.target[rowOf(i)]);
      floats(ports.epsilon)[0] = epsilon;
      floats(ports.stepSize)[0] = stepSize;
      const observe = (first: boolean): void => {
        const losses = floats(outputs.loss);
        const logits = floats(outputs.logits);
        const classes = logits.length / batch;
        for (let i = 0; i < count; i++) {
          const row = from + i;
          const right = isLargest(logits.subarray(i * classes, (i + 1) * classes), target.target[row]);
          if (first) {
            result.right[row] = right ? 1 : 0;
            if (right && floats(outputs.steepest)[i] === 0) result.withoutGradient++;
          }
          const wrong = right ? 0 : 1;
          if (wrong < result.fooled[row] || (wrong === result.fooled[row] && !(losses[i] > result.loss[row]))) continue;
          result.fooled[row] = wrong;
          result.loss[row] = losses[i];
          for (const [name] of attacked) {
            const size = sizes.get(name)!;
            const point = floats(ports[POINT + name]).subarray(i * size, (i + 1) * size);
            result.inputs[name].set(point, row * size);
          }
        }
      };
      const place = (name: string, values: Float32Array): void => floats(ports[POINT + name]).set(values);
      for (let restart = 0; restart < restarts; restart++) {
        const random = derive(seed, 'attack', from, restart);
        // The rows themselves first: they tell what is right without an attack.
        for (const [name] of attacked) place(name, floats(ports[CENTER + name]));
        if (restart === 0) {
          await binding.run();
          observe(true);
        }
        if (noise || (randomStart && !fromRows)) {
          const drawn = drawPoints(random, options, attacked, (name) => floats(ports[CENTER + name]), {
            batch,
            corner: noise,
          });
          for (const [name, values] of drawn) place(name, values);
          await binding.run();
          observe(false);
        } else if (restart > 0) break;
        if (noise) continue;
        for (let step = 0; step < steps; step++) {
          for (const [name] of attacked) place(name, floats(outputs[`next.${name}`]));
          await binding.run();
          observe(false);
        }
      }
    }
    return result;
  } finally {
    binding.release();
    session.release();
    for (const bound of allocated) bound.release();
  }
}

/** What the options come to. FGSM is one step of size epsilon from the row itself. */
export function planOf({ method, epsilon, steps, stepSize, restarts }: AttackOptions): {
  steps: number;
  stepSize: number;
  restarts: number;
  randomStart: boolean;
} {
  return method === 'fgsm'
    ? { steps: 1, stepSize: stepSize ?? epsilon, restarts: 1, randomStart: false }
    : { steps, stepSize: stepSize ?? (2.5 * epsilon) / steps, restarts, randomStart: true };
}

/** Cross-entropy, or the best wrong logit minus the right one: [batch]. */
function lossOf(b: GraphBuilder, logits: Value, hot: Value, kind: AttackOptions['loss']): Value {
  if (kind === 'cross-entropy') return b.neg(b.reduceSum(b.mul(b.logSoftmax(logits), hot), [1]));
  const right = b.reduceSum(b.mul(logits, hot), [1]);
  return b.sub(b.reduceMax(b.sub(logits, b.mul(hot, 1e9)), [1]), right);
}

/** Whether the class has the largest logit; the first of equals counts, as in evaluation. */
function isLargest(logits: Float32Array, label: number): boolean {
  const own = logits[label];
  return logits.every((logit, c) => (c < label ? logit < own : logit <= own));
}

/** Points of the ball, or (`corner`) of its surface: signs for l-inf, directions for l2. */
function drawPoints(
  random: Random,
  { norm, epsilon, low, high }: { norm: Norm; epsilon: number; low?: number | undefined; high?: number | undefined },
  attacked: readonly (readonly [string, Tensor<NumericArray>])[],
  centerOf: (name: string) => Float32Array,
  { batch, corner }: { batch: number; corner: boolean },
): [string, Float32Array][] {
  const offsets = attacked.map(([name]): [string, Float32Array] => {
    const length = centerOf(name).length;
    const draw =
      norm === 'l2'
        ? () => random.normal()
        : corner
          ? () => (random.uniform() < 0.5 ? -epsilon : epsilon)
          : () => epsilon * (2 * random.uniform() - 1);
    return [name, Float32Array.from({ length }, draw)];
  });
  if (norm === 'l2') {
    const dimension = offsets.reduce((sum, [, values]) => sum + values.length / batch, 0);
    for (let row = 0; row < batch; row++) {
      const parts = offsets.map(([, values]) => {
        const size = values.length / batch;
        return values.subarray(row * size, (row + 1) * size);
      });
      const length = Math.sqrt(parts.reduce((sum, part) => sum + part.reduce((s, v) => s + v * v, 0), 0));
      const radius = corner ? epsilon : epsilon * random.uniform() ** (1 / dimension);
      for (const part of parts) for (let i = 0; i < part.length; i++) part[i] *= radius / Math.max(length, 1e-12);
    }
  }
  return offsets.map(([name, values]) => {
    const center = centerOf(name);
    const points = values.map((value, i) =>
      Math.min(high ?? Number.POSITIVE_INFINITY, Math.max(low ?? Number.NEGATIVE_INFINITY, center[i] + value)),
    );
    return [name, points];
  });
}
