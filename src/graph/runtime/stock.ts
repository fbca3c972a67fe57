import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import type { Dimension } from '../model.js';
import { ARRAY_OF, type DataType, type NumericArray, sizeOf, type Tensor, typeOfNumber } from '../tensor.js';
import { cancelled, foreignTensor, modelRejected, runFailed, runInFlight, usedAfterRelease } from './faults.js';
import { bytesOf, newBuffer } from './memory.js';
import { checkOptions, configEntries } from './options.js';
import { packageVersion } from './package.js';
import { checkBind, checkData, checkRun, type Ports } from './ports.js';
import { lifetime, type Reference, reference } from './reference.js';
import type { Binding, BoundTensor, PortInfo, Runtime, Session, SessionOptions } from './runtime.js';

/**
 * The binding that onnxruntime-node ships, one level below its public API: that level writes into preallocated outputs
 * (and returns a copy of them besides), which bound tensors need. It blocks the thread while it runs, and killing a
 * worker thread inside it aborts the process.
 */
interface NativeModule {
  readonly InferenceSession: new () => NativeSession;
}

interface NativeSession {
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  run(feeds: Values, fetches: Readonly<Record<string, Value | null>>, options: object): Values;
  dispose(): void;
}

interface ValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type: number;
  readonly shape: readonly number[];
  readonly symbolicDimensions: readonly string[];
}

/** What the binding takes for a tensor, and (with a few fields more) gives back. */
interface Value {
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly location: 'cpu';
  readonly data: Tensor['data'];
}
type Values = Readonly<Record<string, Value>>;

const LOG_FATAL = 4;
const OPTIMIZATION = { none: 'disabled', basic: 'basic', extended: 'extended', all: 'all' } as const;

let native: NativeModule | undefined;

function openNative(): NativeModule {
  native ??= loadNative();
  return native;
}

function loadNative(): NativeModule {
  const require = createRequire(import.meta.url);
  const { env } = require('onnxruntime-node') as { env: { logLevel?: string } };
  const { binding, initOrt } = require('onnxruntime-node/dist/binding.js') as {
    binding: NativeModule;
    initOrt: () => void;
  };
  // The level is read once, at this first initialisation; the caller's setting is put back.
  const { logLevel } = env;
  env.logLevel = 'fatal';
  initOrt();
  if (logLevel !== undefined) env.logLevel = logLevel;
  return binding;
}

/** The portable runtime. Errors: whatever the dynamic loader says where the package has no binary for this platform. */
export function openStockRuntime(providers: readonly string[] = ['cpu']): Runtime {
  const module = openNative();
  return {
    name: 'stock',
    version: packageVersion(),
    providers,
    load: async (model, options = {}) => {
      checkOptions(options, providers);
      await setImmediate();
      return loadSession(module, model, options);
    },
    allocate: (type, shape) => own(type, shape, new ARRAY_OF[type](newBuffer(bytesOf(type, shape)), 0, sizeOf(shape))),
    wrap: (type, shape, data) => {
      checkData('tensor to wrap', { type, shape, data });
      return own(type, shape, data);
    },
  };
}

function loadSession(module: NativeModule, model: Uint8Array, options: SessionOptions): Session {
  const { threads = 1, optimization = 'all', provider = 'cpu' } = options;
  const session = new module.InferenceSession();
  try {
    session.loadModel(model.buffer, model.byteOffset, model.byteLength, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: OPTIMIZATION[optimization],
      logSeverityLevel: LOG_FATAL,
      executionProviders: [provider],
      extra: configEntries(options),
    });
  } catch (error) {
    throw modelRejected((error as Error).message, model);
  }
  return sessionOf(session, portsOf(session));
}

function portsOf(session: NativeSession): Ports {
  const unreadable = new Map<string, string>();
  const inputs = session.inputMetadata.map((metadata) => {
    const port = portOf(metadata);
    if (typeof port === 'string') throw modelRejected(`input "${metadata.name}" is ${port}, not a tensor`);
    return port;
  });
  const outputs = session.outputMetadata.flatMap((metadata) => {
    const port = portOf(metadata);
    if (typeof port !== 'string') return [port];
    unreadable.set(metadata.name, port);
    return [];
  });
  return { inputs, outputs, unreadable };
}

