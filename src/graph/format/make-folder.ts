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
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    if (code !== 'ENOENT') throw error;
    const above = dirname(folder);
    if (await isFolder(above)) {
      throw new BallastError('no folder can be made here', {
        code: 'FOLDER_REFUSED',
        place: folder,
        remedy: 'Choose another place',
        cause: error,
      });
    }
    await makeFolder(above);
    await makeFolder(folder);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
