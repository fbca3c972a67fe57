import { BallastError } from '../../errors.js';
import {
  type Answer,
  DATATYPE_OF,
  Gate,
  type InferenceService,
  type InferRequest,
  type Inquiry,
  type RequestLimits,
  type ServedVersion,
} from '../../serving/index.js';
import type { Caller } from '../access.js';

export interface EndpointOptions {
  readonly service: InferenceService;
  readonly limits: RequestLimits;
  /** Of this server, for its metadata. */
  readonly version: string;
}

/** An input or an output of a model. */
interface Port {
  readonly name: string;
  readonly datatype: string;
  /** -1 is any extent. */
  readonly shape: readonly number[];
}

/** What a model says of itself. */
export interface ModelDescription {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly parameters: { readonly model_version: string; readonly regularizer_id: string };
}

/** One line of the repository's index. */
export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: 'READY' | 'UNAVAILABLE';
  readonly reason: string;
}

const EXTENSIONS = ['binary_tensor_data', 'model_repository'];

/**
 * What the Open Inference Protocol asks of a server, whatever carries it: HTTP and gRPC only translate. Who may do what, and how much
 * of it, is decided here.
 */
export class InferenceEndpoint {
  readonly limits: RequestLimits;
  readonly #service: InferenceService;
  readonly #version: string;
  readonly #gate: Gate;
  #draining = false;

  constructor({ service, limits, version }: EndpointOptions) {
    this.limits = limits;
    this.#service = service;
    this.#version = version;
    this.#gate = new Gate(limits);
  }

  /** Says from now on that the server is not ready; what comes is still answered. */
  drain(): void {
    this.#draining = true;
  }

  get ready(): boolean {
    return !this.#draining && this.#service.models.routings.every(({ live }) => isReady(live));
  }

  get server(): { readonly name: string; readonly version: string; readonly extensions: readonly string[] } {
    return { name: 'ballast', version: this.#version, extensions: EXTENSIONS };
  }

  /** @throws BallastError `MODEL_NOT_SERVED`, `VERSION_NOT_SERVED` */
  modelReady(model: string, version: string | undefined): boolean {
    return isReady(this.#versionOf(model, version));
  }

  /** @throws BallastError `ACCESS_DENIED`, `MODEL_NOT_SERVED`, `VERSION_NOT_SERVED` */
  async describe(caller: Caller, model: string, asked: string | undefined): Promise<ModelDescription> {
    await caller.requireModel(model, 'read');
    const { name, model: loaded, regularizerId, version, platform } = this.#versionOf(model, asked);
    return {
      name,
      versions: this.#service.models.routing(name).versions.map((each) => String(each.version)),
      platform,
      inputs: portsOf(loaded.inputs),
      outputs: portsOf(loaded.outputs),
      parameters: { model_version: String(version), regularizer_id: regularizerId },
    };
  }

  /**
   * @param address of the client, by which it is told apart where nobody has to say who they are
   * @param read what is asked; read only once the client may ask
   * @throws BallastError `RATE_LIMITED`, `OVERLOADED`, `ACCESS_DENIED`, and those of {@link InferenceService.infer}
   */
  async infer(
    caller: Caller,
    address: string,
    model: string,
    read: () => Omit<Inquiry, 'model'>,
  ): Promise<{ readonly request: InferRequest; readonly answer: Answer }> {
    const leave = this.#gate.enter(caller.name === 'local' ? address : caller.name);
    try {
      await caller.requireModel(model, 'read');
      const inquiry = { model, ...withoutCredentials(read(), caller) };
      return { request: inquiry.request, answer: await this.#service.infer(inquiry) };
    } finally {
      leave();
    }
  }

  /** The models that the caller may read. */
  async index(caller: Caller, onlyReady: boolean): Promise<IndexEntry[]> {
    const entries: IndexEntry[] = [];
    for (const { model, versions } of this.#service.models.routings) {
      if (!(await caller.mayReadModel(model))) continue;
      for (const served of versions) {
        const ready = isReady(served);
        if (onlyReady && !ready) continue;
        entries.push({
          name: model,
          version: String(served.version),
          state: ready ? 'READY' : 'UNAVAILABLE',
          reason: ready ? '' : 'its process ended and is started again',
        });
      }
    }
    return entries;
  }

  /**
   * @param reference `NAME`, `NAME@ALIAS` or `NAME/VERSION` of this model
   * @throws BallastError `REQUEST_INVALID`, `ACCESS_DENIED`, and those of loading it
   */
  async load(caller: Caller, model: string, reference = model): Promise<void> {
    if (reference !== model && !reference.startsWith(`${model}/`) && !reference.startsWith(`${model}@`)) {
      throw otherModel(reference, model);
    }
    await caller.requireModel(model, 'deploy');
    await this.#service.models.load(reference);
  }

  /** @throws BallastError `ACCESS_DENIED`, `MODEL_NOT_SERVED` */
  async unload(caller: Caller, model: string): Promise<void> {
    await caller.requireModel(model, 'deploy');
    await this.#service.models.unload(model);
  }

  #versionOf(model: string, asked: string | undefined): ServedVersion {
    const routing = this.#service.models.routing(model);
    return asked === undefined ? routing.live : routing.route(asked, undefined).version;
  }
}

/** What a client shows to this server is not shown to another that runs the model; what it shows to that one goes on. */
function withoutCredentials(inquiry: Omit<Inquiry, 'model'>, caller: Caller): Omit<Inquiry, 'model'> {
  if (caller.name === 'local') return inquiry;
  const { authorization: _, cookie: __, ...headers } = inquiry.headers;
  return { ...inquiry, headers };
}

const isReady = ({ runner }: ServedVersion): boolean => runner.state.workers > 0;

function portsOf(list: ServedVersion['model']['inputs']): Port[] {
  return list.map(({ name, type, shape }) => ({
    name,
    datatype: DATATYPE_OF[type],
    shape: shape.map((extent) => (typeof extent === 'number' ? extent : -1)),
  }));
}

function otherModel(reference: string, model: string): BallastError {
  return new BallastError('The reference is to another model than the address', {
    code: 'REQUEST_INVALID',
    place: 'parameters.reference',
    value: reference,
    remedy: `Write ${model}@ALIAS or ${model}/VERSION.`,
  });
}
