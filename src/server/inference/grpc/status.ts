import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { BallastError, type ErrorKind } from '../../../errors.js';
import { RETRY_AFTER } from '../errors.js';

const STATUS_OF: Readonly<Record<ErrorKind, status>> = {
  input: status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  conflict: status.ABORTED,
  environment: status.UNAVAILABLE,
  divergence: status.FAILED_PRECONDITION,
  cancelled: status.CANCELLED,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  limit: status.RESOURCE_EXHAUSTED,
};

const STATUS_OF_CODE: ReadonlyMap<string, status> = new Map([
  ['REQUEST_TIMEOUT', status.DEADLINE_EXCEEDED],
  ['OVERLOADED', status.RESOURCE_EXHAUSTED],
]);

/** What a client is told of an error: status, message, and when to try again. Of a fault of ours it learns nothing but that there was one. */
export function toServiceError(error: unknown): Pick<ServiceError, 'code' | 'details' | 'metadata'> {
  const metadata = new Metadata();
  if (!(error instanceof BallastError)) {
    return { code: status.INTERNAL, details: 'A fault in the server; its log says more.', metadata };
  }
  const retryAfter = RETRY_AFTER.get(error.code);
  // gRPC's proposal A6: when a client that retries by itself tries again.
  if (retryAfter !== undefined) metadata.set('grpc-retry-pushback-ms', String(retryAfter * 1000));
  return { code: STATUS_OF_CODE.get(error.code) ?? STATUS_OF[error.kind], details: error.describe(), metadata };
}
