import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { BallastError } from '../errors.js';
import { makeFolder } from '../graph/format/make-folder.js';
import { findVersion, isModelReference } from '../store/registry/reference.js';
import type { Store } from '../store/types.js';
import { MODEL } from '../tuning/result-record.js';
import { localFolder } from './local-folder.js';
import { withStore } from './use-store.js';

/** Commands that read references of the registry themselves. */
const BY_THEMSELVES = new Set([
  'bundle',
  'drift',
  'gate',
  'register',
  'show',
  'checklist',
  'lineage',
  'archive',
  'alias',
  'tag',
  'set',
]);

/**
 * Puts in the place of each argument `models:/name/version` or `models:/name@alias` what commands know: the run whose
 * model that version is, or else its ONNX file.
 */
export async function resolveModelArguments(command: Command): Promise<void> {
  const { store } = command.opts<{ store?: string }>();
  if (store === undefined || BY_THEMSELVES.has(command.name())) return;
  const args: unknown[] = command.processedArgs;
  for (const [i, value] of args.entries()) {
    if (typeof value !== 'string' || !isModelReference(value)) continue;
    args[i] = await withStore(store, { create: false }, (open) => resolve(open, value, localFolder(store)));
  }
}

async function resolve(store: Store, reference: string, folder: string): Promise<string> {
  const { name, version, onnxPath, onnxSha256, runId } = await findVersion(store, reference);
  if (onnxPath === undefined || onnxSha256 === undefined) {
    throw new BallastError('This version has no ONNX file, or several: only ONNX models are ever loaded', {
      code: 'MODEL_NOT_ONNX',
      place: `models:/${name}/${version}`,
      remedy: 'Register the .onnx file itself, or log the model with mlflow.onnx.',
    });
  }
  // Reading the file checks its hash.
  const file = await (await store.openVersionFile(name, version, onnxPath)).file();
  if (runId !== undefined && (await isModelOf(store, runId, onnxSha256))) return `runs:/${runId}`;
  const target = join(folder, 'models', onnxSha256.slice(0, 16), 'model.onnx');
  await makeFolder(join(target, '..'));
  await copyFile(file, target);
  return target;
}

/** Whether a run that Ballast trained came to this very model. */
async function isModelOf(store: Store, runId: string, sha256: string): Promise<boolean> {
  try {
    const { kind } = await store.getRun(runId);
    return kind !== 'logged' && (await store.openArtifact(runId, MODEL)).sha256 === sha256;
  } catch (error) {
    if (error instanceof BallastError && (error.code === 'RUN_NOT_FOUND' || error.code === 'ARTIFACT_NOT_FOUND'))
      return false;
    throw error;
  }
}
