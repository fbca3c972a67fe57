import type { z } from 'zod';
import { BallastError } from '../errors.js';

/** What a request asks, by its schema. @throws BallastError `REQUEST_INVALID` with the field that is wrong */
export function parseRequest<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BallastError(issue.message, { code: 'REQUEST_INVALID', place: issue.path.join('.') || 'request' });
}
