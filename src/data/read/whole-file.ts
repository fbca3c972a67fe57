import { readFile, stat } from 'node:fs/promises';
import { tooLarge } from './budget.js';
import { fileFault } from './faults.js';

/** A file's bytes, unless it is larger than the limit. */
export async function readWhole(file: string, limit: number): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > limit) throw tooLarge(file, size, limit);
    return await readFile(file);
  } catch (error) {
    throw fileFault(error, file);
  }
}
