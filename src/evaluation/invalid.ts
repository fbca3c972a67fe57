import { BallastError } from '../errors.js';

/** The error of an input that cannot be evaluated. */
export function invalid(message: string, code: string, value?: unknown, place?: string, remedy?: string): BallastError {
  return new BallastError(message, {
    code,
    ...(value === undefined ? {} : { value }),
    ...(place === undefined ? {} : { place }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}
