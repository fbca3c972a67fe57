import type { Duplex } from 'node:stream';
import { ARRAY_OF, sizeOf, type Tensor } from '../../graph/tensor.js';
import type { Tensors } from './messages.js';

/**
 * Runs and their answers on their way between processes, as bytes: Node's own messages cost several times as much, and a request of a
 * small model is little else.
 *
 * A frame is its length, the length of its head (both uint32, little endian), the head as JSON, and the data of tensors one after
 * the other, each at a multiple of 8 bytes.
 */
const PREFIX_BYTES = 8;
const ALIGNMENT = 8;

/** A message of fields that JSON can hold and of tensors. */
interface Message<Fields> {
  readonly fields: Fields;
  readonly tensors: Tensors;
}

type Head<Fields> = readonly [fields: Fields, tensors: readonly TensorHead[]];
/** Texts are in the head. */
type TensorHead = readonly [name: string, type: Tensor['type'], shape: readonly number[], texts?: readonly string[]];

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** The frame of a message. */
export function encodeFrame<Fields>({ fields, tensors }: Message<Fields>): Buffer {
  const heads: TensorHead[] = [];
  const contents: Uint8Array[] = [];
  for (const [name, { type, shape, data }] of Object.entries(tensors)) {
    if (ArrayBuffer.isView(data)) {
      heads.push([name, type, shape]);
      contents.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    } else heads.push([name, type, shape, data as readonly string[]]);
  }
  const head = JSON.stringify([fields, heads] satisfies Head<Fields>);
  const headBytes = Buffer.byteLength(head);
  let bytes = aligned(PREFIX_BYTES + headBytes);
  for (const content of contents) bytes += aligned(content.byteLength);
  const frame = Buffer.allocUnsafe(bytes);
  frame.writeUInt32LE(bytes, 0);
  frame.writeUInt32LE(headBytes, 4);
  frame.write(head, PREFIX_BYTES);
  let at = aligned(PREFIX_BYTES + headBytes);
  for (const content of contents) {
    frame.set(content, at);
    at += aligned(content.byteLength);
  }
  return frame;
}

function decodeFrame<Fields>(frame: Buffer): Message<Fields> {
  const headEnd = PREFIX_BYTES + frame.readUInt32LE(4);
  // The other process is this program, too.
  const [fields, heads] = JSON.parse(frame.toString('utf8', PREFIX_BYTES, headEnd)) as Head<Fields>;
  const tensors: [string, Tensor][] = [];
  let at = aligned(headEnd);
  for (const [name, type, shape, texts] of heads) {
    if (type === 'string') {
      tensors.push([name, { type, shape, data: texts ?? [] }]);
      continue;
    }
    const ArrayType = ARRAY_OF[type];
    const length = sizeOf(shape);
    const bytes = length * ArrayType.BYTES_PER_ELEMENT;
    // A copy, for the frame need not lie where the type may.
    const content = new Uint8Array(bytes);
    content.set(frame.subarray(at, at + bytes));
    tensors.push([name, { type, shape, data: new ArrayType(content.buffer, 0, length) }]);
    at += aligned(bytes);
  }
  return { fields, tensors: Object.fromEntries(tensors) };
}

/** Tells of each message that comes. */
export function readFrames<Fields>(stream: Duplex, tell: (message: Message<Fields>) => void): void {
  /** A frame of which a part has come. */
  let frame: Buffer | undefined;
  let filled = 0;
  /** Bytes of a frame whose length has not come yet. */
  let rest: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    let left = chunk;
    if (frame !== undefined) {
      const copied = left.copy(frame, filled);
      filled += copied;
      if (filled < frame.byteLength) return;
      const whole = frame;
      frame = undefined;
      left = left.subarray(copied);
      tell(decodeFrame(whole));
    } else if (rest.byteLength > 0) {
      left = Buffer.concat([rest, left]);
      rest = Buffer.alloc(0);
    }
    while (left.byteLength >= PREFIX_BYTES) {
      const bytes = left.readUInt32LE(0);
      if (left.byteLength < bytes) {
        frame = Buffer.allocUnsafe(bytes);
        filled = left.copy(frame);
        return;
      }
      tell(decodeFrame(left.subarray(0, bytes)));
      left = left.subarray(bytes);
    }
    rest = left;
  });
}
