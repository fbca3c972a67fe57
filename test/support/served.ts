import { type RunningServer, type ServerOptions, startServer } from '../../src/server/index.js';
import { type OpenedInference, type OpenInference, openInference } from '../../src/server/inference/open.js';
import { DEFAULT_POLICIES } from '../../src/serving/index.js';
import type { Store } from '../../src/store/index.js';
import { askRaw, type RawAnswer } from './ask-raw.js';

/** An answer of the protocol, or of its error. */
export interface ProtocolAnswer extends RawAnswer {
  readonly json: {
    readonly error?: string;
    readonly model_version: string;
    readonly id: string;
    readonly parameters: { readonly prediction_id: string };
    readonly outputs: readonly [{ readonly data: readonly unknown[] }];
  };
}

/** A server of models in this process. */
export interface Served extends AsyncDisposable {
  readonly server: RunningServer;
  readonly inference: OpenedInference;
  /** What changed, and went wrong. */
  readonly told: string[];
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ProtocolAnswer>;
  /** One row per value of `x`. */
  infer(model: string, values: readonly (number | null)[], headers?: Record<string, string>): Promise<ProtocolAnswer>;
}

const SETTINGS = { workers: 1, threads: 1, batchRows: 64, batchWaitMs: 0, queue: 512, timeoutMs: 20_000 };
const LIMITS = { bodyBytes: 1 << 20, perSecond: 0, concurrent: 1000 };

/** Serves models over HTTP, on a port of its own. */
export async function serveModels(
  store: Store,
  models: readonly string[],
  options: {
    settings?: Partial<OpenInference['settings']>;
    limits?: Partial<OpenInference['limits']>;
    policies?: Partial<OpenInference['policies']>;
    everyMs?: number;
    grpcPort?: number;
    loader?: NonNullable<OpenInference['loader']>;
    otlp?: NonNullable<ServerOptions['otlp']>;
  } = {},
): Promise<Served> {
  const told: string[] = [];
  const inference = await openInference({
    store,
    models,
    policies: { ...DEFAULT_POLICIES, ...options.policies },
    settings: { ...SETTINGS, ...options.settings },
    limits: { ...LIMITS, ...options.limits },
    everyMs: options.everyMs ?? 50,
    onChange: (message) => told.push(message),
    version: '0.0.0',
    ...(options.loader === undefined ? {} : { loader: options.loader }),
  });
  const { grpcPort, otlp } = options;
  const server = await startServer({
    ...{ store, inference, port: 0 },
    ...(grpcPort === undefined ? {} : { grpcPort }),
    ...(otlp === undefined ? {} : { otlp }),
  });
  const ask: Served['ask'] = async (method, path, body, headers = {}) => {
    const answer = await askRaw(server.url, method, path, { body, headers });
    return { ...answer, json: JSON.parse(answer.body) as ProtocolAnswer['json'] };
  };
  return {
    server,
    inference,
    told,
    ask,
    infer: (model, values, headers) => ask('POST', `/v2/models/${model}/infer`, { inputs: [inputX(values)] }, headers),
    async [Symbol.asyncDispose]() {
      await server.stop();
      await inference.close();
    },
  };
}

export const inputX = (values: readonly (number | null)[]) => ({
  name: 'x',
  shape: [values.length, 1],
  datatype: 'FP32',
  data: values,
});
