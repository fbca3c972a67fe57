import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { BallastError } from '../errors.js';

/** A key that is trusted, and the file that it came from. */
export interface PublicKey {
  readonly key: KeyObject;
  /** First 16 hex digits of the SHA-256 of the key (SPKI, DER). */
  readonly id: string;
  readonly file: string;
}

/** The environment variable with the passphrase of a private key. */
export const PASSPHRASE = 'BALLAST_KEY_PASSPHRASE';

/**
 * Makes an Ed25519 key pair (RFC 8032): `NAME.key`, PKCS#8 PEM that only its owner may read, encrypted where there is a
 * passphrase; `NAME.pub`, SPKI PEM. Nothing is overwritten.
 *
 * @throws BallastError KEY_EXISTS
 */
export async function makeKeys(name: string, passphrase: string | undefined): Promise<PublicKey & { secret: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  const [secret, file] = [`${name}.key`, `${name}.pub`];
  await writeNew(secret, privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString(), 0o600);
  await writeNew(file, publicKey.export({ type: 'spki', format: 'pem' }).toString(), 0o644);
  return { key: publicKey, id: keyId(publicKey), file, secret };
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    const file = await open(path, 'wx', mode);
    await file.writeFile(text);
    await file.close();
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw new BallastError(exists ? 'there is such a file already' : 'the key cannot be written', {
      code: exists ? 'KEY_EXISTS' : 'KEY_WRITE',
      kind: exists ? 'conflict' : 'environment',
      place: path,
      remedy: exists ? 'Give another name: what was signed by a lost key is trusted no more' : 'Check the folder',
      cause,
    });
  }
}

/**
 * Reads a private key.
 *
 * @throws BallastError KEY_READ, KEY_KIND, KEY_OPEN (readable by everybody), KEY_PASSPHRASE
 */
export async function readPrivateKey(file: string, passphrase: string | undefined): Promise<KeyObject> {
  const pem = await readPem(file);
  if (process.platform !== 'win32' && ((await stat(file)).mode & 0o007) !== 0) {
    throw new BallastError('everybody on this machine may read this private key', {
      code: 'KEY_OPEN',
      place: file,
      remedy: `chmod 600 ${file}`,
    });
  }
  if (/-----BEGIN ENCRYPTED/.test(pem) && passphrase === undefined) {
    throw new BallastError('the private key has a passphrase', {
      code: 'KEY_PASSPHRASE',
      place: file,
      remedy: `Put it into the environment variable ${PASSPHRASE}`,
    });
  }
  return ed25519(file, () => createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) }));
}

/** Reads a public key. @throws BallastError KEY_READ, KEY_KIND */
export async function readPublicKey(file: string): Promise<PublicKey> {
  const pem = await readPem(file);
  // A private key would be taken for its public half: whoever verifies has no business with it.
  if (/-----BEGIN (?:ENCRYPTED )?PRIVATE/.test(pem)) {
    throw new BallastError('this is a private key', {
      code: 'KEY_KIND',
      place: file,
      remedy: 'Verify with the public one, *.pub; keep the private one where bundles are made',
    });
  }
  const key = ed25519(file, () => createPublicKey(pem));
  return { key, id: keyId(key), file };
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new BallastError('the key cannot be read', {
      code: 'KEY_READ',
      kind: 'not-found',
      place: file,
      remedy: 'ballast bundle key NAME makes NAME.key and NAME.pub',
      cause,
    });
  }
}

function ed25519(file: string, read: () => KeyObject): KeyObject {
  let key: KeyObject | undefined;
  let cause: unknown;
  try {
    key = read();
  } catch (error) {
    cause = error;
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new BallastError(
    key === undefined ? 'this is no key, or its passphrase is another' : 'this is no Ed25519 key',
    {
      code: 'KEY_KIND',
      place: file,
      remedy: 'ballast bundle key NAME makes a pair',
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

function keyId(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
}

/** The Ed25519 signature of bytes, 64 bytes. */
export function signBytes(bytes: Uint8Array, key: KeyObject): Buffer {
  return sign(null, bytes, key);
}

/** The first of the keys that signed these bytes. */
export function signedBy(bytes: Uint8Array, signature: Uint8Array, keys: readonly PublicKey[]): PublicKey | undefined {
  if (signature.length !== 64) return undefined;
  return keys.find(({ key }) => verify(null, bytes, key, signature));
}
