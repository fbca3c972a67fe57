import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { tensorRecords } from '../../graph/tensor-record.js';

/**
 * What a bench asks of an agent: four bytes with the length of a JSON head, the head, then the files it names, one after the
 * other. The answer is a JSON document a line: `{ tell }` while it measures, and at the end `{ reports, ratio }` or `{ error }`.
 */

/** Most bytes of a head: feeds stand in it. */
export const HEAD_BYTES = 2 ** 28;

/** The longest a measurement may be asked to take. */
const MOST = { seconds: 60, starts: 50, threads: 1024, lists: 16 } as const;

/** A plain name beside the model's. */
const name = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/);

const subject = z.strictObject({
  /** How reports name it. */
  shown: z.string().max(1000),
  /** The model first, then its data files by the names that it has for them. */
  files: z
    .array(z.strictObject({ name, bytes: z.int().min(0) }))
    .min(1)
    .max(64),
  feeds: tensorRecords,
});

const headSchema = z.strictObject({
  version: z.literal(1),
  settings: z.strictObject({
    seconds: z.number().positive().max(MOST.seconds),
    threads: z.array(z.int().min(1).max(MOST.threads)).min(1).max(MOST.lists),
    /** Also with all threads of the device. */
    allThreads: z.boolean(),
    starts: z.int().min(0).max(MOST.starts),
    price: z.number().positive().nullable(),
    provider: z.string().max(100).nullable(),
  }),
  subjects: z.array(subject).min(1).max(2),
});

export type Head = z.infer<typeof headSchema>;

/** @throws BallastError REMOTE_REQUEST */
export function parseHead(bytes: Uint8Array): Head {
  let cause: unknown;
  try {
    const parsed = headSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (parsed.success) return parsed.data;
    const [{ path, message }] = parsed.error.issues;
    cause = new Error(`${path.join('.')}: ${message}`);
  } catch (error) {
    cause = error;
  }
  throw new BallastError(`the request is no bench: ${cause instanceof Error ? cause.message : String(cause)}`, {
    code: 'REMOTE_REQUEST',
    remedy: 'Ask by ballast bench MODEL --remote URL, of the same version as the agent',
    cause,
  });
}
