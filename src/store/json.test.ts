import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeJson, encodeJson } from './json.js';

test('any value of JSON, and every number, comes back', () => {
  const key = fc.string().filter((text) => text !== '$number' && text !== '__proto__');
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, false, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      fc.double(),
      fc.string({ unit: 'binary' }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, (item) => {
      // JSON itself drops the sign of zero.
      const positive = JSON.parse(JSON.stringify([item]), (_key, part: unknown) => part) as unknown[];
      const back = decodeJson(encodeJson(item, 'test'));
      expect(JSON.parse(JSON.stringify([back]))).toEqual(positive);
      if (typeof item === 'number') expect(back).toBe(item + 0);
    }),
  );
});

test('dates become text and undefined properties are left out', () => {
  const value = { at: new Date(0), none: undefined, nested: [{ none: undefined }] };
  expect(decodeJson(encodeJson(value, 'test'))).toEqual({ at: '1970-01-01T00:00:00.000Z', nested: [{}] });
});

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

test.each([
  ['a function', { f: () => 1 }],
  ['a symbol', [Symbol('s')]],
  ['a bigint', 1n],
  ['a map', { m: new Map() }],
  ['a set', new Set()],
  ['bytes', new Uint8Array(2)],
  ['a buffer', { b: new ArrayBuffer(2) }],
  ['a cycle', cyclic],
  ['nothing', undefined],
  ['the reserved key', { $number: 'NaN' }],
])('%s is refused, not lost', (_name, value) => {
  expect(() => encodeJson(value, 'spec')).toThrow(
    expect.objectContaining({ code: 'STORE_JSON_INVALID', place: expect.stringMatching(/^spec/) as string }),
  );
});
