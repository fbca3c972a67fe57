import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BallastError } from '../errors.js';
import { explainFileFault, systemCode } from './file-faults.js';
import type { ArtifactSource } from './types.js';

/** A content written and safe on disk under a temporary name, not yet part of the folder. */
interface StagedContent {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly temporary: string;
}

/**
 * Contents by their SHA-256: `sha256/ab/cd/abcd...`, beside `tmp/` for what is being written. A content appears in its
 * place by one rename after its bytes are on disk, so that a reader never sees a part.
 */
export interface ArtifactFolder {
  /** Writes a content under a temporary name and syncs it. */
  stage(source: ArtifactSource): Promise<StagedContent>;
  /** Moves a staged content to its place, unless an equal one is there; afterwards the temporary file is gone. */
  place(staged: StagedContent): Promise<void>;
  /** Removes a staged content's temporary file, if it is still there. */
  discard(staged: StagedContent): Promise<void>;
  /** The content in pieces; after the last one, an error if its hash is not its name. */
  read(sha256: string, size: number): AsyncGenerator<Uint8Array>;
  /** The path of a content's file. */
  pathOf(sha256: string): string;
  /** The hash and size of every content in the folder. */
  list(): AsyncGenerator<{ sha256: string; size: number }>;
  /** Removes a content and returns its size in bytes, 0 when it was not there. */
  remove(sha256: string): Promise<number>;
  /** Removes temporary files not touched for the given time. */
  removeTemporary(olderThanMs: number): Promise<{ files: number; bytes: number }>;
}

const SHA256 = /^[0-9a-f]{64}$/;
const READ_BYTES = 1 << 20;

/** The artifact folder at a path; made when it is first written. */
export function artifactFolder(root: string): ArtifactFolder {
  const temporaryRoot = join(root, 'tmp');
  const contentRoot = join(root, 'sha256');
  const pathOf = (sha256: string) => join(contentRoot, sha256.slice(0, 2), sha256.slice(2, 4), sha256);

  async function explained<Result>(place: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw explainFileFault(error, place);
    }
  }

  return {
    pathOf,

    stage: (source) =>
      explained(root, async () => {
        await mkdir(temporaryRoot, { recursive: true });
        const temporary = join(temporaryRoot, randomUUID());
        const handle = await open(temporary, 'wx');
        try {
          return { temporary, ...(await write(handle, source)) };
        } catch (error) {
          await rm(temporary, { force: true });
          throw error;
        } finally {
          await handle.close();
        }
      }),

    place: (staged) =>
      explained(root, async () => {
        const path = pathOf(staged.sha256);
        if ((await sizeOf(path)) === staged.size) {
          await rm(staged.temporary);
          return;
        }
        const folder = dirname(path);
        const made = await mkdir(folder, { recursive: true });
        await rename(staged.temporary, path);
        await syncFolder(folder);
        if (made !== undefined) for (const above of [dirname(folder), contentRoot, root]) await syncFolder(above);
      }),

    discard: (staged) => explained(root, () => rm(staged.temporary, { force: true })),

    async *read(sha256, size) {
      const path = pathOf(sha256);
      try {
        const found = await sizeOf(path);
        if (found === undefined) throw missing(path);
        if (found !== size) throw corrupt(path);
        const hash = createHash('sha256');
        for await (const piece of createReadStream(path, { highWaterMark: READ_BYTES })) {
          hash.update(piece as Buffer);
          yield piece as Buffer;
        }
        if (hash.digest('hex') !== sha256) throw corrupt(path);
      } catch (error) {
        throw explainFileFault(error, path);
      }
    },

    async *list() {
      for (const first of await entries(contentRoot)) {
        for (const second of await entries(join(contentRoot, first))) {
          for (const name of await entries(join(contentRoot, first, second))) {
            const size = SHA256.test(name) ? await sizeOf(join(contentRoot, first, second, name)) : undefined;
            if (size !== undefined && name.startsWith(first + second)) yield { sha256: name, size };
          }
        }
      }
    },

    remove: (sha256) =>
      explained(root, async () => {
        const size = await sizeOf(pathOf(sha256));
        await rm(pathOf(sha256), { force: true });
        return size ?? 0;
      }),

    removeTemporary: (olderThanMs) =>
      explained(root, async () => {
        let [files, bytes] = [0, 0];
        for (const name of await entries(temporaryRoot)) {
          const path = join(temporaryRoot, name);
          const found = await fileAt(path);
          if (found === undefined || Date.now() - found.mtimeMs < olderThanMs) continue;
          await rm(path, { force: true });
          files += 1;
          bytes += found.size;
        }
        return { files, bytes };
      }),
  };
}

async function write(handle: FileHandle, source: ArtifactSource): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of pieces(source)) {
    hash.update(piece);
    size += piece.byteLength;
    // Writes all of it, at the current position.
    await handle.writeFile(piece);
  }
  await handle.sync();
  return { sha256: hash.digest('hex'), size };
}

async function* pieces(source: ArtifactSource): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array) {
    yield source;
  } else if (!('file' in source)) {
    yield* source;
  } else {
    try {
      for await (const piece of createReadStream(source.file, { highWaterMark: READ_BYTES })) yield piece as Buffer;
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      throw new BallastError('The file to store cannot be read', {
        code: 'ARTIFACT_SOURCE_UNREADABLE',
        place: source.file,
        remedy: 'Check that it exists and that this user may read it.',
        cause: error,
      });
    }
  }
}

/** The size of a regular file in bytes; undefined when there is none. */
async function sizeOf(path: string): Promise<number | undefined> {
  return (await fileAt(path))?.size;
}

async function fileAt(path: string): Promise<Stats | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function entries(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Makes a rename in a folder survive a power cut. Windows has no such call and does not let a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function missing(path: string): BallastError {
  return new BallastError('The content of an artifact is missing from the artifact folder', {
    code: 'ARTIFACT_MISSING',
    kind: 'environment',
    place: path,
    remedy: 'Restore it from a backup, or check that the artifact folder is the one this store was written with.',
  });
}

function corrupt(path: string): BallastError {
  return new BallastError('The content of an artifact is not what was stored: its hash differs', {
    code: 'ARTIFACT_CORRUPT',
    kind: 'environment',
    place: path,
    remedy: 'Restore it from a backup, or store the artifact again.',
  });
}
