import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BallastError } from '../../errors.js';

/** Most bytes handed to one write call: below the 2 GB that the system takes at once. */
const CHUNK_BYTES = 2 ** 28;

/**
 * Writes a file so that its path names the old content or all of the new one, never a part, whenever the process dies:
 * a temporary name beside it, fsync, rename, fsync of the directory. On any fault the temporary file is removed.
 *
 * @throws BallastError FILE_WRITE, kind 'environment': disk full, no such directory, no permission
 */
export async function writeFileAtomically(path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  await writeNamedAfterwards(dirname(path), chunks, () => path);
}

/**
 * {@link writeFileAtomically} for a file whose name is known only once its content is written (a hash of it).
 *
 * @param pathOf the final path, in `directory`; called after the last chunk
 */
export async function writeNamedAfterwards(
  directory: string,
  chunks: Iterable<Uint8Array>,
  pathOf: () => string,
): Promise<string> {
  const temporary = join(directory, `.${randomBytes(6).toString('hex')}.tmp`);
  let place = directory;
  let created = false;
  try {
    const file = await open(temporary, 'wx');
    created = true;
    try {
      for (const chunk of chunks) await writeFully(file, chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    place = pathOf();
    await rename(temporary, place);
    created = false;
    await syncDirectory(directory);
    return place;
  } catch (cause) {
    if (created) await rm(temporary, { force: true });
    throw writeFault(cause, place);
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(bytes.length - done, CHUNK_BYTES));
    done += bytesWritten;
  }
}

/** Makes the rename itself durable; Windows cannot open directories and needs no such call. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function writeFault(cause: unknown, path: string): unknown {
  if (!(cause instanceof Error && 'code' in cause && typeof cause.code === 'string')) return cause;
  const full = cause.code === 'ENOSPC' || cause.code === 'EDQUOT';
  return new BallastError(full ? 'the disk is full' : `cannot be written: ${cause.code}`, {
    code: 'FILE_WRITE',
    kind: 'environment',
    place: path,
    remedy: full ? 'Free some space and try again.' : 'Check that the directory exists and may be written to.',
    cause,
  });
}
