import { createHash } from 'node:crypto';
import { readZip } from '../data/read/zip.js';
import { BallastError } from '../errors.js';
import { type PublicKey, signedBy } from './keys.js';
import { bundleId, MANIFEST, MANIFEST_BYTES, type Manifest, parseManifest, SIGNATURE } from './manifest.js';

export interface OpenOptions {
  /** Whose signature is trusted: any of them. */
  readonly keys: readonly PublicKey[];
  /** Most bytes of all files together, unpacked. */
  readonly limit: number;
}

/** A bundle whose signature and contents hold. */
export interface OpenedBundle {
  readonly id: string;
  readonly manifest: Manifest;
  readonly signedBy: PublicKey;
}

/** What comes out of a bundle: its manifest and signature, when they hold, and then every file, when it holds. */
export type Take = (path: string, content: Uint8Array) => Promise<void> | void;

/**
 * Reads a bundle from an untrusted archive. Nothing is unpacked that a trusted key did not sign for: the manifest comes
 * first and is verified first; then every file must be one that it names, of the size that it names, before it is inflated,
 * and of the hash that it names before it is handed on. Nothing may be missing, nothing come twice.
 *
 * @param place how messages name the archive
 * @throws BallastError BUNDLE_SIGNATURE, BUNDLE_CONTENT, BUNDLE_TOO_LARGE, BUNDLE_MANIFEST, DATA_CORRUPT
 */
export async function readBundle(
  archive: string,
  place: string,
  { keys, limit }: OpenOptions,
  take: Take,
): Promise<OpenedBundle> {
  const head: Buffer[] = [];
  let opened: OpenedBundle | undefined;
  const due = new Map<string, Manifest['files'][number]>();
  const admit = (name: string, bytes: number): void => {
    if (opened === undefined) {
      const expected = head.length === 0 ? MANIFEST : SIGNATURE;
      const most = head.length === 0 ? MANIFEST_BYTES : 64;
      if (name !== expected) throw content(place, `it starts with "${shown(name)}" where ${expected} belongs`);
      if (bytes > most) throw content(place, `its ${expected} has ${bytes} bytes, and ${most} are the most`);
      return;
    }
    const file = due.get(name);
    if (file === undefined) throw content(place, `the manifest names no "${shown(name)}", or it comes twice`);
    if (file.bytes !== bytes) throw content(place, `${name} has ${bytes} bytes, and the manifest says ${file.bytes}`);
  };
  await readZip(archive, admit, async (name, bytes) => {
    if (opened === undefined) {
      head.push(bytes);
      if (head.length < 2) return;
      opened = verified(head[0], head[1], keys, place);
      for (const file of opened.manifest.files) due.set(file.path, file);
      refuseLarge(opened.manifest, limit, place);
      await take(MANIFEST, head[0]);
      await take(SIGNATURE, head[1]);
      return;
    }
    const { sha256 } = due.get(name)!;
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
      throw content(place, `${name} is not the file that was signed for`);
    }
    due.delete(name);
    await take(name, bytes);
  });
  if (opened === undefined) throw content(place, 'it has no manifest and signature');
  const [missing] = due.keys();
  if (missing !== undefined) throw content(place, `${missing} is missing`);
  return opened;
}

function verified(manifest: Buffer, signature: Buffer, keys: readonly PublicKey[], place: string): OpenedBundle {
  const signer = signedBy(manifest, signature, keys);
  if (signer === undefined) {
    throw new BallastError('the bundle is not signed by a key that is trusted here, or it was changed since', {
      code: 'BUNDLE_SIGNATURE',
      kind: 'forbidden',
      place,
      value: keys.map(({ id, file }) => `${file} (${id})`).join(', '),
      remedy: 'Take the bundle from its maker again, or name the public key of its maker with --key',
    });
  }
  return { id: bundleId(manifest), manifest: parseManifest(manifest, `${place}: ${MANIFEST}`), signedBy: signer };
}

function refuseLarge({ files }: Manifest, limit: number, place: string): void {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes <= limit) return;
  throw new BallastError(`unpacked the bundle takes ${bytes} bytes, and ${limit} are allowed`, {
    code: 'BUNDLE_TOO_LARGE',
    place,
    remedy: 'Raise --max-mb if the device has room',
  });
}

/** A name of an untrusted archive, for a message. */
const shown = (name: string): string => name.replace(/[^\x20-\x7e]/g, '?').slice(0, 80);

function content(place: string, what: string): BallastError {
  return new BallastError(`this is no sound bundle: ${what}`, {
    code: 'BUNDLE_CONTENT',
    place,
    remedy: 'Take the bundle from its maker again',
  });
}
