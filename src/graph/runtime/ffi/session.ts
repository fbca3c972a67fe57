import type { BallastError } from '../../../errors.js';
import { cancelled, modelRejected, usedAfterRelease } from '../faults.js';
import { newBuffer } from '../memory.js';
import { configEntries } from '../options.js';
import { checkBind, checkRun, type Ports } from '../ports.js';
import { ownedBy, reference } from '../reference.js';
import type { Session, SessionOptions } from '../runtime.js';
import { bindTensors } from './binding.js';
import { check, created, type Fault, faultOf, LOG_FATAL, type Native } from './environment.js';
import type { Pointer, Status } from './library.js';
import { pointerArray } from './memory.js';
import { readPorts } from './metadata.js';
import { PreparedRuns } from './prepared-run.js';
import { backingOf } from './tensor.js';

/** GraphOptimizationLevel. */
const OPTIMIZATION = { none: 0, basic: 1, extended: 2, all: 99 } as const;

const rejected = (fault: Fault): BallastError => modelRejected(fault.message);

/**
 * Loads a model off the event loop; `inPlace` says whether the provider reads and writes bound CPU memory where it lies.
 * Errors: MODEL_REJECTED.
 */
export async function loadSession(
  native: Native,
  model: Uint8Array,
  options: SessionOptions,
  inPlace = (options.provider ?? 'cpu') === 'cpu',
): Promise<Session> {
  const { api } = native;
  const settings = createOptions(native, options);
  try {
    const pointer = await createSession(native, model, settings);
    try {
      return sessionOf(native, pointer, readPorts(native, pointer), inPlace);
    } catch (error) {
      api.ReleaseSession(pointer);
      throw error;
    }
  } finally {
    api.ReleaseSessionOptions(settings);
  }
}

function createOptions(native: Native, options: SessionOptions): Pointer {
  const { api } = native;
  const { threads = 1, optimization = 'all', provider = 'cpu' } = options;
  const settings = created(api, (out) => api.CreateSessionOptions(out));
  try {
    check(api, api.SetSessionLogSeverityLevel(settings, LOG_FATAL));
    check(api, api.SetIntraOpNumThreads(settings, threads));
    check(api, api.SetInterOpNumThreads(settings, 1));
    check(api, api.SetSessionGraphOptimizationLevel(settings, OPTIMIZATION[optimization]));
    for (const [key, value] of Object.entries(configEntries(options))) {
      check(api, api.AddSessionConfigEntry(settings, key, value), rejected);
    }
    if (provider === 'cuda') appendCuda(native, settings);
  } catch (error) {
    api.ReleaseSessionOptions(settings);
    throw error;
  }
  return settings;
}

function appendCuda({ api }: Native, settings: Pointer): void {
  const cuda = created(api, (out) => api.CreateCUDAProviderOptions(out), rejected);
  try {
    check(api, api.SessionOptionsAppendExecutionProvider_CUDA_V2(settings, cuda), rejected);
  } finally {
    api.ReleaseCUDAProviderOptions(cuda);
  }
}

function createSession({ api, env }: Native, model: Uint8Array, settings: Pointer): Promise<Pointer> {
  // A copy in memory of its own: the caller may change or transfer the bytes meanwhile. ORT copies what it keeps.
  const bytes = new Uint8Array(newBuffer(Math.max(1, model.byteLength)));
  bytes.set(model);
  const out = pointerArray(1);
  return new Promise((resolve, reject) => {
    const done = (error: unknown, status: Status): void => {
      const fault = error === null ? faultOf(api, status) : { code: 0, message: `${error} (${bytes.length} bytes)` };
      if (fault === undefined) resolve(out[0]!);
      else reject(modelRejected(fault.message, bytes));
    };
    api.CreateSessionFromArray.async(env, bytes, model.byteLength, settings, out, done);
  });
}

function sessionOf(native: Native, pointer: Pointer, ports: Ports, inPlace: boolean): Session {
  const runs = new PreparedRuns(native, pointer, ports.inputs);
  const uses = reference(() => {
    runs.close();
    native.api.ReleaseSession(pointer);
  });
  const state = { released: false };
  const mayUse = (): void => {
    if (state.released) throw usedAfterRelease('session');
  };
  const session: Session = {
    inputs: ports.inputs,
    outputs: ports.outputs,
    run: async (feeds, fetches, options) => {
      mayUse();
      const fetched = checkRun(ports, feeds, fetches);
      if (options?.signal?.aborted) throw cancelled();
      uses.retain();
      try {
        return await runs.run(feeds, fetched, options);
      } finally {
        uses.drop();
      }
    },
    bind: (inputs, outputs) => {
      mayUse();
      checkBind(ports, inputs, outputs, backingOf);
      return bindTensors(native, { pointer, reference: uses, inPlace }, inputs, outputs);
    },
    release: () => release(),
  };
  const release = ownedBy(session, () => {
    state.released = true;
    uses.drop();
  });
  return session;
}
