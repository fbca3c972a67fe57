import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { corrupt, fileFault } from './faults.js';

const inflate = promisify(inflateRaw);

const END = 0x06054b50;
const END_BYTES = 22;
const END_64 = 0x06064b50;
const END_64_BYTES = 56;
const LOCATOR_64 = 0x07064b50;
const LOCATOR_64_BYTES = 20;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const MAXIMUM_COMMENT = 0xffff;
const MAXIMUM_ENTRIES = 100_000;
const IN_64 = 0xffffffff;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * Passes each file of a zip archive (stored or deflated; zip64 too) to `use`, one in memory at a time. Every length and
 * offset is checked against the file before it is trusted, contents against their declared size and CRC-32. APPNOTE.TXT 6.3.
 *
 * @param admit told the name and the declared size before anything of a file is decompressed; throws to refuse
 */
export async function readZip(
  path: string,
  admit: (name: string, bytes: number) => void,
  use: (name: string, content: Buffer) => void | Promise<void>,
): Promise<void> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw fileFault(error, path);
  });
  try {
    const { size } = await handle.stat();
    for (const entry of await entriesOf(handle, size, path)) {
      if (entry.name.endsWith('/')) continue;
      admit(entry.name, entry.size);
      await use(entry.name, await contentOf(handle, size, entry, path));
    }
  } catch (error) {
    throw fileFault(error, path);
  } finally {
    await handle.close();
  }
}

async function entriesOf(handle: FileHandle, size: number, path: string): Promise<Entry[]> {
  const tailLength = Math.min(size, END_BYTES + MAXIMUM_COMMENT + LOCATOR_64_BYTES);
  const tail = await bytesAt(handle, size - tailLength, tailLength, size, path);
  let at = tail.length - END_BYTES;
  while (at >= 0 && !(tail.readUInt32LE(at) === END && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length))
    at--;
  if (at < 0) throw corrupt(path, 'the file is not a zip archive, or it is truncated');
  let count = tail.readUInt16LE(at + 10);
  let length = tail.readUInt32LE(at + 12);
  let start = tail.readUInt32LE(at + 16);
  const locator = at - LOCATOR_64_BYTES;
  if (locator >= 0 && tail.readUInt32LE(locator) === LOCATOR_64) {
    const end = await bytesAt(handle, long(tail, locator + 8), END_64_BYTES, size, path);
    if (end.readUInt32LE(0) !== END_64) throw corrupt(path, 'the zip archive is damaged');
    count = long(end, 32);
    length = long(end, 40);
    start = long(end, 48);
  }
  if (count > MAXIMUM_ENTRIES) throw corrupt(path, `the zip archive declares ${count} files`);
  const directory = await bytesAt(handle, start, length, size, path);
  const entries: Entry[] = [];
  for (let from = 0; entries.length < count; ) {
    if (from + CENTRAL_BYTES > directory.length || directory.readUInt32LE(from) !== CENTRAL) {
      throw corrupt(path, 'the zip archive is damaged');
    }
    const nameLength = directory.readUInt16LE(from + 28);
    const extraLength = directory.readUInt16LE(from + 30);
    const next = from + CENTRAL_BYTES + nameLength + extraLength + directory.readUInt16LE(from + 32);
    if (next > directory.length) throw corrupt(path, 'the zip archive is damaged');
    const nameEnd = from + CENTRAL_BYTES + nameLength;
    entries.push(entryAt(directory, from, nameEnd, directory.subarray(nameEnd, nameEnd + extraLength)));
    from = next;
  }
  return entries;
}

function entryAt(directory: Buffer, at: number, nameEnd: number, extra: Buffer): Entry {
  let size = directory.readUInt32LE(at + 24);
  let compressed = directory.readUInt32LE(at + 20);
  let offset = directory.readUInt32LE(at + 42);
  // The zip64 field holds, in this order, those of the three that do not fit into 32 bits.
  for (let from = 0; from + 4 <= extra.length; from += 4 + extra.readUInt16LE(from + 2)) {
    if (extra.readUInt16LE(from) !== 1) continue;
    const field = extra.subarray(from + 4, from + 4 + extra.readUInt16LE(from + 2));
    let next = 0;
    const take = (short: number) => {
      if (short !== IN_64 || next + 8 > field.length) return short;
      next += 8;
      return long(field, next - 8);
    };
    size = take(size);
    compressed = take(compressed);
    offset = take(offset);
  }
  return {
    name: directory.toString('utf8', at + CENTRAL_BYTES, nameEnd),
    encrypted: (directory.readUInt16LE(at + 8) & 1) !== 0,
    method: directory.readUInt16LE(at + 10),
    crc: directory.readUInt32LE(at + 16),
    compressed,
    size,
    offset,
  };
}

async function contentOf(handle: FileHandle, fileSize: number, entry: Entry, path: string): Promise<Buffer> {
  const place = `${path}: ${entry.name}`;
  if (entry.encrypted) throw corrupt(place, 'the zip archive is encrypted', 'Decrypt it first.');
  const local = await bytesAt(handle, entry.offset, LOCAL_BYTES, fileSize, place);
  if (local.readUInt32LE(0) !== LOCAL) throw corrupt(place, 'the zip archive is damaged');
  const start = entry.offset + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
  const packed = await bytesAt(handle, start, entry.compressed, fileSize, place);
  const content = await unpack(packed, entry, place);
  if (content.length !== entry.size) throw corrupt(place, 'a file in the zip archive is not of its declared size');
  if (crc32(content) !== entry.crc) throw corrupt(place, 'a file in the zip archive does not have its checksum');
  return content;
}

async function unpack(packed: Buffer, { method, size }: Entry, place: string): Promise<Buffer> {
  if (method === 0) return packed;
  if (method !== 8) {
    throw corrupt(place, `the zip archive is compressed by method ${method}`, 'Write it stored or deflated.');
  }
  try {
    return await inflate(packed, { maxOutputLength: Math.max(1, size) });
  } catch {
    throw corrupt(place, 'a file in the zip archive is damaged, or larger than it declares');
  }
}

async function bytesAt(
  handle: FileHandle,
  start: number,
  length: number,
  size: number,
  place: string,
): Promise<Buffer> {
  if (start < 0 || length < 0 || start + length > size) throw corrupt(place, 'the zip archive is truncated or damaged');
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, start);
  if (bytesRead !== length) throw corrupt(place, 'the zip archive is truncated');
  return buffer;
}

function long(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}
