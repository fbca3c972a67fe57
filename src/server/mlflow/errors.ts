import { BallastError, type ErrorKind } from '../../errors.js';

/** An error as MLflow's clients expect it. */
export interface MlflowError {
  readonly status: number;
  readonly body: { readonly error_code: string; readonly message: string };
}

/** MLflow's code and status by kind of error; its clients try again on 5xx, so that only what may pass is one. */
const BY_KIND: Record<ErrorKind, readonly [code: string, status: number]> = {
  input: ['INVALID_PARAMETER_VALUE', 400],
  'not-found': ['RESOURCE_DOES_NOT_EXIST', 404],
  conflict: ['RESOURCE_CONFLICT', 409],
  environment: ['TEMPORARILY_UNAVAILABLE', 503],
  divergence: ['INVALID_PARAMETER_VALUE', 400],
  cancelled: ['CANCELLED', 499],
  unauthenticated: ['UNAUTHENTICATED', 401],
  forbidden: ['PERMISSION_DENIED', 403],
  limit: ['REQUEST_LIMIT_EXCEEDED', 429],
};

/** Where MLflow's code for a case is another than for its kind. */
const BY_CODE: ReadonlyMap<string, readonly [code: string, status: number]> = new Map([
  ['EXPERIMENT_EXISTS', ['RESOURCE_ALREADY_EXISTS', 400]],
  ['MODEL_EXISTS', ['RESOURCE_ALREADY_EXISTS', 400]],
  ['EXPERIMENT_DELETED', ['INVALID_PARAMETER_VALUE', 400]],
  ['RUN_DELETED', ['INVALID_PARAMETER_VALUE', 400]],
  ['PARAMETER_CHANGED', ['INVALID_PARAMETER_VALUE', 400]],
  ['ENDPOINT_NOT_FOUND', ['ENDPOINT_NOT_FOUND', 404]],
  ['NOT_IMPLEMENTED', ['NOT_IMPLEMENTED', 501]],
  ['TOO_MANY_FAILURES', ['REQUEST_LIMIT_EXCEEDED', 429]],
  ['BODY_TOO_LARGE', ['INVALID_PARAMETER_VALUE', 413]],
]);

/** What a client is told of an error. Of a fault of ours it learns nothing but that there was one. */
export function toMlflowError(error: unknown): MlflowError {
  if (!(error instanceof BallastError)) {
    const refused = refusedByServer(error);
    if (refused !== undefined) return refused;
    return {
      status: 500,
      body: { error_code: 'INTERNAL_ERROR', message: 'A fault in the server; its log says more.' },
    };
  }
  const [error_code, status] = BY_CODE.get(error.code) ?? BY_KIND[error.kind];
  return { status, body: { error_code, message: error.describe() } };
}

/** What the HTTP server itself refuses before a request reaches an endpoint: bodies too large, media types, malformed. */
function refusedByServer(error: unknown): MlflowError | undefined {
  const { statusCode, message } = error as { statusCode?: unknown; message?: unknown };
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return undefined;
  const body = {
    error_code: statusCode === 413 ? 'INVALID_PARAMETER_VALUE' : 'BAD_REQUEST',
    message: statusCode === 413 ? 'The request is larger than its endpoint takes.' : String(message),
  };
  return { status: statusCode === 413 ? 400 : statusCode, body };
}
