import { createReadStream } from 'node:fs';
import { fileFault } from './faults.js';

const NEWLINE = 10;
const BLOCK_BYTES = 1 << 20;

/** Number of lines of the files, a last one without a line break included: a bound on the number of their records. */
export async function countLines(files: readonly string[]): Promise<number> {
  let lines = 0;
  for (const file of files) {
    try {
      for await (const block of createReadStream(file, { highWaterMark: BLOCK_BYTES })) {
        const bytes = block as Buffer;
        for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines++;
      }
    } catch (error) {
      throw fileFault(error, file);
    }
    lines++;
  }
  return lines;
}
