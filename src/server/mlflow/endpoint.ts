import { z } from 'zod';
import { BallastError } from '../../errors.js';
import type { Caller } from '../access.js';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** One endpoint of MLflow's REST contract. */
export interface Endpoint {
  readonly method: Method;
  /** Below `/api/2.0/mlflow/`. */
  readonly path: string;
  /** Answers a request: an object, or JSON text that is sent as it is. */
  handle(request: Record<string, unknown>, caller: Caller): Promise<object | string>;
}

/**
 * An endpoint from the schema of its request and what it does. Fields the schema does not know are passed over, as
 * protocol buffers do; fields it knows and that are wrong are an error that names them.
 */
export function endpoint<Schema extends z.ZodType>(
  method: Method,
  path: string,
  schema: Schema,
  handle: (request: z.output<Schema>, caller: Caller) => Promise<object | string>,
): Endpoint {
  return {
    method,
    path,
    handle(request, caller) {
      const parsed = schema.safeParse(request);
      if (parsed.success) return handle(parsed.data, caller);
      const [issue] = parsed.error.issues;
      const field = issue?.path.map(String).join('.') ?? '';
      throw new BallastError(
        `Invalid value for parameter '${field}' supplied: ${issue?.message ?? 'it is not what it should be'}`,
        { code: 'REQUEST_INVALID', place: path, remedy: 'Send what the endpoint of MLflow takes.' },
      );
    },
  };
}

/** int64, which JSON of protocol buffers writes as text; in a query everything is text. */
export const integer = z
  .union([z.number(), z.string().regex(/^-?\d+$/, 'it must be an integer')])
  .transform(Number)
  .refine((value) => Number.isSafeInteger(value), 'it must be an integer below 2^53');

/** double, with NaN and the infinities as text. */
export const double = z.union([
  z.number(),
  z
    .string()
    .regex(/^(NaN|-?Infinity|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)$/, 'it must be a number')
    .transform(Number),
]);

/** A list; in a query, one value stands for a list of one. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => (value === undefined || Array.isArray(value) ? value : [value]), z.array(item).optional());

const experimentIdPattern = /^\d{1,15}$/;

/** The id of an experiment: a number as text. */
export const experimentId = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((id) => experimentIdPattern.test(id), 'it must be the number of an experiment')
  .transform(Number);

export const runId = z.string().regex(/^[0-9a-f]{32}$/, 'it must be the id of a run: 32 hexadecimal digits');

/** Several requests carry the id of the run under an old name too. */
export const ofRun = z
  .object({ run_id: z.string().optional(), run_uuid: z.string().optional() })
  .transform(({ run_id, run_uuid }) => run_id ?? run_uuid)
  .pipe(runId);

const LONGEST_TAG = 8000;
const LONGEST_PARAMETER = 6000;

export const tag = z.object({ key: z.string(), value: z.string().max(LONGEST_TAG).default('') });
export const parameter = z.object({ key: z.string(), value: z.string().max(LONGEST_PARAMETER).default('') });
export const pageToken = z.string().optional();

/** Key and value pairs as an object without prototype, so that every key is only a key. */
export function toRecord(pairs: readonly { key: string; value: string }[] = []): Record<string, string> {
  const record = Object.create(null) as Record<string, string>;
  for (const { key, value } of pairs) record[key] = value;
  return record;
}

export function toPairs(record: Readonly<Record<string, string>>): { key: string; value: string }[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}

/** The token of the page that begins after so many; opaque to clients. */
export function encodePage(offset: number): string {
  return Buffer.from(JSON.stringify({ offset })).toString('base64url');
}

/** How many entries a page's token passes over; 0 without one. @throws BallastError `PAGE_TOKEN_INVALID` */
export function decodePage(token: string | undefined): number {
  if (token === undefined || token === '') return 0;
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { offset?: unknown };
    if (typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0) return offset;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new BallastError('Invalid page token', {
    code: 'PAGE_TOKEN_INVALID',
    place: 'page_token',
    value: token,
    remedy: 'Send the token that the page before named.',
  });
}

/** JSON of a number, with the texts that protocol buffers give what JSON has no numbers for. */
export function toDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
