import { BallastError } from '../../errors.js';
import type { ModelVersion, Store } from '../../store/index.js';
import { InputChecks, type InputPolicies } from '../validation/checks.js';
import type { LoadedModel } from '../worker/messages.js';
import { Runner, type RunnerOptions } from '../worker/runner.js';
import { type AnswerReader, answerReader } from './answers.js';
import { RowColumns } from './columns.js';
import type { ModelRunner } from './model-runner.js';

/** How a version's model is run. */
export type RunSettings = Omit<RunnerOptions, 'file' | 'sha256'>;

/** A registered version with its model loaded. */
export interface ServedVersion {
  readonly name: string;
  readonly version: number;
  /** `unknown` where the registry does not say. */
  readonly regularizerId: string;
  readonly model: LoadedModel;
  /** What runs it, as the protocol calls it. */
  readonly platform: string;
  readonly runner: ModelRunner;
  readonly answers: AnswerReader;
  readonly columns: RowColumns;
  readonly checks: InputChecks;
  /** From the first look at the registry to the first possible answer, ms. */
  readonly coldStartMs: number;
}

/** What is read of a store to load a version. */
export type VersionSource = Pick<Store, 'getVersion' | 'openVersionFile'>;

/** How versions come to be served. */
export interface VersionLoader {
  /** Whether several versions of one model can answer side by side. */
  readonly severalAtOnce: boolean;
  load(store: VersionSource, name: string, version: number): Promise<ServedVersion>;
}

/**
 * Loads a registered version; the model's hash is checked by the process that runs it.
 *
 * @throws BallastError `MODEL_NOT_ONNX`, and those of the registry and of loading a model
 */
export async function loadVersion(
  store: VersionSource,
  name: string,
  number: number,
  settings: RunSettings,
  policies: InputPolicies,
): Promise<ServedVersion> {
  const start = performance.now();
  const version = await store.getVersion(name, number);
  const { onnxPath, onnxSha256 } = version;
  if (onnxPath === undefined || onnxSha256 === undefined) throw notOnnx(version);
  const file = await (await store.openVersionFile(name, number, onnxPath)).file();
  let runner: Runner;
  try {
    runner = await Runner.start({ ...settings, file, sha256: onnxSha256 });
  } catch (error) {
    throw error instanceof BallastError ? error.within(`models:/${name}/${number}`) : error;
  }
  const { model } = runner;
  const columns = new RowColumns(model);
  return {
    name,
    version: number,
    platform: 'onnxruntime_onnx',
    regularizerId: version.regularizerId ?? model.metadata['ballast.regularizers'] ?? 'unknown',
    model,
    runner,
    answers: answerReader(model),
    columns,
    checks: new InputChecks(model, columns, policies),
    coldStartMs: performance.now() - start,
  };
}

function notOnnx({ name, version }: ModelVersion): BallastError {
  return new BallastError('This version has no ONNX file, or several: only ONNX models are ever loaded', {
    code: 'MODEL_NOT_ONNX',
    place: `models:/${name}/${version}`,
    remedy: 'Register the .onnx file itself, or log the model with mlflow.onnx.',
  });
}
