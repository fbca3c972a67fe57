import { totalmem } from 'node:os';
import { BallastError } from '../../errors.js';

/** Bytes that reading one source may use; spending more is an error, before the memory is taken. */
export class Budget {
  readonly limit: number;
  #spent = 0;

  /** @param limit bytes; default: half of the machine's memory. */
  constructor(limit: number = Math.floor(totalmem() / 2)) {
    this.limit = limit;
  }

  get left(): number {
    return this.limit - this.#spent;
  }

  /** A budget of what is left, for a second attempt at the same reading. */
  again(): Budget {
    return new Budget(this.left);
  }

  /** Takes so many bytes for what is at `place`. */
  spend(bytes: number, place: string): void {
    if (!(bytes <= this.left)) throw tooLarge(place, this.#spent + bytes, this.limit);
    this.#spent += bytes;
  }
}

/** The error of a source that is larger than is allowed. */
export function tooLarge(place: string, bytes: number, limit: number): BallastError {
  const size = Number.isFinite(bytes) ? ` (${readable(bytes)})` : '';
  return new BallastError(`the data is larger${size} than the ${readable(limit)} that reading may use`, {
    code: 'DATA_TOO_LARGE',
    place,
    remedy: 'Raise maxBytes, or read a part of the data.',
  });
}

function readable(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
