import { createHash, type KeyObject } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { BallastError } from '../errors.js';
import { signBytes } from './keys.js';
import { FILE_BYTES, FORMAT, MANIFEST, type Manifest, parseManifest, SIGNATURE } from './manifest.js';

/** Files by the path that they have in a bundle. */
export type Contents = ReadonlyMap<string, Uint8Array>;

/** Times of an archive's entries: the same contents are the same bytes. */
const EPOCH = new Date(Date.UTC(1980, 0, 2));

/**
 * A bundle: a zip archive that starts with the manifest and its signature, then the files that it names.
 *
 * @throws BallastError BUNDLE_TOO_LARGE, BUNDLE_MANIFEST
 */
export async function writeBundle(
  about: Omit<Manifest, 'format' | 'files'>,
  contents: Contents,
  key: KeyObject,
): Promise<{ archive: Buffer; manifest: Manifest; bytes: Buffer }> {
  const files = [...contents].map(([path, content]) => {
    if (content.length > FILE_BYTES) {
      throw new BallastError(`a file of a bundle has at most 2 GB, and this one ${content.length} bytes`, {
        code: 'BUNDLE_TOO_LARGE',
        place: path,
        remedy: 'Compress the model first (ballast compress)',
      });
    }
    return { path, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  });
  const bytes = Buffer.from(`${JSON.stringify({ format: FORMAT, ...about, files }, null, 1)}\n`);
  const manifest = parseManifest(bytes, about.name);
  const archive = await zip(new Map([[MANIFEST, bytes], [SIGNATURE, signBytes(bytes, key)], ...contents]));
  return { archive, manifest, bytes };
}

async function zip(contents: Contents): Promise<Buffer> {
  const file = new ZipFile();
  const options = { mtime: EPOCH, forceDosTimestamp: true, mode: 0o100644, compressionLevel: 9 };
  for (const [path, content] of contents) {
    file.addBuffer(Buffer.from(content.buffer, content.byteOffset, content.byteLength), path, options);
  }
  file.end();
  return buffer(file.outputStream);
}
