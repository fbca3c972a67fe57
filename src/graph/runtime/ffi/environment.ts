import koffi from 'koffi';
import { BallastError } from '../../../errors.js';
import { loadLibrary, type OrtApi, type Pointer, type Status } from './library.js';

/** Severity at which the runtime writes to stderr: fatal only, since every fault reaches the caller as an error. */
export const LOG_FATAL = 4;

/** What every native object needs: the functions, one OrtEnv, the description of CPU memory, the default allocator. */
export interface Native {
  readonly version: string;
  readonly api: OrtApi;
  readonly env: Pointer;
  readonly cpuMemory: Pointer;
  readonly allocator: Pointer;
}

/** An `OrtStatus` that is not null, read and released. */
export interface Fault {
  readonly code: number;
  readonly message: string;
}

let native: Native | undefined;

/** The environment of this thread, created at the first call and kept for the life of the thread. */
export function openNative(): Native {
  native ??= create();
  return native;
}

function create(): Native {
  const { api, version } = loadLibrary();
  const env = created(api, (out) => api.CreateEnv(LOG_FATAL, 'ballast', out));
  // Windows builds report use to their maker unless told not to.
  check(api, api.DisableTelemetryEvents(env));
  const cpuMemory = created(api, (out) => api.CreateCpuMemoryInfo(DEVICE_ALLOCATOR, DEFAULT_MEMORY, out));
  const allocator = created(api, (out) => api.GetAllocatorWithDefaultOptions(out));
  return { version, api, env, cpuMemory, allocator };
}

/** OrtAllocatorType.OrtDeviceAllocator: memory outside the runtime's arena. */
const DEVICE_ALLOCATOR = 0;
/** OrtMemType.OrtMemTypeDefault. */
const DEFAULT_MEMORY = 0;

/** Reads and releases a status; undefined is success. */
export function faultOf(api: OrtApi, status: Status): Fault | undefined {
  if (status === null) return undefined;
  const fault = { code: api.GetErrorCode(status), message: api.GetErrorMessage(status) };
  api.ReleaseStatus(status);
  return fault;
}

function internal(fault: Fault): BallastError {
  return new BallastError(`ONNX Runtime: ${fault.message}`, { code: 'RUNTIME_FAULT', kind: 'environment' });
}

/** Throws what `toError` makes of a failed call. */
export function check(api: OrtApi, status: Status, toError: (fault: Fault) => Error = internal): void {
  const fault = faultOf(api, status);
  if (fault !== undefined) throw toError(fault);
}

const slot = new BigUint64Array(1);

/** The object that a call creates, or the size it reports, through its last parameter. */
export function created(
  api: OrtApi,
  call: (out: BigUint64Array) => Status,
  toError: (fault: Fault) => Error = internal,
): Pointer {
  slot[0] = 0n;
  check(api, call(slot), toError);
  return slot[0];
}

const number = new Int32Array(2);

/** A 32-bit number (an enumeration, a count) that a call reports through its last parameter. */
export function reported(api: OrtApi, call: (out: Int32Array) => Status): number {
  number[0] = 0;
  check(api, call(number));
  return number[0];
}

/** Names of the execution providers that this build was compiled with, e.g. `CPUExecutionProvider`. */
export function compiledProviders({ api }: Native): readonly string[] {
  const names = new BigUint64Array(1);
  const count = reported(api, (out) => api.GetAvailableProviders(names, out));
  const list = names[0]!;
  const providers = Array.from({ length: count }, (_, i) => koffi.decode(list, i * 8, 'str') as string);
  check(api, api.ReleaseAvailableProviders(list, count));
  return providers;
}
