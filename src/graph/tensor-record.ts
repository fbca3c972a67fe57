import { z } from 'zod';
import { ARRAY_OF, type DataType, sizeOf, type Tensor } from './tensor.js';

const TYPES = [...(Object.keys(ARRAY_OF) as Exclude<DataType, 'string'>[]), 'string'] as const;

const tensorRecord = z
  .strictObject({
    type: z.enum(TYPES),
    shape: z.array(z.int().min(0)),
    /** Little-endian bytes in base64; texts as they are. */
    data: z.union([z.string(), z.array(z.string())]),
  })
  .refine(isWhole, 'the data does not fill the shape');

/** Tensors by name as JSON carries them, bit for bit. */
export const tensorRecords = z.record(z.string(), tensorRecord);

type TensorRecord = z.infer<typeof tensorRecord>;
export type TensorRecords = z.infer<typeof tensorRecords>;

function isWhole({
  type,
  shape,
  data,
}: {
  type: DataType;
  shape: readonly number[];
  data: string | string[];
}): boolean {
  if (type === 'string') return Array.isArray(data) && data.length === sizeOf(shape);
  return !Array.isArray(data) && Buffer.byteLength(data, 'base64') === sizeOf(shape) * ARRAY_OF[type].BYTES_PER_ELEMENT;
}

export function recordsOf(tensors: Readonly<Record<string, Tensor>>): TensorRecords {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, shape, data }]): [string, TensorRecord] => {
      if (type === 'string') return [name, { type, shape: [...shape], data: [...(data as readonly string[])] }];
      const { buffer, byteOffset, byteLength } = data as Float32Array<ArrayBuffer>;
      return [name, { type, shape: [...shape], data: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }];
    }),
  );
}

export function tensorsOf(records: TensorRecords): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(records).map(([name, { type, shape, data }]): [string, Tensor] => {
      if (type === 'string') return [name, { type, shape, data: data as string[] }];
      // A copy: the pieces of Node's pool are not aligned.
      const bytes = Uint8Array.from(Buffer.from(data as string, 'base64'));
      return [name, { type, shape, data: new ARRAY_OF[type](bytes.buffer, 0, sizeOf(shape)) }];
    }),
  );
}
