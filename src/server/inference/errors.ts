import { BallastError } from '../../errors.js';

/** An error as the Open Inference Protocol tells it. */
export interface ProtocolError {
  readonly status: number;
  readonly body: { readonly error: string };
  /** Seconds after which to try again, where that may help. */
  readonly retryAfter?: number;
}

/** Seconds to wait after trouble that passes. */
export const RETRY_AFTER: ReadonlyMap<string, number> = new Map([
  ['OVERLOADED', 1],
  ['RATE_LIMITED', 1],
  ['REQUEST_TIMEOUT', 1],
  ['WORKER_ENDED', 1],
  ['MODEL_NOT_LOADED', 15],
  ['UPSTREAM_UNREACHABLE', 1],
  ['UPSTREAM_BUSY', 1],
]);

/** Where the kind of an error does not tell the status. */
const STATUS_OF_CODE: ReadonlyMap<string, number> = new Map([
  ['BODY_TOO_LARGE', 413],
  ['UPSTREAM_FAILED', 502],
]);

/** What a client is told of an error. Of a fault of ours it learns nothing but that there was one. */
export function toProtocolError(error: unknown): ProtocolError {
  if (error instanceof BallastError) {
    const retryAfter = RETRY_AFTER.get(error.code);
    return {
      status: STATUS_OF_CODE.get(error.code) ?? error.httpStatus,
      body: { error: error.describe() },
      ...(retryAfter === undefined ? {} : { retryAfter }),
    };
  }
  const { statusCode, message } = error as { statusCode?: unknown; message?: unknown };
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, body: { error: String(message) } };
  }
  return { status: 500, body: { error: 'A fault in the server; its log says more.' } };
}
