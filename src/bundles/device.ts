import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BallastError } from '../errors.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { makeFolder } from '../graph/format/make-folder.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { type Deviations, parseCheck, runCheck } from './check.js';
import { INSTALLED, type Installed, type InstalledRef, readInstalled, writeInstalled } from './installed.js';
import { withLock } from './lock.js';
import { bundleId, MANIFEST, type Manifest, parseManifest } from './manifest.js';
import { type OpenOptions, readBundle } from './open.js';

/** Where the files of a bundle lie in a device's folder. */
const VERSIONS = 'versions';
const INCOMING = '.incoming-';

export interface ApplyOptions extends OpenOptions {
  /** Take a bundle that is older than the newest that was ever live, or one that was rolled back. */
  readonly allowOlder: boolean;
  /** The application's own verdict on a model that has just become live; false = back to what was live before. */
  readonly probe?: ((model: string) => Promise<boolean>) | undefined;
}

export interface Applied {
  readonly installed: Installed;
  readonly deviations: Deviations;
  /** Whether the probe refused it, so that it is live no more. */
  readonly rolledBack: boolean;
}

/**
 * Brings a bundle live in a folder: verified, unpacked beside what is live, asked its check on this machine, and made live
 * by replacing one file. At whatever moment the process dies, what was live is live and whole.
 *
 * @throws BallastError BUNDLE_*, INSTALL_*; nothing has changed then
 */
export async function apply(
  runtime: Runtime,
  archive: { readonly file: string; readonly place: string },
  folder: string,
  options: ApplyOptions,
): Promise<Applied> {
  return withLock(folder, async () => {
    const before = await readInstalled(folder);
    await sweep(folder, before);
    const incoming = await mkdtemp(join(folder, INCOMING));
    try {
      const { id, manifest } = await readBundle(archive.file, archive.place, options, async (path, content) => {
        const target = join(incoming, path);
        await makeFolder(dirname(target));
        await writeFileAtomically(target, [content]);
      });
      refuseUnasked(before, id, manifest, archive.place, options.allowOlder);
      const deviations = await checkPart(runtime, incoming, manifest, 'model');
      await placeVersion(folder, id, incoming);
      const installed = nowLive(before, refOf(id, manifest, 'model'), manifest);
      await writeInstalled(folder, installed);
      const live = join(folder, installed.live.model);
      const taken = options.probe === undefined || (await options.probe(live));
      if (taken) {
        await sweep(folder, installed);
        return { installed, deviations, rolledBack: false };
      }
      const after = await afterRefusal(runtime, folder, before, installed);
      return { installed: after, deviations, rolledBack: true };
    } finally {
      await rm(incoming, { recursive: true, force: true });
    }
  });
}

/** What is live after the probe refused what had just become so: what was live before, what the bundle carries, or nothing. */
async function afterRefusal(
  runtime: Runtime,
  folder: string,
  before: Installed | undefined,
  installed: Installed,
): Promise<Installed> {
  const reason = 'the probe refused it';
  try {
    const known = before === undefined ? undefined : backTo(installed, before.live, reason);
    const after = known ?? (await stepBack(runtime, folder, installed, reason));
    await writeInstalled(folder, after);
    return after;
  } catch (error) {
    if (before !== undefined || !(error instanceof BallastError)) throw error;
    await rm(join(folder, INSTALLED), { force: true });
    throw new BallastError('the probe refused the model, and there is none to go back to: none is live', {
      code: 'INSTALL_NO_WAY_BACK',
      kind: 'conflict',
      place: folder,
      remedy: 'Apply another bundle; those made with --fallback carry a version to fall back to',
      cause: error,
    });
  }
}

/**
 * Makes live again what was live before, or what the live bundle carries to fall back to. The files are held to their hashes
 * and the model to its check first.
 *
 * @throws BallastError INSTALL_NONE, INSTALL_NO_WAY_BACK, INSTALL_DAMAGED
 */
