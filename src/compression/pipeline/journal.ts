import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../graph/format/atomic-file.js';
import { makeFolder } from '../../graph/format/make-folder.js';
import type { Remembered } from './run.js';

/** What a compression has found so far. */
export interface Journal {
  /** What is known of a candidate, or what making it gives, which is known from then on. */
  remember(id: string, make: () => Promise<Remembered>): Promise<Remembered>;
}

/**
 * A journal in a folder: a file for each candidate, written when it is done, under a name that depends on everything that
 * decides what it would be. So a compression that was interrupted goes on, and one with other rows or settings starts anew.
 *
 * @param decides all that the figures depend on, as JSON
 */
export async function openJournal(folder: string, decides: unknown): Promise<Journal> {
  const key = createHash('sha256').update(JSON.stringify(decides)).digest('hex').slice(0, 16);
  const own = join(folder, 'journal', key);
  await makeFolder(own);
  return {
    async remember(id, make) {
      const path = join(own, `${id}.json`);
      const known = await recall(path);
      if (known !== undefined) return known;
      const made = await make();
      await writeFileAtomically(path, [Buffer.from(JSON.stringify(made))]);
      return made;
    },
  };
}

async function recall(path: string): Promise<Remembered | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Remembered;
  } catch (error) {
    // A file that is not there is one that was not written; any other fault is told.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