/** The port, or in words what it is instead of a tensor that can be passed through this binding. */
function portOf({ name, isTensor, type: number, shape, symbolicDimensions }: ValueMetadata): PortInfo | string {
  if (!isTensor) return 'a sequence, a map or an optional';
  const type = typeOfNumber(number);
  if (type === undefined || type === 'bfloat16') return `a tensor of the unsupported element type ${type ?? number}`;
  const dimension = (extent: number, axis: number): Dimension =>
    extent >= 0 ? extent : symbolicDimensions[axis] || null;
  return { name, type, shape: shape.map(dimension) };
}

/** Bound tensors of this runtime: whether each was released. */
const states = new WeakMap<BoundTensor, { released: boolean }>();

function requireOwn(tensor: BoundTensor): void {
  const state = states.get(tensor);
  if (state === undefined) throw foreignTensor();
  if (state.released) throw usedAfterRelease('tensor');
}

function own(type: BoundTensor['type'], shape: readonly number[], data: NumericArray): BoundTensor {
  const state = { released: false };
  const release = (): void => {
    state.released = true;
  };
  const tensor: BoundTensor = { type, shape: [...shape], data, release };
  states.set(tensor, state);
  return tensor;
}

const toValue = ({ type, shape, data }: Tensor): Value => ({ type, dims: [...shape], location: 'cpu', data });

const toValues = (tensors: Readonly<Record<string, Tensor>>): Values =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, toValue(tensor)]));

const toTensor = ({ type, dims, data }: Value): Tensor => ({ type, shape: dims, data });

function execute(session: NativeSession, feeds: Values, fetches: Readonly<Record<string, Value | null>>): Values {
  try {
    return session.run(feeds, fetches, {});
  } catch (error) {
    throw runFailed((error as Error).message);
  }
}

function sessionOf(session: NativeSession, ports: Ports): Session {
  const uses = reference(() => session.dispose());
  let released = false;
  const mayUse = (): void => {
    if (released) throw usedAfterRelease('session');
  };
  return {
    inputs: ports.inputs,
    outputs: ports.outputs,
    run: async (feeds, fetches, options) => {
      mayUse();
      const fetched = checkRun(ports, feeds, fetches);
      if (options?.signal?.aborted) throw cancelled();
      const asked = Object.fromEntries(fetched.map(({ name }) => [name, null]));
      const results = execute(session, toValues(feeds), asked);
      await setImmediate();
      return Object.fromEntries(fetched.map(({ name }) => [name, toTensor(results[name]!)]));
    },
    bind: (inputs, outputs) => {
      mayUse();
      checkBind(ports, inputs, outputs, requireOwn);
      const fixed = Object.entries(inputs).map(([name, tensor]): [string, Tensor] => [
        name,
        tensor.type === 'string' ? { ...tensor, data: [...(tensor.data as readonly string[])] } : tensor,
      ]);
      return bindingOf(session, uses, toValues(Object.fromEntries(fixed)), toValues(outputs));
    },
    release: () => {
      if (!released) uses.drop();
      released = true;
    },
  };
}

function bindingOf(session: NativeSession, uses: Reference, feeds: Values, fetches: Values): Binding {
  uses.retain();
  const life = lifetime(uses.drop);
  const mayRun = (): void => {
    if (life.released) throw usedAfterRelease('binding');
    if (life.running) throw runInFlight();
  };
  return {
    runSync: () => {
      mayRun();
      execute(session, feeds, fetches);
    },
    run: async (options) => {
      mayRun();
      if (options?.signal?.aborted) throw cancelled();
      life.begin();
      try {
        execute(session, feeds, fetches);
        await setImmediate();
      } finally {
        life.end();
      }
    },
    release: life.release,
  };
}
