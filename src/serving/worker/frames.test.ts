import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ARRAY_OF, type DataType, type Tensor } from '../../graph/tensor.js';
import { encodeFrame, readFrames } from './frames.js';

const TYPES = Object.keys(ARRAY_OF) as (keyof typeof ARRAY_OF)[];
const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
const sizeOf = (extents: readonly number[]): number => extents.reduce((size, extent) => size * extent, 1);

const numbers: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom(...TYPES), shape, fc.nat())
  .map(([type, extents, seed]) => {
    const ArrayType = ARRAY_OF[type];
    const length = sizeOf(extents);
    const bytes = new Uint8Array(length * ArrayType.BYTES_PER_ELEMENT).map((_, i) => (seed + 31 * i) % 251);
    return { type, shape: extents, data: new ArrayType(bytes.buffer, 0, length) };
  });
const texts: fc.Arbitrary<Tensor> = shape.chain((extents) =>
  fc
    .array(fc.string({ unit: 'binary' }), { minLength: sizeOf(extents), maxLength: sizeOf(extents) })
    .map((data) => ({ type: 'string' satisfies DataType, shape: extents, data })),
);
const message = fc.record({
  fields: fc.record({ id: fc.nat(), fetches: fc.array(fc.string()) }),
  tensors: fc
    .array(fc.tuple(fc.oneof(fc.string(), fc.constant('__proto__')), fc.oneof(numbers, texts)), { maxLength: 3 })
    .map((entries) => Object.fromEntries(entries)),
});

it('reads what was written, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 4 }), fc.array(fc.integer({ min: 1, max: 90 })), (sent, cuts) => {
      const bytes = Buffer.concat(sent.map((each) => encodeFrame(each)));
      const stream = new PassThrough();
      const told: unknown[] = [];
      readFrames(stream, (each) => told.push(each));
      let at = 0;
      for (const cut of cuts) {
        if (at >= bytes.byteLength) break;
        stream.emit('data', bytes.subarray(at, at + cut));
        at += cut;
      }
      if (at < bytes.byteLength) stream.emit('data', bytes.subarray(at));
      expect(told).toEqual(sent);
    }),
  );
});

it('reads a tensor of many pieces', () => {
  const data = Float32Array.from({ length: 300_000 }, (_, i) => i);
  const frame = encodeFrame({ fields: { id: 1 }, tensors: { x: { type: 'float32', shape: [300_000], data } } });
  const stream = new PassThrough();
  const told: unknown[] = [];
  readFrames(stream, (each) => told.push(each));
  for (let at = 0; at < frame.byteLength; at += 65_536) stream.emit('data', frame.subarray(at, at + 65_536));
  expect(told).toEqual([{ fields: { id: 1 }, tensors: { x: { type: 'float32', shape: [300_000], data } } }]);
});
