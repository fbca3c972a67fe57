import { stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BallastError } from '../../errors.js';
import { download } from './download.js';
import { fileFault } from './faults.js';
import { filesBelow, glob, isGlob } from './glob.js';
import { packageFiles } from './package-file.js';
import type { Scratch } from './scratch.js';

/** What a source turned out to be. */
export interface Resolved {
  /** Files, sorted by path; at least one. */
  readonly files: readonly string[];
  /** Folder below which the files lie; sub-folders of it are classes. */
  readonly root: string;
  /** Whether a folder was named, so that foreign files in it (a README) are passed over. */
  readonly folder: boolean;
  /** What to call it in messages: the source as it was written. */
  readonly source: string;
}

interface Limits {
  readonly baseDirectory: string;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly scratch: Scratch;
}

/** Finds the files behind a path, folder, glob, URL or `npm:` source; what is remote is fetched into the scratch folder. */
export async function resolveSource(source: string, limits: Limits): Promise<Resolved> {
  if (/^https?:\/\//i.test(source)) {
    const file = await download(parseUrl(source), limits.scratch, limits.maxBytes, limits.timeoutMs);
    return { files: [file], root: dirname(file), folder: false, source };
  }
  if (/^s3:\/\//i.test(source)) {
    throw new BallastError('s3:// sources cannot be read', {
      code: 'DATA_SOURCE_UNSUPPORTED',
      place: source,
      remedy: 'Download the file, or give a presigned https:// URL.',
    });
  }
  if (/^npm:/i.test(source)) {
    const { files, folder } = await packageFiles(source, limits.baseDirectory);
    return folder === undefined ? several(files, source) : below(folder, files, source);
  }
  const path = /^file:\/\//i.test(source) ? fileURLToPath(parseUrl(source)) : source;
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
    throw new BallastError('this kind of address cannot be read', {
      code: 'DATA_SOURCE_UNSUPPORTED',
      place: source,
      remedy: 'Use a path, a glob, an http(s):// URL or npm:<package>/<path>.',
    });
  }
  const absolute = resolve(limits.baseDirectory, path);
  const entry = await stat(absolute).catch((error: unknown) => {
    if (isGlob(path)) return undefined;
    throw fileFault(error, source);
  });
  if (entry === undefined) return several(await glob(path, limits.baseDirectory), source);
  if (!entry.isDirectory()) return { files: [absolute], root: dirname(absolute), folder: false, source };
  return below(absolute, await filesBelow(absolute), source);
}

function below(folder: string, files: readonly string[], source: string): Resolved {
  if (files.length === 0) throw nothing(source, 'the folder is empty');
  return { files, root: folder, folder: true, source };
}

function several(files: readonly string[], source: string): Resolved {
  if (files.length === 0) throw nothing(source, 'no file matches');
  return { files, root: commonFolder(files), folder: false, source };
}

function nothing(source: string, what: string): BallastError {
  return new BallastError(what, {
    code: 'DATA_NOT_FOUND',
    kind: 'not-found',
    place: source,
    remedy: 'Check the path.',
  });
}

function commonFolder(files: readonly string[]): string {
  let common = dirname(files[0]);
  for (const file of files) {
    while (common !== dirname(common) && !file.startsWith(join(common, sep))) common = dirname(common);
  }
  return common;
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (error) {
    throw new BallastError('not a valid URL', { code: 'DATA_SOURCE', place: text, cause: error });
  }
}
