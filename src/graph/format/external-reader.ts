import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { isAbsolute, join, posix, relative, sep, win32 } from 'node:path';
import { BallastError } from '../../errors.js';
import { modelFault, type Place, placeText, quote } from './fault.js';

/** Reads tensors that live outside the model file. */
export interface ExternalReader {
  /**
   * `length` bytes at `offset` of the file `location`, in a buffer of their own. The same region read twice is the same
   * array (tied weights stay tied).
   *
   * @param place names the tensor in errors
   * @throws BallastError MODEL_EXTERNAL_DATA
   */
  read(location: string, offset: number, length: number, place: Place): Uint8Array<ArrayBuffer>;
  /** Closes the files that were opened. */
  close(): void;
}

interface DataFile {
  readonly descriptor: number;
  readonly size: number;
  /** Bytes handed out: never more than the file has, so that overlapping regions cannot multiply it. */
  taken: number;
  readonly regions: Map<string, Uint8Array<ArrayBuffer>>;
}

/**
 * Opens a directory as the only place that external data may come from: no absolute paths, no `..`, no symbolic link
 * that leads out of it, regular files only.
 *
 * @param directory undefined when the model came from bytes alone: then any external data is an error
 */
export function externalReader(directory: string | undefined): ExternalReader {
  const files = new Map<string, DataFile>();
  const open = (location: string, place: Place): DataFile => {
    let file = files.get(location);
    if (file === undefined) {
      file = openInside(directory, location, place);
      files.set(location, file);
    }
    return file;
  };
  return {
    read(location, offset, length, place) {
      const file = open(location, place);
      const key = `${offset}+${length}`;
      const known = file.regions.get(key);
      if (known !== undefined) return known;
      if (offset + length > file.size) {
        throw externalFault(
          place,
          `external data is ${length} bytes at ${offset} of ${quote(location)}, which has ${file.size} bytes`,
          'Copy the data file again: it is incomplete.',
        );
      }
      if (file.taken + length > file.size) {
        throw externalFault(place, `regions of ${quote(location)} overlap`);
      }
      file.taken += length;
      const bytes = readFully(file.descriptor, offset, length, location, place);
      file.regions.set(key, bytes);
      return bytes;
    },
    close() {
      for (const file of files.values()) closeSync(file.descriptor);
      files.clear();
    },
  };
}

function openInside(directory: string | undefined, location: string, place: Place): DataFile {
  if (directory === undefined) {
    throw externalFault(
      place,
      `data is in another file, ${quote(location)}`,
      'Read the model from its file, or say in which directory its data is (externalData).',
    );
  }
  if (!isPlainRelative(location)) {
    throw externalFault(place, `external data may not leave the model's directory: ${quote(location)}`);
  }
  let descriptor: number | undefined;
  try {
    const root = realpathSync(directory);
    const path = realpathSync(join(root, location));
    const inside = relative(root, path);
    if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw externalFault(place, `external data leaves the model's directory by a link: ${quote(location)}`);
    }
    // Neither follow a link put there meanwhile nor wait for the writer of a pipe.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw externalFault(place, `external data ${quote(location)} is not a regular file`);
    return { descriptor, size: stat.size, taken: 0, regions: new Map() };
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw error instanceof BallastError ? error : systemFault(error, location, place);
  }
}

/** A relative path without `..`, read by the rules of both POSIX and Windows: models travel. */
function isPlainRelative(location: string): boolean {
  if (location === '' || location.includes('\0')) return false;
  if (posix.isAbsolute(location) || win32.parse(location).root !== '') return false;
  return !location.split(/[\\/]/).includes('..');
}

function readFully(
  descriptor: number,
  offset: number,
  length: number,
  location: string,
  place: Place,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const part = Math.min(length - done, 2 ** 30);
    const read = readSync(descriptor, bytes, done, part, offset + done);
    if (read === 0) throw externalFault(place, `${quote(location)} became shorter while it was read`);
    done += read;
  }
  return bytes;
}

function systemFault(error: unknown, location: string, place: Place): BallastError {
  const missing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
  return new BallastError(`external data ${quote(location)} cannot be opened`, {
    code: 'MODEL_EXTERNAL_DATA',
    kind: missing ? 'input' : 'environment',
    place: placeText(place),
    remedy: missing ? 'Put the data file beside the model.' : 'Check that the file can be read.',
    cause: error,
  });
}

function externalFault(place: Place, message: string, remedy?: string): BallastError {
  return modelFault('MODEL_EXTERNAL_DATA', place, message, remedy === undefined ? {} : { remedy });
}
