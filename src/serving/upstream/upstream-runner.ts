import { BallastError, type ErrorKind } from '../../errors.js';
import type { ModelRunner, RunContext, RunnerState } from '../model/model-runner.js';
import type { Tensors } from '../worker/messages.js';
import { decodeAnswer, encodeRequest, type UpstreamModel } from './messages.js';
import type { Upstream, UpstreamAnswer } from './upstream.js';

export interface UpstreamRunnerOptions {
  readonly upstream: Upstream;
  /** Where the model is: `v2/models/NAME` or `v2/models/NAME/versions/N`. */
  readonly path: string;
  readonly model: UpstreamModel;
  /** Longest time to an answer, ms. */
  readonly timeoutMs: number;
  /** Requests under way; more are refused. */
  readonly queue: number;
  /** Told when the server cannot be reached any more, and when it can again. */
  readonly onChange: (message: string) => void;
}

/** How often a server is asked whether its model is ready, ms. */
const PROBE_MS = 2000;
/** Of a connection, or of what only we and the client agree on. */
const NOT_PASSED_ON = new Set(
  `connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade host
   content-length content-type content-encoding accept-encoding expect inference-header-content-length x-ballast-version`.split(
    /\s+/,
  ),
);
const KIND_OF: ReadonlyMap<number, ErrorKind> = new Map([
  [400, 'input'],
  [401, 'forbidden'],
  [403, 'forbidden'],
  [404, 'not-found'],
  [413, 'input'],
  [422, 'input'],
]);
/** Characters of another server's message that are told. */
const MOST_TEXT = 500;

/** Has a model run by another server of the protocol. */
export class UpstreamRunner implements ModelRunner {
  readonly processIds: readonly number[] = [];
  readonly #options: UpstreamRunnerOptions;
  readonly #probe: NodeJS.Timeout;
  #running = 0;
  #requests = 0;
  #ready = true;
  #closed = false;
  #closing: (() => void) | undefined;

  constructor(options: UpstreamRunnerOptions) {
    this.#options = options;
    this.#probe = setInterval(() => void this.#look(), PROBE_MS).unref();
  }

  get state(): RunnerState {
    return {
      ...{ waiting: 0, running: this.#running, workers: Number(this.#ready), restarts: 0 },
      ...{ batches: this.#requests, batchedRequests: this.#requests },
    };
  }

  get isReady(): boolean {
    return this.#ready;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** It was asked when it was opened; what it says since is told, and no reason to wait. */
  ready(): Promise<void> {
    return Promise.resolve();
  }

  async run(feeds: Tensors, fetches: readonly string[], context: RunContext = {}): Promise<Tensors> {
    const { upstream, path, model, queue, timeoutMs } = this.#options;
    if (this.#running >= queue) throw overloaded(queue);
    this.#running++;
    this.#requests++;
    try {
      const { body, headers } = encodeRequest(feeds, fetches, context.request, model.outputs);
      const answer = await upstream.ask({
        ...{ method: 'POST', path: `${path}/infer`, body },
        headers: { ...passedOn(context.headers ?? {}), ...headers },
        timeoutMs: Math.min(timeoutMs, context.timeoutMs ?? Number.POSITIVE_INFINITY),
      });
      if (answer.status !== 200) throw refusal(answer, upstream.origin);
      return decodeAnswer(answer, fetches);
    } catch (error) {
      if (error instanceof BallastError && error.code === 'UPSTREAM_UNREACHABLE') this.#see(false, error.describe());
      throw error;
    } finally {
      this.#running--;
      if (this.#running === 0) this.#closing?.();
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#probe);
    this.#closed = true;
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#closing = resolve;
    });
  }

  async #look(): Promise<void> {
    const { upstream, path } = this.#options;
    try {
      const { status } = await upstream.ask({ method: 'GET', path: `${path}/ready`, timeoutMs: PROBE_MS });
      this.#see(status === 200, `${path}/ready answers ${status}`);
    } catch (error) {
      this.#see(false, error instanceof BallastError ? error.describe() : String(error));
    }
  }

  #see(ready: boolean, why: string): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#options.onChange(ready ? 'The server that is watched answers again' : why);
  }
}

function passedOn(headers: NonNullable<RunContext['headers']>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (NOT_PASSED_ON.has(name) || name.startsWith(':') || value === undefined) continue;
    kept[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return kept;
}

/** What another server says instead of an answer: the request is at fault, or there are too many, or it failed. */
function refusal({ status, body }: UpstreamAnswer, place: string): BallastError {
  const text = textOf(body);
  const kind = KIND_OF.get(status);
  if (kind !== undefined) {
    return new BallastError(`The server that is watched answered ${status}: ${text}`, {
      ...{ code: 'UPSTREAM_REFUSED', kind, place },
    });
  }
  const isBusy = status === 429 || status === 503;
  return new BallastError(`The server that is watched ${isBusy ? 'is busy' : 'failed'}: ${status} ${text}`.trim(), {
    ...{ code: isBusy ? 'UPSTREAM_BUSY' : 'UPSTREAM_FAILED', kind: 'environment', place },
    ...(isBusy ? { remedy: 'Try again later.' } : {}),
  });
}

function textOf(body: Buffer): string {
  const text = body.toString('utf8', 0, 4 * MOST_TEXT).trim();
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return error.slice(0, MOST_TEXT);
  } catch {
    // Another server's text, whatever it is.
  }
  return text.slice(0, MOST_TEXT);
}

function overloaded(queue: number): BallastError {
  return new BallastError(`${queue} requests are under way already`, {
    code: 'OVERLOADED',
    kind: 'environment',
    remedy: 'Try again later.',
  });
}
