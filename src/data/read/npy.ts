import { BallastError } from '../../errors.js';
import { corrupt } from './faults.js';
import { ELEMENT_BYTES, type NdArray, type NumericType, sizeOf } from './nd-array.js';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

/** More dimensions than NumPy itself allows. */
const MAXIMUM_DIMENSIONS = 64;

const TYPES: Readonly<Record<string, NumericType>> = {
  b1: 'bool',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

/**
 * Parses a .npy file (format versions 1 to 3, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
 * Numbers and fixed-length strings; arrays of Python objects are pickles, which could run code, and are refused.
 */
export function parseNpy(bytes: Buffer, place: string): NdArray {
  if (bytes.length < 10 || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw corrupt(place, 'the array is not in npy format');
  }
  const version = bytes[6];
  if (version < 1 || version > 3) throw corrupt(place, `npy version ${version} is not known`);
  const wide = version > 1;
  if (wide && bytes.length < 12) throw corrupt(place, 'the npy header is truncated');
  const start = wide ? 12 : 10;
  const length = wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  if (start + length > bytes.length) throw corrupt(place, 'the npy header is truncated');
  const header = bytes.toString(version === 3 ? 'utf8' : 'latin1', start, start + length);
  const data = bytes.subarray(start + length);
  const array = {
    ...elementType(header, place),
    shape: shapeOf(header, place),
    data,
    fortran: isFortran(header, place),
  };
  const width =
    array.type === 'string' ? (array.characters ?? 0) * (array.characterBytes ?? 4) : ELEMENT_BYTES[array.type];
  const expected = sizeOf(array.shape) * width;
  if (data.length !== expected) {
    throw corrupt(
      place,
      `the header declares ${expected} bytes of data (${array.shape.join(' x ')}), ${data.length} follow`,
    );
  }
  return array;
}

function elementType(
  header: string,
  place: string,
): Pick<NdArray, 'type' | 'bigEndian' | 'characters' | 'characterBytes'> {
  const descriptor = /'descr':\s*('[^']*'|\[)/.exec(header)?.[1];
  if (descriptor === undefined) throw corrupt(place, 'the npy header names no type');
  const [, order, code] = /^'([<>|=]?)([A-Za-z]\d*)(?:\[.*\])?'$/.exec(descriptor) ?? [];
  if (code?.startsWith('O')) {
    throw new BallastError('the array holds Python objects (a pickle), which are never loaded', {
      code: 'DATA_PICKLE',
      place,
      remedy: 'Save it as numbers or strings: numpy.asarray(x, dtype=...).',
    });
  }
  const bigEndian = order === '>';
  if (code !== undefined && Object.hasOwn(TYPES, code)) return { type: TYPES[code], bigEndian };
  const text = /^([US])(\d+)$/.exec(code ?? '');
  if (text !== null) {
    return { type: 'string', bigEndian, characters: Number(text[2]), characterBytes: text[1] === 'U' ? 4 : 1 };
  }
  throw new BallastError('the type of the array is not supported', {
    code: 'DATA_TYPE_UNSUPPORTED',
    place,
    value: descriptor === '[' ? 'a structured type' : descriptor.slice(1, -1),
    remedy: 'Save it as numbers or strings: numpy.asarray(x, dtype=...).',
  });
}

function shapeOf(header: string, place: string): number[] {
  const text = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (text === undefined) throw corrupt(place, 'the npy header names no shape');
  const shape = text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  if (shape.length > MAXIMUM_DIMENSIONS || !shape.every((length) => Number.isSafeInteger(length))) {
    throw corrupt(place, 'the npy header names no valid shape');
  }
  return shape;
}

function isFortran(header: string, place: string): boolean {
  const text = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  if (text === undefined) throw corrupt(place, 'the npy header does not say in which order elements are');
  return text === 'True';
}
