import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileFault } from './faults.js';

/** A temporary folder of one reading, made when first needed and removed at its end. */
export class Scratch {
  #directory: string | undefined;
  #count = 0;

  /** A path in the folder for a file that keeps this name's ending. */
  async path(name: string): Promise<string> {
    if (this.#directory === undefined) {
      try {
        this.#directory = await mkdtemp(join(tmpdir(), 'ballast-'));
      } catch (error) {
        throw fileFault(error, tmpdir());
      }
    }
    return join(this.#directory, `${this.#count++}-${name.replace(/[^A-Za-z0-9._-]/g, '_').slice(-80)}`);
  }

  async remove(): Promise<void> {
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
    this.#directory = undefined;
  }
}
