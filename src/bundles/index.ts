/** Bundles: a model with all that a device needs to take it, check it and go back, signed by its maker. */
export { type Check, type Deviations, makeCheck, parseCheck, runCheck } from './check.js';
export { type Applied, type ApplyOptions, apply, requireInstalled, rollBack, verifyLive } from './device.js';
export { functionFiles, platforms } from './function.js';
export type { Installed, InstalledRef } from './installed.js';
export { makeKeys, PASSPHRASE, type PublicKey, readPrivateKey, readPublicKey } from './keys.js';
export { type BundleFile, bundleId, FORMAT, type Manifest, parseManifest } from './manifest.js';
export { type OpenedBundle, type OpenOptions, readBundle, type Take } from './open.js';
export { type Contents, writeBundle } from './write.js';
