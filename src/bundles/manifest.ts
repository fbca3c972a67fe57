import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BallastError } from '../errors.js';

/** What a bundle says of itself; the signature is over these very bytes. */
export const FORMAT = 'ballast.bundle/1';

/** The first two files of every bundle: what is signed, and the 64 bytes of its Ed25519 signature. */
export const MANIFEST = 'manifest.json';
export const SIGNATURE = 'manifest.sig';

/** Most bytes of a manifest: it is read before anything is trusted. */
export const MANIFEST_BYTES = 2 ** 20;

/** Most bytes of one file: what a model file may have, and what is read at once. */
export const FILE_BYTES = 2 ** 31 - 1;

const SEGMENT = /^[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*$/;
/** Names that Windows keeps for devices, with any ending; and a dot at the end, which it drops. */
const ODD_ON_WINDOWS = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)|\.$/i;

/** Whether a name in an archive is a plain relative path on every system: no `..`, no drive, no device, no hidden file. */
export function isPlainPath(path: string): boolean {
  const segments = path.split('/');
  return path.length <= 200 && segments.every((part) => SEGMENT.test(part) && !ODD_ON_WINDOWS.test(part));
}

const path = z.string().refine(isPlainPath, 'not a plain relative path');
const file = z.strictObject({
  path,
  bytes: z.int().min(0).max(FILE_BYTES),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._ -]{0,99}$/);
const version = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/);

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  name,
  version,
  /** When it was made, UTC: an older bundle does not replace a newer one unasked. */
  made: z.iso.datetime(),
  madeBy: z.string(),
  /** Where its binaries run, such as linux-x64; null without binaries. */
  platform: z.string().nullable(),
  model: path,
  labels: path,
  preprocessing: path,
  /** What was measured of the model and where; null where nothing was. */
  certificate: path.nullable(),
  /** Feeds with the answers that they must have on the device. */
  check: path,
  /** The version that a device falls back to that has no earlier one. */
  fallback: z.strictObject({ name, version, model: path }).nullable(),
  files: z.array(file).min(1).max(2000),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type BundleFile = Manifest['files'][number];

/** A bundle is named by its manifest: the first 16 hex digits of its SHA-256. */
export function bundleId(manifest: Uint8Array): string {
  return createHash('sha256').update(manifest).digest('hex').slice(0, 16);
}

/**
 * Reads a manifest whose signature has been verified.
 *
 * @throws BallastError BUNDLE_MANIFEST where it is not one, or its files could not lie in one folder
 */
export function parseManifest(bytes: Uint8Array, place: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw manifestFault('the manifest is not JSON', place, cause);
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const [{ path: at, message }] = parsed.error.issues;
    throw manifestFault(`the manifest is none of ${FORMAT}: ${at.join('.')}: ${message}`, place, parsed.error);
  }
  const manifest = parsed.data;
  const { files, model, labels, preprocessing, certificate, check, fallback } = manifest;
  // Case and folders count: what differs by case alone is one file on some systems.
  const taken = new Set([MANIFEST, SIGNATURE]);
  for (const { path: own } of files) {
    const folded = own.toLowerCase();
    const clash = taken.has(folded) || [...taken].some((other) => nested(other, folded) || nested(folded, other));
    if (clash) throw manifestFault(`two files of the manifest cannot lie beside each other: ${own}`, place);
    taken.add(folded);
  }
  const named = [model, labels, preprocessing, check, certificate, fallback?.model];
  const missing = named.find((each) => each !== null && each !== undefined && !files.some((one) => one.path === each));
  if (missing !== undefined) throw manifestFault(`the manifest names ${missing}, which is none of its files`, place);
  return manifest;
}

const nested = (outer: string, inner: string): boolean => inner.startsWith(`${outer}/`);

function manifestFault(message: string, place: string, cause?: unknown): BallastError {
  return new BallastError(message, {
    code: 'BUNDLE_MANIFEST',
    place,
    remedy: 'Export the bundle again, by a version of Ballast that this one knows',
    ...(cause === undefined ? {} : { cause }),
  });
}
