import { BallastError } from '../../errors.js';
import type { NumericArray } from '../tensor.js';
import { encodeModel } from './minimal-model.js';
import type { Runtime, Session, SessionOptions } from './runtime.js';

/**
 * A training step small enough to work out by hand: least squares by gradient descent,
 * w' = w - lr * x^T (x w - y). Every number is a small dyadic fraction, so that float32 gives it exactly in any order
 * of summation.
 */
const STEP = encodeModel({
  nodes: [
    { op: 'Gemm', inputs: ['x', 'w'], outputs: ['prediction'] },
    { op: 'Sub', inputs: ['prediction', 'y'], outputs: ['residual'] },
    { op: 'Gemm', inputs: ['x', 'residual'], outputs: ['gradient'], attributes: { transA: 1 } },
    { op: 'Mul', inputs: ['lr', 'gradient'], outputs: ['change'] },
    { op: 'Sub', inputs: ['w', 'change'], outputs: ['next'] },
    { op: 'Identity', inputs: ['tag'], outputs: ['echo'] },
  ],
  inputs: [
    ['x', 'float32', [2, 2]],
    ['y', 'float32', [2, 1]],
    ['w', 'float32', [2, 1]],
    ['lr', 'float32', []],
    ['tag', 'int64', [1]],
  ],
  outputs: [
    ['next', 'float32', [2, 1]],
    ['echo', 'int64', [1]],
  ],
});

/** Weights after one and after two steps from w = (0, 0), with x = [[1, 2], [3, -1]], y = (1, 2), lr = 1/8. */
const FIRST = [0.875, 0];
const SECOND = [0.65625, 0.109375];
/** No float64 and no int32 can hold it. */
const TAG = 2n ** 62n + 1n;

/** Strings in and out, through the path that copies. */
const ECHO = encodeModel({
  nodes: [{ op: 'Identity', inputs: ['text'], outputs: ['echo'] }],
  inputs: [['text', 'string', ['n']]],
  outputs: [['echo', 'string', ['n']]],
});
const TEXT = ['', 'é', 'ballast'];

/** Runs steps with known results on a runtime. Errors: PROBE_MISMATCH naming what came out, and the runtime's own. */
export async function probeRuntime(runtime: Runtime, options: SessionOptions = {}): Promise<void> {
  await withSession(runtime, STEP, options, (session) => probeStep(runtime, session));
  await withSession(runtime, ECHO, options, probeStrings);
}

async function withSession(
  runtime: Runtime,
  model: Uint8Array,
  options: SessionOptions,
  use: (session: Session) => Promise<void>,
): Promise<void> {
  const session = await runtime.load(model, options);
  try {
    await use(session);
  } finally {
    session.release();
  }
}

async function probeStep(runtime: Runtime, session: Session): Promise<void> {
  const fixed = {
    x: runtime.allocate('float32', [2, 2]),
    y: runtime.allocate('float32', [2, 1]),
    lr: runtime.allocate('float32', []),
    tag: runtime.allocate('int64', [1]),
  };
  const echo = runtime.allocate('int64', [1]);
  const [w0, w1, w2] = [0, 1, 2].map(() => runtime.allocate('float32', [2, 1])) as [Bound, Bound, Bound];
  fill(fixed.x.data, [1, 2, 3, -1]);
  fill(fixed.y.data, [1, 2]);
  fill(fixed.lr.data, [1 / 8]);
  (fixed.tag.data as BigInt64Array)[0] = TAG;
  const first = session.bind({ ...fixed, w: w0 }, { next: w1, echo });
  const second = session.bind({ ...fixed, w: w1 }, { next: w2, echo });
  first.runSync();
  await second.run();
  expectEqual('weights after one step', w1.data, FIRST);
  expectEqual('weights after two steps', w2.data, SECOND);
  expectEqual('an int64', echo.data, [TAG]);
  for (const held of [first, second, echo, w0, w1, w2, ...Object.values(fixed)]) held.release();
}

type Bound = ReturnType<Runtime['allocate']>;

async function probeStrings(session: Session): Promise<void> {
  const { echo } = await session.run({ text: { type: 'string', shape: [TEXT.length], data: TEXT } });
  expectEqual('strings', echo?.data ?? [], TEXT);
}

function fill(data: NumericArray, values: readonly number[]): void {
  (data as Float32Array).set(values);
}

function expectEqual<T>(what: string, got: ArrayLike<T | number | bigint | string>, expected: readonly T[]): void {
  if (got.length === expected.length && expected.every((value, i) => got[i] === value)) return;
  throw new BallastError(`${what}: expected ${expected.join(', ')}, got ${Array.from(got).join(', ')}`, {
    code: 'PROBE_MISMATCH',
    kind: 'environment',
  });
}
