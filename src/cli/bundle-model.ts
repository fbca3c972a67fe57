import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { BallastError } from '../errors.js';
import { externalFiles } from '../graph/format/external-files.js';
import { readModelFile } from '../graph/format/file.js';
import { findVersion, isModelReference } from '../store/registry/reference.js';
import type { Store } from '../store/types.js';
import { MODEL } from '../tuning/result-record.js';
import { withStore } from './use-store.js';

/** A model as a bundle carries it. */
export interface BundledModel {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  /** Data files that the model refers to, by the name that it has for them. */
  readonly external: ReadonlyMap<string, Uint8Array>;
}

const OF_RUN = /^(?:runs:\/{1,2})?([0-9a-f]{4,32})(?:\/(.+))?$/i;

/**
 * The model that is meant: a file, `models:/NAME/VERSION` or `models:/NAME@ALIAS`, a run, or `RUN/compressed.onnx`.
 *
 * @throws BallastError MODEL_NOT_FOUND, MODEL_NOT_ONNX, and those of the store
 */
export async function readBundled(reference: string, store: string): Promise<BundledModel> {
  if (isModelReference(reference)) {
    return withStore(store, { create: false }, (open) => ofVersion(open, reference));
  }
  const run = existsSync(reference) ? null : OF_RUN.exec(reference);
  if (run !== null) {
    return withStore(store, { create: false }, async (open) => {
      const { id, name } = await open.findRun(run[1]);
      const bytes = await (await open.openArtifact(id, run[2] ?? MODEL)).bytes();
      return { name: plain(name), version: id.slice(0, 8), bytes, external: new Map() };
    });
  }
  // Says what is wrong with it, if it is not a model.
  const { metadata } = await readModelFile(reference);
  const bytes = await readFile(reference);
  const external = new Map<string, Uint8Array>();
  for (const name of externalFiles(bytes)) external.set(name, await readFile(join(dirname(reference), name)));
  const name = plain(metadata.get('ballast.name') ?? basename(reference).replace(/\.onnx$/i, ''));
  return { name, version: createHash('sha256').update(bytes).digest('hex').slice(0, 8), bytes, external };
}

async function ofVersion(store: Store, reference: string): Promise<BundledModel> {
  const { name, version, onnxPath } = await findVersion(store, reference);
  if (onnxPath === undefined) {
    throw new BallastError('This version has no ONNX file, or several', {
      code: 'MODEL_NOT_ONNX',
      place: `models:/${name}/${version}`,
      remedy: 'Register the .onnx file itself',
    });
  }
  const read = async (path: string) => (await store.openVersionFile(name, version, path)).bytes();
  const bytes = await read(onnxPath);
  const external = new Map<string, Uint8Array>();
  for (const file of externalFiles(bytes)) external.set(file, await read(posix.join(posix.dirname(onnxPath), file)));
  return { name: plain(name), version: String(version), bytes, external };
}

/** A name as bundles have them. */
function plain(name: string): string {
  return name.replace(/[^A-Za-z0-9._ -]/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'model';
}
