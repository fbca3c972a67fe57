import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { BallastError } from '../errors.js';
import type { Runtime, Session } from '../graph/runtime/runtime.js';
import type { Tensor } from '../graph/tensor.js';
import { recordsOf, tensorRecords, tensorsOf } from '../graph/tensor-record.js';

/** Feeds of a model by input. */
type Tensors = Readonly<Record<string, Tensor>>;

const checkSchema = z.strictObject({
  /** Most that floating-point answers may differ: norm of the difference over norm of the answer, by output. */
  tolerance: z.number().positive(),
  feeds: tensorRecords,
  answers: tensorRecords,
});

/** Feeds with the answers that a model gave where its bundle was made. */
export type Check = z.infer<typeof checkSchema>;

/** Eight-bit products are added differently by other processors; floating point only rounds differently. */
const TOLERANCE = { exact: 1e-3, rounded: 0.05 } as const;

/**
 * Asks a model and keeps what it answers.
 *
 * @param rounded whether parts of it compute in 8 bits
 */
export async function makeCheck(
  runtime: Runtime,
  model: Uint8Array,
  feeds: Tensors,
  { rounded, externalData }: { readonly rounded: boolean; readonly externalData?: string | undefined },
): Promise<Check> {
  const session = await runtime.load(model, externalData === undefined ? {} : { externalData });
  try {
    const answers = await session.run(feeds);
    return {
      tolerance: rounded ? TOLERANCE.rounded : TOLERANCE.exact,
      feeds: recordsOf(feeds),
      answers: recordsOf(answers),
    };
  } finally {
    session.release();
  }
}

/** How far a model's answers are from those of its check, by output; 0 is bit-equal. */
export type Deviations = Readonly<Record<string, number>>;

/**
 * Asks a model file what it was asked where its bundle was made.
 *
 * @throws BallastError BUNDLE_CHECK where it answers otherwise here, and those of loading it
 */
export async function runCheck(runtime: Runtime, path: string, check: Check): Promise<Deviations> {
  let session: Session | undefined;
  try {
    session = await runtime.load(await readFile(path), { externalData: dirname(path) });
    const answers = await session.run(tensorsOf(check.feeds));
    const expected = tensorsOf(check.answers);
    const deviations = Object.fromEntries(
      Object.entries(expected).map(([name, tensor]) => [name, deviation(answers[name], tensor)]),
    );
    const [worst] = Object.entries(deviations).sort((a, b) => b[1] - a[1]);
    if (worst !== undefined && !(worst[1] <= check.tolerance)) {
      throw new BallastError(
        `on this machine the model answers otherwise than where it was made: "${worst[0]}" deviates by ${worst[1].toPrecision(3)}`,
        { code: 'BUNDLE_CHECK', kind: 'conflict', place: path, remedy: 'Make a bundle for this kind of processor' },
      );
    }
    return deviations;
  } finally {
    session?.release();
  }
}

/** @throws BallastError BUNDLE_CHECK_READ */
export function parseCheck(bytes: Uint8Array, place: string): Check {
  let cause: unknown;
  try {
    const parsed = checkSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (parsed.success) return parsed.data;
    cause = parsed.error;
  } catch (error) {
    cause = error;
  }
  throw new BallastError('the check of the bundle cannot be read', { code: 'BUNDLE_CHECK_READ', place, cause });
}

/** Infinite where type or shape differ, or one is finite where the other is not. */
function deviation(found: Tensor | undefined, expected: Tensor): number {
  if (found?.type !== expected.type || String(found.shape) !== String(expected.shape)) return Number.POSITIVE_INFINITY;
  if (expected.type !== 'float32' && expected.type !== 'float64') {
    const equal = Array.from(expected.data as ArrayLike<unknown>).every((value, i) => value === found.data[i]);
    return equal ? 0 : Number.POSITIVE_INFINITY;
  }
  const [a, b] = [found.data as Float32Array, expected.data as Float32Array];
  let [error, power] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    if (Object.is(a[i], b[i]) || a[i] === b[i]) {
      if (Number.isFinite(b[i])) power += b[i] ** 2;
      continue;
    }
    if (!Number.isFinite(a[i]) || !Number.isFinite(b[i])) return Number.POSITIVE_INFINITY;
    error += (a[i] - b[i]) ** 2;
    power += b[i] ** 2;
  }
  return error === 0 ? 0 : Math.sqrt(error) / Math.max(Math.sqrt(power), 1e-6);
}
