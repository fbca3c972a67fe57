import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BallastError } from '../errors.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import { makeFolder } from '../graph/format/make-folder.js';
import type { PreparedData } from '../spec/prepare.js';
import { type ColumnTokenizer, tokenizerRecords, tokenizersFromRecords } from '../spec/tokens.js';
import type { Run, Store } from '../store/types.js';
import type { RunResult } from './run-result.js';

const RESULT = 'result.json';
const OUTPUTS = { train: 'train-outputs.f32', validation: 'validation-outputs.f32' } as const;
export const MODEL = 'model.onnx';
/** The model with a calibration map behind it. */
export const CALIBRATED = 'calibrated.onnx';
/** The smaller model that a compression chose. */
export const COMPRESSED = 'compressed.onnx';
const PREPROCESSOR = 'preprocessor.json';
const TOKENIZERS = 'tokenizers.json';

/** Stores what a finished run came to, so that it can be shown, compared and resumed around without training again. */
export async function saveResult(
  store: Store,
  result: RunResult,
  { preprocessor, tokenizers }: Pick<PreparedData, 'preprocessor' | 'tokenizers'>,
  train: Evaluation,
  validation: Evaluation,
): Promise<void> {
  const { runId, outputs, ...document } = result;
  await store.putEvaluation(runId, 'train', train);
  await store.putEvaluation(runId, 'validation', validation);
  const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
  await store.putArtifact(runId, PREPROCESSOR, json(preprocessor.toJSON()), { mediaType: 'application/json' });
  await store.putArtifact(runId, TOKENIZERS, json(tokenizerRecords(tokenizers)), { mediaType: 'application/json' });
  await store.putArtifact(runId, MODEL, { file: result.modelPath }, { mediaType: 'application/x-onnx', model: true });
  for (const part of ['train', 'validation'] as const) {
    const { buffer, byteOffset, byteLength } = outputs[part];
    await store.putArtifact(runId, OUTPUTS[part], new Uint8Array(buffer, byteOffset, byteLength));
  }
  await store.putArtifact(runId, RESULT, json(document), { mediaType: 'application/json' });
}

/** The result of a finished run; its model is copied to the folder where it is not there any more. */
export async function loadResult(store: Store, runId: string, folder?: string): Promise<RunResult> {
  const artifacts = await store.listArtifacts(runId);
  if (!artifacts.some(({ path }) => path === RESULT)) {
    throw new BallastError('this run has no stored result', {
      code: 'RUN_WITHOUT_RESULT',
      place: `runs:/${runId}`,
      remedy: 'Only runs that ballast train finished have one',
    });
  }
  const document = JSON.parse(Buffer.from(await (await store.openArtifact(runId, RESULT)).bytes()).toString()) as Omit<
    RunResult,
    'runId' | 'outputs'
  >;
  const floats = async (path: string): Promise<Float32Array> => {
    const bytes = await (await store.openArtifact(runId, path)).bytes();
    const values = new Float32Array(bytes.byteLength / 4);
    Buffer.from(values.buffer).set(bytes);
    return values;
  };
  const outputs = { train: await floats(OUTPUTS.train), validation: await floats(OUTPUTS.validation) };
  let { modelPath } = document;
  if (folder !== undefined) {
    modelPath = join(folder, basename(modelPath));
    await makeFolder(folder);
    await copyFile(await (await store.openArtifact(runId, MODEL)).file(), modelPath);
  }
  return { ...document, modelPath, runId, outputs };
}

/**
 * Refuses a run that has come to no model, before anything is read for it.
 *
 * @throws BallastError RUN_WITHOUT_RESULT
 */
export async function requireModel(store: Store, run: Run): Promise<void> {
  if ((await store.listArtifacts(run.id)).some(({ path }) => path === MODEL)) return;
  const resume = `ballast train SPEC --resume ${(run.groupId ?? 'latest').slice(0, 8)}`;
  throw new BallastError(`this run has no model: it is ${run.status}`, {
    code: 'RUN_WITHOUT_RESULT',
    place: `runs:/${run.id}`,
    remedy:
      run.status === 'running' ? 'Wait until it is finished' : `Go on with it (${resume}), or name a finished run`,
  });
}

/** The tokenizers that a run's model needs in front of it. */
export async function loadTokenizers(store: Store, runId: string): Promise<ColumnTokenizer[]> {
  const bytes = await (await store.openArtifact(runId, TOKENIZERS)).bytes();
  return tokenizersFromRecords(JSON.parse(Buffer.from(bytes).toString()));
}
