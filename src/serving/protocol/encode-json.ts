import { BallastError } from '../../errors.js';
import type { Tensor } from '../../graph/index.js';
import { DATATYPE_OF } from './datatypes.js';

/**
 * An output as the protocol writes it. NaN and the infinities, which JSON has not, are null.
 *
 * @throws BallastError `OUTPUT_NOT_JSON` for whole numbers beyond 2^53, which most readers of JSON would round
 */
export function outputJson(name: string, tensor: Tensor): Record<string, unknown> {
  return { name, shape: tensor.shape, datatype: DATATYPE_OF[tensor.type], data: valuesOf(name, tensor) };
}

function valuesOf(name: string, { type, data }: Tensor): unknown[] {
  if (type === 'bool') return Array.from(data as Uint8Array, (value) => value !== 0);
  if (type === 'int64' || type === 'uint64') return Array.from(data as BigInt64Array, (value) => exact(name, value));
  if (type === 'float16' || type === 'bfloat16') return Array.from(data as Uint16Array, halfOf[type]);
  return Array.from(data as Float32Array);
}

function exact(name: string, value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new BallastError('A whole number beyond 2^53 cannot be told in JSON', {
    code: 'OUTPUT_NOT_JSON',
    place: `output ${name}`,
    value: String(value),
    remedy: 'Ask for this output by the binary extension.',
  });
}

const bits = new DataView(new ArrayBuffer(4));

const halfOf: Record<'float16' | 'bfloat16', (pattern: number) => number> = {
  float16(pattern) {
    const sign = pattern >> 15 === 0 ? 1 : -1;
    const exponent = (pattern >> 10) & 0x1f;
    const fraction = pattern & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
  },
  bfloat16(pattern) {
    bits.setUint16(0, pattern);
    bits.setUint16(2, 0);
    return bits.getFloat32(0);
  },
};
