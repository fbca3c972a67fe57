import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BallastError } from '../errors.js';
import { makeFolder } from '../graph/format/make-folder.js';

const LOCK = '.lock';

/**
 * Runs an action while no other process changes the same folder. The lock of a process that is no more is taken over.
 *
 * @throws BallastError INSTALL_BUSY
 */
export async function withLock<T>(folder: string, action: () => Promise<T>): Promise<T> {
  await makeFolder(folder);
  const path = join(folder, LOCK);
  if (!(await take(path))) {
    const holder = Number(await readFile(path, 'utf8').catch(() => ''));
    if (holder > 0 && isAlive(holder)) {
      throw new BallastError(`process ${holder} is changing this folder`, {
        code: 'INSTALL_BUSY',
        kind: 'conflict',
        place: folder,
        remedy: 'Wait until it is done',
      });
    }
    await rm(path, { force: true });
    if (!(await take(path))) return withLock(folder, action);
  }
  try {
    return await action();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // One of another user is alive too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
