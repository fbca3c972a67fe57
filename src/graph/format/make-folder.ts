import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BallastError } from '../../errors.js';

/**
 * Makes a folder and those above it. Not by `recursive: true`: Node then tries for ever where a file system refuses new
 * folders with ENOENT, as /proc does.
 *
 * @throws BallastError FOLDER_REFUSED; the error of the system otherwise
 */
export async function makeFolder(folder: string): Promise<void> {
  if (await isMade(folder)) return;
  await makeFolder(dirname(folder));
  // What is above it is there by now, by us or by another process.
  if (await isMade(folder)) return;
  throw new BallastError('no folder can be made here', {
    code: 'FOLDER_REFUSED',
    place: folder,
    remedy: 'Choose another place',
  });
}

/** Makes it in what is above it; false where nothing is, or where the file system says so. */
async function isMade(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code !== 'EEXIST' || !(await stat(folder)).isDirectory()) throw error;
  }
  return true;
}
