import { BallastError, type ErrorDetails } from '../errors.js';

/** An error on its way from one thread to another. */
export interface FailureMessage {
  readonly message: string;
  /** Of a {@link BallastError}. */
  readonly details?: ErrorDetails;
  /** Of any other. */
  readonly stack?: string;
}

/** What crosses to another thread of an error: not its class, but all that it says. */
export function failureMessage(error: unknown): FailureMessage {
  if (error instanceof BallastError) {
    const { message, code, kind, place, value, remedy } = error;
    const details = {
      code,
      kind,
      ...(place === undefined ? {} : { place }),
      ...(value === undefined ? {} : { value }),
      ...(remedy === undefined ? {} : { remedy }),
    };
    return { message, details };
  }
  const fault = error instanceof Error ? error : new Error(String(error));
  return { message: fault.message, ...(fault.stack === undefined ? {} : { stack: fault.stack }) };
}

/** The error that another thread told of. */
export function revive({ message, details, stack }: FailureMessage): Error {
  if (details !== undefined) return new BallastError(message, details);
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
