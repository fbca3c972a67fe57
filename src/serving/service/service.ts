import { randomUUID } from 'node:crypto';
import { BallastError } from '../../errors.js';
import { FollowedModels, type FollowOptions } from '../model/followed-models.js';
import type { AnswerUse } from '../model/model-runner.js';
import type { Route, Routing } from '../model/routing.js';
import type { ServedVersion } from '../model/served-version.js';
import type { ObservationSink } from '../observation.js';
import { typeOfDatatype } from '../protocol/datatypes.js';
import { feedsOf, type RawData } from '../protocol/feeds.js';
import type { InferRequest, RequestTensor } from '../protocol/request.js';
import type { Tensors } from '../worker/messages.js';
import { metadataOf } from './metadata.js';
import { Mirror, notReady } from './mirror.js';
import { type Outcome, observe } from './observe.js';

export interface ServiceOptions extends FollowOptions {
  readonly sink: ObservationSink;
  /** Told of every request that was answered, as it came; returns at once. */
  readonly recorded?: (request: AnsweredRequest) => void;
}

export interface AnsweredRequest {
  readonly predictionId: string;
  readonly at: number;
  readonly model: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly feeds: Tensors;
}

/** A request as it came, over whichever protocol. */
export interface Inquiry {
  readonly model: string;
  /** The version that the request names, by its address or by the header `x-ballast-version`. */
  readonly version: string | undefined;
  readonly request: InferRequest;
  readonly rawData: RawData;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** How long the client waits, where its protocol says so, ms. */
  readonly timeoutMs?: number;
}

export interface Answer {
  /** The client's own id, or the prediction's. */
  readonly id: string;
  readonly predictionId: string;
  readonly version: ServedVersion;
  /** Those that were asked for, in that order. */
  readonly outputs: readonly { readonly name: string; readonly tensor: Tensors[string] }[];
}

/** A request on its way to one version. */
interface Turn extends Route {
  readonly metadata: Readonly<Record<string, string>>;
  /** What is left of the time that the client waits; all of it unless given. */
  readonly timeoutMs?: number | undefined;
  readonly again?: boolean;
  /** Another version answers where this one fails: it is not waited for, and its failure is returned. */
  readonly mayFail?: boolean;
}

interface Failed {
  readonly error: unknown;
  /** Observes the failure, once it is known whose it is. */
  tell(faultOf: Outcome['faultOf']): void;
}

/** Answers inference requests of registered models, and tells a sink of each row. */
export class InferenceService {
  readonly models: FollowedModels;
  readonly #sink: ObservationSink;
  readonly #mirror: Mirror;
  readonly #recorded: ServiceOptions['recorded'];

  constructor(options: ServiceOptions) {
    this.models = new FollowedModels(options);
    this.#sink = options.sink;
    this.#mirror = new Mirror(options.sink);
    this.#recorded = options.recorded;
  }

  /** Requests that shadows were not asked, by `NAME/VERSION`. */
  get notMirrored(): ReadonlyMap<string, number> {
    return this.#mirror.dropped;
  }

  /**
   * A request that the split gives to a candidate, and that the candidate fails, is answered by the live version: the user does not
   * notice, the record does.
   *
   * @throws BallastError `MODEL_NOT_SERVED`, `VERSION_NOT_SERVED`, those of reading the request (kind `input`), `OVERLOADED`,
   * `REQUEST_TIMEOUT`, `WORKER_ENDED`
   */
  async infer(inquiry: Inquiry): Promise<Answer> {
    const start = performance.now();
    const { model, version: askedVersion, request, rawData, headers } = inquiry;
    const routing = this.models.routing(model);
    const metadata = metadataOf(request.parameters, headers);
    const route = routing.route(askedVersion, keyOf(routing, request, metadata, rawData));
    const turn = { ...route, metadata };
    if (route.role !== 'candidate' || askedVersion !== undefined) return this.#answer(inquiry, turn);
    const failed = await this.#answer(inquiry, { ...turn, again: false, mayFail: true });
    if (!('error' in failed)) return failed;
    // What is live may have changed since.
    const { live: version, shares } = this.models.routing(model);
    const shadows = route.shadows.filter((shadow) => !shadow.runner.isClosed && shadow !== version);
    try {
      const timeoutMs = timeoutOf(request, inquiry.timeoutMs);
      const left = timeoutMs === undefined ? undefined : timeoutMs - (performance.now() - start);
      if (left !== undefined && left <= 0) throw failed.error;
      const role = shares.find((share) => share.version === version.version)?.role ?? 'live';
      const answer = await this.#answer(inquiry, { version, role, shadows, metadata, timeoutMs: left });
      // What the live version answers was no fault of the request.
      failed.tell('service');
      return answer;
    } catch (error) {
      failed.tell('request');
      throw error;
    }
  }