export async function rollBack(runtime: Runtime, folder: string, reason: string | undefined): Promise<Installed> {
  return withLock(folder, async () => {
    const installed = await requireInstalled(folder);
    const after = await stepBack(runtime, folder, installed, reason);
    await writeInstalled(folder, after);
    return after;
  });
}

/** What is installed. @throws BallastError INSTALL_NONE */
export async function requireInstalled(folder: string): Promise<Installed> {
  const installed = await readInstalled(folder);
  if (installed !== undefined) return installed;
  throw new BallastError('nothing is installed here', {
    code: 'INSTALL_NONE',
    kind: 'not-found',
    place: folder,
    remedy: `ballast bundle apply BUNDLE ${folder} --key KEY.pub installs`,
  });
}

/** Holds what is live to its hashes. @throws BallastError INSTALL_NONE, INSTALL_DAMAGED */
export async function verifyLive(folder: string): Promise<Installed> {
  const installed = await requireInstalled(folder);
  await soundManifest(folder, installed.live.id);
  return installed;
}

async function stepBack(
  runtime: Runtime,
  folder: string,
  installed: Installed,
  reason: string | undefined,
): Promise<Installed> {
  const damages: string[] = [];
  for (const ref of installed.earlier.toReversed()) {
    try {
      await checkPart(runtime, join(folder, VERSIONS, ref.id), await soundManifest(folder, ref.id), ref.part);
      return backTo(installed, ref, reason);
    } catch (error) {
      if (!(error instanceof BallastError)) throw error;
      damages.push(error.describe());
    }
  }
  const { live } = installed;
  const own = live.part === 'fallback' ? undefined : await soundManifest(folder, live.id);
  if (own !== undefined && own.fallback !== null) {
    await checkPart(runtime, join(folder, VERSIONS, live.id), own, 'fallback');
    return backTo(installed, refOf(live.id, own, 'fallback'), reason);
  }
  throw new BallastError('there is nothing to go back to', {
    code: 'INSTALL_NO_WAY_BACK',
    kind: 'conflict',
    place: folder,
    ...(damages.length === 0 ? {} : { value: damages.join(' ') }),
    remedy: 'Apply a bundle; those made with --fallback carry a version to fall back to',
  });
}

/** The manifest of a version on the disk, every file of which has been held to it. */
async function soundManifest(folder: string, id: string): Promise<Manifest> {
  const root = join(folder, VERSIONS, id);
  let manifest: Manifest | undefined;
  let damaged = MANIFEST;
  try {
    const bytes = await readFile(join(root, MANIFEST));
    if (bundleId(bytes) === id) {
      manifest = parseManifest(bytes, root);
      for (const { path, sha256 } of manifest.files) {
        damaged = path;
        const content = await readFile(join(root, path));
        if (createHash('sha256').update(content).digest('hex') !== sha256) throw new Error('its content has changed');
      }
      return manifest;
    }
  } catch (cause) {
    throw damage(root, damaged, cause);
  }
  throw damage(root, damaged, undefined);
}

function damage(root: string, path: string, cause: unknown): BallastError {
  return new BallastError(`${path} is missing or was changed since it was installed`, {
    code: 'INSTALL_DAMAGED',
    kind: 'environment',
    place: root,
    remedy: 'Apply the bundle again',
    ...(cause === undefined ? {} : { cause }),
  });
}

async function checkPart(
  runtime: Runtime,
  root: string,
  manifest: Manifest,
  part: InstalledRef['part'],
): Promise<Deviations> {
  // The model that is fallen back to has a check of its own beside it.
  const model = part === 'model' ? manifest.model : (manifest.fallback?.model ?? '');
  const path = part === 'model' ? manifest.check : `${dirname(model)}/${CHECK}`;
  return runCheck(runtime, join(root, model), parseCheck(await readFile(join(root, path)), path));
}

