import { BallastError } from '../errors.js';

/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 code units, numbers as ECMAScript prints them, no white space.
 * Undefined members are left out.
 *
 * @throws BallastError JSON_NOT_FINITE for NaN and infinities, JSON_NOT_TEXT for lone surrogates, JSON_NOT_DATA for what
 *   JSON cannot hold
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'number':
      if (!Number.isFinite(value)) {
        throw new BallastError('canonical JSON holds no NaN and no infinity', {
          code: 'JSON_NOT_FINITE',
          value: String(value),
        });
      }
      return JSON.stringify(value);
    case 'string':
      return text(value);
    case 'boolean':
      return String(value);
    case 'object': {
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
      const members = Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      return `{${members.map(([key, member]) => `${text(key)}:${canonicalJson(member)}`).join(',')}}`;
    }
    default:
      throw new BallastError(`canonical JSON holds no ${typeof value}`, { code: 'JSON_NOT_DATA' });
  }
}

function text(value: string): string {
  // With the u flag this matches surrogates without their partner only.
  if (/\p{Surrogate}/u.test(value)) {
    throw new BallastError('canonical JSON holds no lone surrogates', { code: 'JSON_NOT_TEXT', value });
  }
  return JSON.stringify(value);
}
