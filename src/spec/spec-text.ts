import { open } from 'node:fs/promises';
import { BallastError } from '../errors.js';

/** A spec is written by hand; what is larger is something else, such as the data. */
const LARGEST_BYTES = 1 << 20;

/**
 * The text of a spec file; a pipe will do.
 *
 * @throws BallastError SPEC_UNREADABLE, SPEC_TOO_LARGE
 */
export async function readSpecText(path: string): Promise<string> {
  const buffer = Buffer.allocUnsafe(LARGEST_BYTES + 1);
  let length = 0;
  try {
    const file = await open(path);
    try {
      for (let read = -1; read !== 0 && length < buffer.length; length += read) {
        read = (await file.read(buffer, length, buffer.length - length, null)).bytesRead;
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(path, cause as NodeJS.ErrnoException);
  }
  if (length > LARGEST_BYTES) {
    throw new BallastError('the spec is larger than 1 MiB', {
      code: 'SPEC_TOO_LARGE',
      place: path,
      remedy: 'A spec names its data by data.source; is this the data itself?',
    });
  }
  return buffer.toString('utf8', 0, length);
}

function unreadable(path: string, cause: NodeJS.ErrnoException): BallastError {
  const { code } = cause;
  const common = { code: 'SPEC_UNREADABLE', place: path, cause };
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new BallastError('there is no such spec file', {
        ...common,
        remedy: 'Check the path; ballast init digits writes a spec to start from',
      });
    case 'EISDIR':
      return new BallastError('this is a folder, not a spec file', { ...common, remedy: 'Name the file in it' });
    case 'EACCES':
    case 'EPERM':
      return new BallastError('this user may not read the spec file', { ...common, remedy: 'Change its permissions' });
    default:
      return new BallastError(`the spec file cannot be read: ${cause.message}`, { ...common, kind: 'environment' });
  }
}