/** The name of the check in the folder of the model that it is of. */
export const CHECK = 'check.json';

function refuseUnasked(
  before: Installed | undefined,
  id: string,
  manifest: Manifest,
  place: string,
  allowOlder: boolean,
): void {
  if (before === undefined) return;
  const refuse = (code: string, message: string, remedy: string) =>
    new BallastError(message, { code, kind: 'conflict', place, remedy });
  if (before.name !== manifest.name) {
    throw refuse(
      'INSTALL_OTHER_MODEL',
      `the bundle is of "${manifest.name}", and "${before.name}" is installed here`,
      'Use a folder for each model',
    );
  }
  if (allowOlder) return;
  if (before.rejected.includes(id)) {
    throw refuse(
      'INSTALL_REJECTED',
      'this very bundle was rolled back here',
      'Add --allow-older to take it all the same',
    );
  }
  if (manifest.made < before.newest) {
    throw refuse(
      'INSTALL_OLDER',
      `the bundle was made at ${manifest.made}, and one of ${before.newest} has been live here`,
      'Add --allow-older to take it all the same, or ballast bundle roll-back',
    );
  }
}

function refOf(id: string, manifest: Manifest, part: InstalledRef['part']): InstalledRef {
  const fallback = part === 'fallback' ? manifest.fallback : null;
  const { name, version, model } = fallback ?? manifest;
  return { id, name, version, part, model: `${VERSIONS}/${id}/${model}` };
}

/** Versions that are kept to go back to. */
const KEPT = 2;

function nowLive(before: Installed | undefined, live: InstalledRef, { name, made }: Manifest): Installed {
  const earlier = before === undefined ? [] : [...before.earlier, before.live].filter(({ id }) => id !== live.id);
  return {
    format: 'ballast.installed/1',
    name,
    live,
    earlier: earlier.slice(-KEPT),
    newest: before !== undefined && before.newest > made ? before.newest : made,
    rejected: before?.rejected.filter((id) => id !== live.id) ?? [],
    log: [...(before?.log ?? []), { at: new Date().toISOString(), did: 'applied', to: live.id }],
  };
}

function backTo(installed: Installed, live: InstalledRef, reason: string | undefined): Installed {
  const at = installed.earlier.findIndex(({ id, part }) => id === live.id && part === live.part);
  return {
    ...installed,
    live,
    earlier: at < 0 ? [] : installed.earlier.slice(0, at),
    rejected: [...installed.rejected.filter((id) => id !== installed.live.id), installed.live.id].slice(-100),
    log: [
      ...installed.log,
      { at: new Date().toISOString(), did: 'rolled-back', to: live.id, ...(reason === undefined ? {} : { reason }) },
    ],
  };
}

async function placeVersion(folder: string, id: string, incoming: string): Promise<void> {
  const target = join(folder, VERSIONS, id);
  await makeFolder(dirname(target));
  try {
    await soundManifest(folder, id);
    // It may be live: what is whole is left alone.
    return;
  } catch (error) {
    if (!(error instanceof BallastError)) throw error;
  }
  await rm(target, { recursive: true, force: true });
  await rename(incoming, target);
}

/** Removes what nothing refers to: versions that are not kept, and what an interrupted update left. */
async function sweep(folder: string, installed: Installed | undefined): Promise<void> {
  const kept = new Set(installed === undefined ? [] : [installed.live, ...installed.earlier].map(({ id }) => id));
  const entries = async (path: string): Promise<string[]> => {
    try {
      return await readdir(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  };
  const stale = [
    ...(await entries(folder)).filter((name) => name.startsWith(INCOMING)).map((name) => join(folder, name)),
    ...(await entries(join(folder, VERSIONS))).filter((id) => !kept.has(id)).map((id) => join(folder, VERSIONS, id)),
  ];
  for (const path of stale) await rm(path, { recursive: true, force: true });
}
