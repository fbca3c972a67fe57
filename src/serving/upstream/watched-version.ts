import { setTimeout as sleep } from 'node:timers/promises';
import { BallastError } from '../../errors.js';
import { type PortInfo, readModelFile } from '../../graph/index.js';
import { answerReader } from '../model/answers.js';
import { RowColumns } from '../model/columns.js';
import type { ServedVersion, VersionLoader, VersionSource } from '../model/served-version.js';
import { InputChecks, type InputPolicies } from '../validation/checks.js';
import type { LoadedModel } from '../worker/messages.js';
import { readMetadata, type UpstreamModel } from './messages.js';
import type { Upstream, UpstreamAnswer } from './upstream.js';
import { UpstreamRunner, type UpstreamRunnerOptions } from './upstream-runner.js';

export interface WatchOptions extends Pick<UpstreamRunnerOptions, 'timeoutMs' | 'queue' | 'onChange'> {
  readonly upstream: Upstream;
  readonly policies: InputPolicies;
  /** The server has the registry's versions under the same numbers, and is asked for them by number. */
  readonly byVersion: boolean;
  /** How long the server may take until it tells of a model for the first time, ms. */
  readonly patienceMs: number;
}

/** Between two attempts to reach a server that is not there yet, ms. */
const AGAIN_MS = 500;

/**
 * Versions of registered models that another server runs: this one asks it, and knows what the registry knows of them (columns, what
 * training held, classes, regularizers).
 */
export function watchVersions(options: WatchOptions): VersionLoader {
  return {
    severalAtOnce: options.byVersion,
    load: (store, name, version) => watchVersion(store, name, version, options),
  };
}

/** @throws BallastError `UPSTREAM_UNREACHABLE`, `UPSTREAM_REFUSED`, `UPSTREAM_FAILED`, `UPSTREAM_UNTYPED`, and those of the registry */
async function watchVersion(
  store: VersionSource,
  name: string,
  number: number,
  options: WatchOptions,
): Promise<ServedVersion> {
  const { upstream, byVersion, policies } = options;
  const start = performance.now();
  const version = await store.getVersion(name, number);
  const registered = await registeredModel(store, name, number, version.onnxPath);
  const path = `v2/models/${encodeURIComponent(name)}${byVersion ? `/versions/${number}` : ''}`;
  const told = await describe(path, options);
  const model: LoadedModel = {
    inputs: told.inputs.length > 0 ? told.inputs : registered.inputs,
    outputs: told.outputs.length > 0 ? told.outputs : registered.outputs,
    metadata: registered.metadata,
    loadMs: performance.now() - start,
  };
  if (model.inputs.length === 0) throw untyped(upstream.origin, name, number);
  const columns = new RowColumns(model);
  return {
    ...{ name, version: number, model, columns, platform: told.platform },
    regularizerId: version.regularizerId ?? model.metadata['ballast.regularizers'] ?? 'unknown',
    runner: new UpstreamRunner({ ...options, path, model: { ...told, outputs: model.outputs } }),
    answers: answerReader(model),
    checks: new InputChecks(model, columns, policies),
    coldStartMs: performance.now() - start,
  };
}

type Registered = Pick<LoadedModel, 'inputs' | 'outputs' | 'metadata'>;

/** What the registered file says, read without running it; nothing of a version that is no ONNX file. */
async function registeredModel(
  store: VersionSource,
  name: string,
  number: number,
  onnxPath: string | undefined,
): Promise<Registered> {
  if (onnxPath === undefined) return { inputs: [], outputs: [], metadata: {} };
  const { graph, metadata } = await readModelFile(await (await store.openVersionFile(name, number, onnxPath)).file());
  const ports = (list: typeof graph.inputs): PortInfo[] =>
    list.map((port) => ({ name: port.name, type: port.type, shape: [...(port.shape ?? [])] }));
  return {
    inputs: ports(graph.inputs.filter((input) => !graph.initializers.has(input.name))),
    outputs: ports(graph.outputs),
    metadata: Object.fromEntries(metadata),
  };
}

async function describe(
  path: string,
  { upstream, patienceMs, timeoutMs, onChange }: WatchOptions,
): Promise<UpstreamModel> {
  const until = performance.now() + patienceMs;
  for (let isTold = false; ; isTold = true) {
    try {
      return readMetadata(jsonOf(await upstream.ask({ method: 'GET', path, timeoutMs }), upstream, path));
    } catch (error) {
      const passes = error instanceof BallastError && error.code === 'UPSTREAM_UNREACHABLE';
      if (!passes || performance.now() >= until) throw error;
      if (!isTold) onChange(`${error.describe()} Waiting up to ${Math.round(patienceMs / 1000)} s.`);
      await sleep(AGAIN_MS);
    }
  }
}

function jsonOf({ status, body }: UpstreamAnswer, { origin }: Upstream, path: string): unknown {
  try {
    if (status === 200) return JSON.parse(body.toString('utf8'));
  } catch {
    // Told below.
  }
  throw new BallastError(`It does not tell of this model: ${status} ${body.toString('utf8', 0, 200).trim()}`.trim(), {
    ...(status === 404
      ? { code: 'UPSTREAM_REFUSED', kind: 'not-found' as const }
      : { code: 'UPSTREAM_FAILED', kind: 'environment' as const }),
    place: `${origin}/${path}`,
    remedy: 'The model is called there as in the registry; with --sidecar-versions, its versions too.',
  });
}

function untyped(origin: string, name: string, number: number): BallastError {
  return new BallastError('Neither the server nor the registry says which inputs the model has', {
    code: 'UPSTREAM_UNTYPED',
    place: `${origin}, models:/${name}/${number}`,
    remedy: 'Declare its inputs at the server (MLServer: model-settings.json), or register its ONNX file.',
  });
}
