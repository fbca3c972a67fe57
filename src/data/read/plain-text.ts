import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BallastError } from '../../errors.js';
import type { Budget } from './budget.js';
import { fileFault } from './faults.js';
import { gunzipToFile } from './gunzip.js';
import type { Scratch } from './scratch.js';

/** Bytes of a file by which its dialect is found. */
const SAMPLE_BYTES = 1 << 18;

/** The file as uncompressed UTF-8: itself, or a temporary copy. */
export async function plainText(file: string, encoding: string, budget: Budget, scratch: Scratch): Promise<string> {
  const plain = /\.gz$/i.test(file) ? await gunzipToFile(file, scratch, budget.left) : file;
  if (/^utf-?8$/i.test(encoding)) return plain;
  const decoder = decoderOf(encoding, file);
  const target = await scratch.path(basename(plain));
  const recode = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, decoder.decode(chunk, { stream: true }));
    },
    flush(done) {
      done(null, decoder.decode());
    },
  });
  await pipeline(createReadStream(plain), recode, createWriteStream(target)).catch((error: unknown) => {
    throw fileFault(error, file);
  });
  return target;
}

function decoderOf(encoding: string, place: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(encoding);
  } catch (error) {
    throw new BallastError('the encoding is not known', {
      code: 'DATA_ENCODING',
      place,
      value: encoding,
      cause: error,
    });
  }
}

/** The beginning of a file, after so many lines, and whether that is all of it. */
export async function beginning(
  file: string,
  place: string,
  skip: number,
): Promise<{ text: string; complete: boolean }> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw fileFault(error, place);
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, 0);
    const bytes = buffer.subarray(0, bytesRead);
    if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
      const remedy = "Convert it, or set encoding: 'utf-16le' (or 'utf-16be').";
      throw new BallastError('the text is UTF-16, not UTF-8', { code: 'DATA_ENCODING', place, remedy });
    }
    let text = new TextDecoder('utf-8').decode(bytes);
    for (let line = 0; line < skip; line++) text = text.slice(nextLine(text));
    if (text.trim() === '') throw new BallastError('the file is empty', { code: 'DATA_EMPTY', place });
    return { text, complete: bytesRead < SAMPLE_BYTES };
  } finally {
    await handle.close();
  }
}

function nextLine(text: string): number {
  const found = /\r\n|\n|\r/.exec(text);
  return found === null ? text.length : found.index + found[0].length;
}
