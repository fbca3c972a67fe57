/** An n-dimensional array as a file holds it: raw bytes and what they mean. */
export interface NdArray {
  readonly type: NumericType | 'string';
  readonly shape: readonly number[];
  /** Elements one after the other, in the machine order that `bigEndian` says. */
  readonly data: Uint8Array;
  readonly bigEndian: boolean;
  /** First axis varies fastest. */
  readonly fortran?: boolean;
  /** Of strings: the number of characters of an element, and the bytes of a character (4: UTF-32, 1: bytes). */
  readonly characters?: number;
  readonly characterBytes?: 1 | 4;
}

export type NumericType =
  | 'bool'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float16'
  | 'float32'
  | 'float64';

export const ELEMENT_BYTES: Readonly<Record<NumericType, number>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
};

export type Elements =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** The array's numbers, row-major; float16 as Float32Array, booleans as 0 / 1. */
export function elementsOf(array: NdArray & { readonly type: NumericType }): Elements {
  const bytes = Buffer.from(array.data);
  const width = ELEMENT_BYTES[array.type];
  if (array.bigEndian && width === 2) bytes.swap16();
  if (array.bigEndian && width === 4) bytes.swap32();
  if (array.bigEndian && width === 8) bytes.swap64();
  // A copy of its own buffer, so that elements are aligned.
  const buffer = new Uint8Array(bytes).buffer;
  const elements = view(array.type, buffer);
  return array.fortran === true && array.shape.length > 1 ? rowMajor(elements, array.shape) : elements;
}

function view(type: NumericType, buffer: ArrayBuffer): Elements {
  switch (type) {
    case 'bool':
    case 'uint8':
      return new Uint8Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'uint16':
      return new Uint16Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'uint32':
      return new Uint32Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'uint64':
      return new BigUint64Array(buffer);
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer), halfToSingle);
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return new Float64Array(buffer);
    default:
      return type satisfies never;
  }
}

/** IEEE 754 binary16 to a number. */
function halfToSingle(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Reorders column-major elements to row-major. */
function rowMajor<T extends Elements>(elements: T, shape: readonly number[]): T {
  const result = elements.slice() as T;
  const strides = shape.map((_, axis) => sizeOf(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < elements.length; to++) {
    result[to] = elements[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]++;
      from += strides[axis];
      if (index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

/** The array's strings, row-major, without the padding at their ends. */
export function stringsOf(array: NdArray): string[] {
  const { characters = 0, characterBytes = 4, data } = array;
  const width = characters * characterBytes;
  const texts = Array.from({ length: sizeOf(array.shape) }, (_, index) => {
    const element = data.subarray(index * width, (index + 1) * width);
    return characterBytes === 1 ? Buffer.from(element).toString('utf8').replace(/\0+$/, '') : utf32(element, array);
  });
  return texts;
}

function utf32(element: Uint8Array, { bigEndian }: NdArray): string {
  const view = new DataView(element.buffer, element.byteOffset, element.byteLength);
  let text = '';
  for (let at = 0; at < element.byteLength; at += 4) {
    const point = view.getUint32(at, !bigEndian);
    if (point === 0) break;
    text += String.fromCodePoint(Math.min(point, 0x10ffff));
  }
  return text;
}
