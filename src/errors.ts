/**
 * The one error root. Everything Ballast throws on purpose is a {@link BallastError}: what is wrong, the value that
 * is wrong, where it stands (file, line, key, node) and what to do about it. Exit codes and HTTP statuses are mapped
 * here and nowhere else.
 */

/** What kind of trouble it is; decides exit code and HTTP status. */
export type ErrorKind =
  | 'input'
  | 'not-found'
  | 'conflict'
  | 'environment'
  | 'divergence'
  | 'cancelled'
  | 'unauthenticated'
  | 'forbidden'
  | 'limit';

const EXIT_CODE: Record<ErrorKind, number> = {
  input: 2,
  'not-found': 2,
  conflict: 2,
  environment: 3,
  divergence: 1,
  cancelled: 130,
  unauthenticated: 2,
  forbidden: 2,
  limit: 3,
};

const HTTP_STATUS: Record<ErrorKind, number> = {
  input: 400,
  'not-found': 404,
  conflict: 409,
  environment: 503,
  divergence: 422,
  cancelled: 499,
  unauthenticated: 401,
  forbidden: 403,
  limit: 429,
};

export interface ErrorDetails {
  /** Stable machine-readable code, UPPER_SNAKE_CASE, e.g. `DATA_TARGET_MISSING`. */
  code: string;
  kind?: ErrorKind;
  /** Where: `spec.yaml:12:3 regularizers[0].strength`, `train.csv line 17`, `node Conv_3`. */
  place?: string;
  /** The offending value, shortened by the printer. */
  value?: unknown;
  /** What the reader can do about it: one imperative sentence. */
  remedy?: string;
  cause?: unknown;
}

export class BallastError extends Error {
  override readonly name = 'BallastError';
  readonly code: string;
  readonly kind: ErrorKind;
  readonly place: string | undefined;
  readonly value: unknown;
  readonly remedy: string | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.kind = details.kind ?? 'input';
    this.place = details.place;
    this.value = details.value;
    this.remedy = details.remedy;
  }

  get exitCode(): number {
    return EXIT_CODE[this.kind];
  }

  get httpStatus(): number {
    return HTTP_STATUS[this.kind];
  }

  /** The same error seen from outside: its place is one within another, such as a node within a file. */
  within(place: string): BallastError {
    if (this.place?.startsWith(place)) return this;
    return new BallastError(this.message, {
      code: this.code,
      kind: this.kind,
      place: this.place === undefined ? place : `${place}: ${this.place}`,
      ...(this.value === undefined ? {} : { value: this.value }),
      ...(this.remedy === undefined ? {} : { remedy: this.remedy }),
      cause: this,
    });
  }

  /** One line for a terminal: `place: message (got value). Remedy`. */
  describe(): string {
    const place = this.place === undefined ? '' : `${this.place}: `;
    const got = this.value === undefined ? '' : ` (got ${shorten(this.value)})`;
    const remedy = this.remedy === undefined ? '' : ` ${this.remedy}`;
    const stop = /[.!?]$/.test(this.message) && got === '' ? '' : '.';
    return `${place}${this.message}${got}${stop}${remedy}`;
  }

  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      ...(this.place === undefined ? {} : { place: this.place }),
      ...(this.value === undefined ? {} : { value: shorten(this.value) }),
      ...(this.remedy === undefined ? {} : { remedy: this.remedy }),
    };
  }
}

function shorten(value: unknown): string {
  // JSON knows no NaN and no infinity.
  const text =
    typeof value === 'string'
      ? `"${value}"`
      : typeof value === 'number'
        ? String(value)
        : (JSON.stringify(value) ?? String(value));
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
