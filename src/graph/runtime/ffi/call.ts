import koffi from 'koffi';
import { BallastError } from '../../../errors.js';
import { cancelled, runFailed } from '../faults.js';
import type { RunOptions } from '../runtime.js';
import { check, created, faultOf, type Native } from './environment.js';
import type { Pointer, Status } from './library.js';
import { cStrings, pointerArray } from './memory.js';

/** One prepared native call: run it here, or on a thread of the pool. `options` is an `OrtRunOptions *`. */
export interface NativeCall {
  sync(options: Pointer | null): Status;
  async(options: Pointer | null, done: (error: unknown, status: Status) => void): void;
  /** JS memory that the call refers to by address; it lives as long as the call. */
  readonly memory: unknown;
}

/**
 * `OrtApi::Run` with fixed arrays of names and values; a 0 among `outputs` is filled with a new value. `tensors` is what
 * holds the memory behind the values.
 */
export function plainCall(
  native: Native,
  session: Pointer,
  inputs: ReadonlyMap<string, Pointer>,
  outputNames: readonly string[],
  outputs: BigUint64Array,
  tensors: unknown,
): NativeCall {
  const { Run } = native.api;
  const given = cStrings([...inputs.keys()]);
  const values = pointerArray([...inputs.values()]);
  const asked = cStrings(outputNames);
  const args = [
    koffi.address(given.addresses),
    koffi.address(values),
    inputs.size,
    koffi.address(asked.addresses),
    outputNames.length,
    koffi.address(outputs),
  ] as const;
  return {
    sync: (options) => Run(session, options, ...args),
    async: (options, done) => Run.async(session, options, ...args, done),
    memory: { given, values, asked, outputs, tensors },
  };
}

/** `OrtApi::RunWithBinding`: names and values were bound before, so that a call costs least. */
export function boundCall(
  { api: { RunWithBinding } }: Native,
  session: Pointer,
  binding: Pointer,
  tensors: unknown,
): NativeCall {
  return {
    sync: (options) => RunWithBinding(session, options, binding),
    async: (options, done) => RunWithBinding.async(session, options, binding, done),
    memory: tensors,
  };
}

/** Runs a call on this thread. Errors: RUN_FAILED. */
export function runSync({ api }: Native, call: NativeCall): void {
  check(api, call.sync(null), (fault) => runFailed(fault.message));
}

/** Runs a call off the event loop. Errors: RUN_FAILED, CANCELLED. */
export async function runAsync(native: Native, call: NativeCall, { signal }: RunOptions = {}): Promise<void> {
  if (signal === undefined) return await finish(native, call, null);
  if (signal.aborted) throw cancelled();
  const { api } = native;
  const options = created(api, (out) => api.CreateRunOptions(out));
  const terminate = (): void => check(api, api.RunOptionsSetTerminate(options));
  signal.addEventListener('abort', terminate, { once: true });
  try {
    await finish(native, call, options);
  } catch (error) {
    // The event loop may hear of an abort that came while the run was failing for another reason: the abort wins.
    throw signal.aborted ? cancelled() : error;
  } finally {
    signal.removeEventListener('abort', terminate);
    api.ReleaseRunOptions(options);
  }
}

/** koffi holds the callback, the callback holds the call: its memory is reachable until the call has ended. */
function settled(_call: NativeCall): void {}

function finish({ api }: Native, call: NativeCall, options: Pointer | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown, status: Status): void => {
      settled(call);
      const fault = error === null ? faultOf(api, status) : { message: String(error) };
      if (fault === undefined) resolve();
      else reject(runFailed(fault.message));
    };
    try {
      call.async(options, done);
    } catch (cause) {
      reject(tooManyRuns(cause));
    }
  });
}

/** koffi queues a bounded number of calls and throws at the next. */
function tooManyRuns(cause: unknown): BallastError {
  return new BallastError('too many runs are waiting for a thread', {
    code: 'RUNTIME_BUSY',
    kind: 'environment',
    remedy: 'Await some of them first.',
    cause,
  });
}
