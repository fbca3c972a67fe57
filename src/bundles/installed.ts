import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BallastError } from '../errors.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';

/** The file of a device's folder that says which model is live; replaced in one step. */
export const INSTALLED = 'installed.json';

const ref = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  name: z.string(),
  version: z.string(),
  /** The bundle's own model, or the one that it carries to fall back to. */
  part: z.enum(['model', 'fallback']),
  /** The model file, from the folder. */
  model: z.string(),
});

const installedSchema = z.strictObject({
  format: z.literal('ballast.installed/1'),
  name: z.string(),
  live: ref,
  /** What was live before, newest last: where a roll-back leads. */
  earlier: z.array(ref),
  /** When the newest bundle that was ever live was made: older ones are not taken unasked. */
  newest: z.iso.datetime(),
  /** Bundles that were rolled back: not taken again unasked. */
  rejected: z.array(z.string()),
  log: z.array(
    z.strictObject({
      at: z.iso.datetime(),
      did: z.enum(['applied', 'rolled-back']),
      to: z.string(),
      reason: z.string().optional(),
    }),
  ),
});

/** What is installed in a device's folder. */
export type Installed = z.infer<typeof installedSchema>;
export type InstalledRef = z.infer<typeof ref>;

/** Entries of the log that are kept. */
const LOG = 200;

/**
 * What is installed; undefined where nothing ever was.
 *
 * @throws BallastError INSTALLED_READ
 */
export async function readInstalled(folder: string): Promise<Installed | undefined> {
  const path = join(folder, INSTALLED);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw damaged(path, error);
  }
  try {
    return installedSchema.parse(JSON.parse(text));
  } catch (error) {
    throw damaged(path, error);
  }
}

/** Makes it what is installed, in one step. */
export async function writeInstalled(folder: string, installed: Installed): Promise<void> {
  const kept: Installed = { ...installed, log: installed.log.slice(-LOG) };
  await writeFileAtomically(join(folder, INSTALLED), [Buffer.from(`${JSON.stringify(kept, null, 1)}\n`)]);
}

function damaged(path: string, cause: unknown): BallastError {
  return new BallastError('what is installed here cannot be read', {
    code: 'INSTALLED_READ',
    kind: 'environment',
    place: path,
    remedy: 'Apply the bundle into an empty folder',
    cause,
  });
}
