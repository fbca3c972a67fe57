import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float32, int64 } from '../../graph/index.js';
import { binaryData, decodeBytes, encodeBytes, splitBody } from './binary.js';

describe('binary tensors', () => {
  test('come back as they were: numbers and texts', () => {
    fc.assert(
      fc.property(fc.array(fc.float()), (values) => {
        const tensor = float32([values.length], values);
        expect(decodeBytes('x', 'float32', [values.length], encodeBytes(tensor))).toEqual(tensor);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (values) => {
        const tensor = int64([values.length], values);
        expect(decodeBytes('x', 'int64', [values.length], encodeBytes(tensor))).toEqual(tensor);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (data) => {
        const tensor = { type: 'string' as const, shape: [data.length], data };
        expect(decodeBytes('x', 'string', [data.length], encodeBytes(tensor))).toEqual(tensor);
      }),
    );
  });

  test('of any bytes are read or refused, never anything else', () => {
    const types = fc.constantFrom('float32' as const, 'string' as const, 'bool' as const, 'int64' as const);
    fc.assert(
      fc.property(types, fc.nat(5), fc.uint8Array({ maxLength: 40 }), (type, count, bytes) => {
        try {
          const { data } = decodeBytes('x', type, [count], Buffer.from(bytes));
          expect(data).toHaveLength(count);
        } catch (error) {
          expect(error).toMatchObject({ code: 'TENSOR_DATA', place: 'input x' });
        }
      }),
    );
  });

  test('are found behind the JSON by their sizes', () => {
    const json = Buffer.from('{"a":1}');
    const { json: read, binary } = splitBody(Buffer.concat([json, Buffer.from([1, 2, 3])]), String(json.length));
    expect([read, [...binary]]).toEqual([{ a: 1 }, [1, 2, 3]]);
    expect(() => splitBody(json, '99')).toThrow(/no length within/);
    const input = (name: string, size: number) => ({
      ...{ name, shape: [size], datatype: 'UINT8' },
      parameters: { binary_data_size: size },
    });
    const inputs = [input('a', 1), { name: 'b', shape: [1], datatype: 'UINT8', data: [9] }, input('c', 2)];
    const raw = binaryData(inputs, binary);
    expect(raw(inputs[0]!, 0, 'uint8')?.data).toEqual(Uint8Array.of(1));
    expect(raw(inputs[1]!, 1, 'uint8')).toBeUndefined();
    expect(raw(inputs[2]!, 2, 'uint8')?.data).toEqual(Uint8Array.of(2, 3));
    expect(() => binaryData(inputs, Buffer.alloc(9))).toThrow(/the tensors have 3 bytes, and 9 follow/);
  });
});