  async #answer(inquiry: Inquiry, turn: Turn & { readonly mayFail: true }): Promise<Answer | Failed>;
  async #answer(inquiry: Inquiry, turn: Turn): Promise<Answer>;
  async #answer(inquiry: Inquiry, turn: Turn): Promise<Answer | Failed> {
    const start = performance.now();
    const at = Date.now();
    const { model, request, rawData } = inquiry;
    const { version, role, shadows, metadata, again, mayFail } = turn;
    const predictionId = randomUUID();
    const asked = { predictionId, at, version, role, metadata };
    let feeds: Tensors | undefined;
    let flags: Outcome['flags'];
    try {
      feeds = feedsOf(request, version.model.inputs, rawData);
      const wanted = wantedOutputs(request, version);
      const fetches =
        wanted.length === 0 ? [] : [...new Set([...wanted, ...version.answers.outputs, ...version.columns.fetches])];
      const checked = version.checks.apply(feeds);
      flags = checked.flags;
      if (mayFail && !version.runner.isReady) throw notReady();
      const timeoutMs = turn.timeoutMs ?? timeoutOf(request, inquiry.timeoutMs);
      let use: AnswerUse | undefined;
      const used = (told: AnswerUse): void => {
        use = told;
      };
      const context = { timeoutMs, again, request, headers: inquiry.headers, used };
      const outputs = await version.runner.run(checked.feeds, fetches, context);
      observe(this.#sink, asked, { latencyMs: performance.now() - start, use, feeds, outputs, flags });
      this.#recorded?.({ predictionId, at, model, metadata, feeds });
      if (shadows.length > 0) this.#mirror.ask(shadows, { predictionId, at, metadata, feeds });
      return {
        id: request.id === undefined || request.id === '' ? predictionId : request.id,
        predictionId,
        version,
        outputs: (wanted.length === 0 ? Object.keys(outputs) : wanted).map((name) => ({ name, tensor: outputs[name] })),
      };
    } catch (error) {
      const outcome = {
        latencyMs: performance.now() - start,
        ...(feeds && { feeds }),
        ...(flags && { flags }),
        error,
      };
      if (mayFail) return { error, tell: (faultOf) => observe(this.#sink, asked, { ...outcome, faultOf }) };
      observe(this.#sink, asked, outcome);
      throw error;
    }
  }

  /** Ends after the requests under way. */
  async close(): Promise<void> {
    await this.models.close();
  }
}

/** By what a request stays with one version, where it tells it: metadata, or a column of its first row. */
function keyOf(
  { stickyKey }: Routing,
  request: InferRequest,
  metadata: Readonly<Record<string, string>>,
  rawData: RawData,
): string | undefined {
  if (stickyKey === undefined) return undefined;
  const told = metadata[stickyKey] ?? metadata[stickyKey.toLowerCase()];
  if (told !== undefined) return told;
  const index = request.inputs.findIndex(({ name }) => name === stickyKey);
  const column = request.inputs[index];
  if (column === undefined) return undefined;
  const first: unknown = column.data?.flat(Number.POSITIVE_INFINITY)[0] ?? firstOf(column, index, rawData);
  return ['string', 'number', 'bigint'].includes(typeof first) ? String(first) : undefined;
}

/** The first value of a tensor that did not come in JSON; none of one that cannot be read, which is refused where it is read as a whole. */
function firstOf(tensor: RequestTensor, index: number, rawData: RawData): unknown {
  const type = typeOfDatatype(tensor.datatype);
  if (type === undefined) return undefined;
  try {
    return rawData(tensor, index, type)?.data[0];
  } catch (error) {
    if (error instanceof BallastError) return undefined;
    throw error;
  }
}

/** None for all, where it is not known which the model has. */
function wantedOutputs({ outputs }: InferRequest, { model }: ServedVersion): readonly string[] {
  const known = model.outputs.map(({ name }) => name);
  if (outputs === undefined || outputs.length === 0) return known;
  for (const { name, parameters } of outputs) {
    if (parameters?.classification !== undefined) {
      throw new BallastError('This server does not rank classes', {
        code: 'NOT_SUPPORTED',
        place: `output ${name}`,
        remedy: 'Ask for the probabilities, and leave out the parameter classification.',
      });
    }
    if (known.length === 0 || known.includes(name)) continue;
    throw new BallastError('The model has no such output', {
      code: 'OUTPUT_UNKNOWN',
      place: `output ${name}`,
      remedy: `Its outputs are: ${known.join(', ')}.`,
    });
  }
  return outputs.map(({ name }) => name);
}

/** The parameter `timeout` is in microseconds, as Triton's; the sooner of it and of the protocol's own counts. */
function timeoutOf({ parameters }: InferRequest, ofProtocol: number | undefined): number | undefined {
  const timeout = parameters?.timeout;
  if (timeout === undefined) return ofProtocol;
  if (typeof timeout === 'number' && timeout > 0)
    return Math.min(timeout / 1000, ofProtocol ?? Number.POSITIVE_INFINITY);
  throw new BallastError('It is a number of microseconds above 0', {
    code: 'REQUEST_INVALID',
    place: 'parameters.timeout',
    value: timeout,
  });
}
