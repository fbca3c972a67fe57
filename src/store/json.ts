import { BallastError } from '../errors.js';

/** The one key that marks an encoded non-finite number; no stored object may use it otherwise. */
const NUMBER_TAG = '$number';

/**
 * JSON text of a value, refusing what JSON would lose in silence.
 *
 * `NaN`, `Infinity` and `-Infinity`, which `JSON.stringify` turns into `null`, are written as `{"$number": "NaN"}` and
 * so on, and come back as numbers from {@link decodeJson}. Properties that are `undefined` are left out. Functions,
 * symbols, bigints, maps, sets and binary arrays are a `STORE_JSON_INVALID` error.
 */
export function encodeJson(value: unknown, place: string): string {
  if (isKept(value) || isFlat(value)) return JSON.stringify(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (key, item: unknown) => encodeItem(key, item, place));
  } catch (error) {
    if (error instanceof BallastError) throw error;
    throw invalid(place, `it cannot be written as JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (text === undefined) throw invalid(place, 'it is undefined');
  return text;
}

/** Whether a value is a plain object or an array of what JSON keeps as it is: most of what is written is, and then nothing has to be looked at twice. */
function isFlat(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.every(isKept);
  if (Object.getPrototypeOf(value) !== Object.prototype || NUMBER_TAG in value) return false;
  return Object.values(value).every(isKept);
}

function isKept(item: unknown): boolean {
  return typeof item === 'string' || item === null || typeof item === 'boolean' || Number.isFinite(item);
}

/** The value of {@link encodeJson}'s text. */
export function decodeJson(text: string): unknown {
  return JSON.parse(text, (_key, item: unknown) => {
    if (typeof item !== 'object' || item === null || !(NUMBER_TAG in item)) return item;
    return Number(item[NUMBER_TAG]);
  });
}

function encodeItem(key: string, item: unknown, place: string): unknown {
  const at = key === '' ? place : `${place} at key "${key}"`;
  switch (typeof item) {
    case 'number':
      return Number.isFinite(item) ? item : { [NUMBER_TAG]: String(item) };
    case 'bigint':
    case 'function':
    case 'symbol':
      throw invalid(at, `it holds a ${typeof item}`);
    case 'object':
      break;
    default:
      return item;
  }
  if (item === null) return null;
  if (item instanceof Map || item instanceof Set || ArrayBuffer.isView(item) || item instanceof ArrayBuffer) {
    throw invalid(at, `it holds a ${item.constructor.name}, which JSON would lose`);
  }
  if (NUMBER_TAG in item) throw invalid(at, `"${NUMBER_TAG}" is a reserved key`);
  return item;
}

function invalid(place: string, why: string): BallastError {
  return new BallastError(`This value cannot be kept in the store: ${why}`, {
    code: 'STORE_JSON_INVALID',
    place,
    remedy: 'Pass plain objects, arrays, strings, numbers, booleans and null.',
  });
}
