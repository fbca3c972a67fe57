import { BallastError } from '../../errors.js';
import { hasCudaLibrary } from './package.js';
import { type ProbeOptions, probe } from './probe.js';
import type { Runtime } from './runtime.js';

export type Backend = 'ffi' | 'stock';

export interface OpenRuntimeOptions {
  /** `auto` (the default) takes the fast path where the probe finds it sound, else the stock binding. */
  backend?: 'auto' | Backend;
  /** How the fast path is probed. */
  probe?: ProbeOptions;
}

/** A runtime as `ballast doctor` shows it. */
export interface RuntimeDescription {
  readonly name: Backend;
  readonly available: boolean;
  /** Whether {@link openRuntime} takes it when nothing is forced but by the environment. */
  readonly chosen: boolean;
  readonly version?: string;
  readonly providers: readonly string[];
  /** Why it, or a provider that is installed, cannot be used. */
  readonly reason?: string;
}

/** A runtime, or why it cannot be used (both, where only one of its providers cannot). */
interface Candidate {
  readonly name: Backend;
  readonly runtime?: Runtime;
  readonly reason?: string | undefined;
}

/**
 * Opens ONNX Runtime. The environment variable BALLAST_RUNTIME (`ffi` or `stock`) decides where the caller leaves the
 * choice open. Errors: RUNTIME_FORCED_ABSENT where a forced runtime cannot be used, RUNTIME_MISSING where none can,
 * RUNTIME_UNKNOWN for another value of the variable.
 */
export async function openRuntime({
  backend = 'auto',
  probe: options = {},
}: OpenRuntimeOptions = {}): Promise<Runtime> {
  const forced = backend === 'auto' ? backendFromEnvironment() : backend;
  const failed: string[] = [];
  for (const name of forced === undefined ? BACKENDS : [forced]) {
    const { runtime, reason } = await OPEN[name](options);
    if (runtime !== undefined) return runtime;
    failed.push(`${name}: ${reason}`);
  }
  throw unusable(forced, failed.join('; '));
}

/** Both runtimes with version, providers and, where one cannot be used, why: what `ballast doctor` shows. */
export async function describeRuntimes(options: ProbeOptions = {}): Promise<RuntimeDescription[]> {
  const forced = backendFromEnvironment();
  const candidates = await Promise.all(BACKENDS.map((name) => OPEN[name](options)));
  const chosen = candidates.find(({ name, runtime }) => runtime !== undefined && (forced ?? name) === name);
  return candidates.map(({ name, runtime, reason }) => ({
    name,
    available: runtime !== undefined,
    chosen: name === chosen?.name,
    ...(runtime === undefined ? {} : { version: runtime.version }),
    providers: runtime?.providers ?? [],
    ...(reason === undefined ? {} : { reason }),
  }));
}

/** In order of preference. */
const BACKENDS: readonly Backend[] = ['ffi', 'stock'];

const OPEN: Readonly<Record<Backend, (options: ProbeOptions) => Promise<Candidate>>> = {
  ffi: async (options) => {
    const { works, providers, reason } = await probe(options);
    return works ? await attempt('ffi', reason, () => openFfi(providers)) : { name: 'ffi', reason };
  },
  stock: async (options) => {
    // The probe costs a process: only where there is more than the CPU to find.
    const { providers, reason } = hasCudaLibrary() ? await probe(options) : { providers: ['cpu'], reason: undefined };
    const usable = providers.length > 0 ? providers : ['cpu'];
    return await attempt('stock', reason, () => openStock(usable));
  },
};

async function openFfi(providers: readonly string[]): Promise<Runtime> {
  const { openFfiRuntime } = await import('./ffi/runtime.js');
  return openFfiRuntime(providers);
}

async function openStock(providers: readonly string[]): Promise<Runtime> {
  const { openStockRuntime } = await import('./stock.js');
  return openStockRuntime(providers);
}

/** The native modules throw errors of every kind where they cannot be loaded; the message becomes the reason. */
async function attempt(name: Backend, reason: string | undefined, open: () => Promise<Runtime>): Promise<Candidate> {
  try {
    return { name, runtime: await open(), reason };
  } catch (error) {
    return { name, reason: error instanceof Error ? error.message : String(error) };
  }
}

function backendFromEnvironment(): Backend | undefined {
  const value = process.env.BALLAST_RUNTIME;
  if (value === undefined || value === '' || value === 'auto') return undefined;
  if (value === 'ffi' || value === 'stock') return value;
  throw new BallastError('the environment variable BALLAST_RUNTIME names no runtime', {
    code: 'RUNTIME_UNKNOWN',
    value,
    remedy: 'Set it to ffi or stock, or unset it.',
  });
}

function unusable(forced: Backend | undefined, reasons: string): BallastError {
  if (forced !== undefined) {
    return new BallastError(`the runtime that is asked for cannot be used (${reasons})`, {
      code: 'RUNTIME_FORCED_ABSENT',
      kind: 'environment',
      remedy: 'Unset BALLAST_RUNTIME and pass no backend to let Ballast choose.',
    });
  }
  return new BallastError(`ONNX Runtime cannot be used on this machine (${reasons})`, {
    code: 'RUNTIME_MISSING',
    kind: 'environment',
    remedy: 'Reinstall onnxruntime-node; it supports Linux (glibc) x64 and arm64, macOS arm64 and Windows x64.',
  });
}
