import { BallastError } from '../../errors.js';
import { unregisteredNode } from './unregistered.js';

/** The errors that both runtimes raise, so that a caller sees the same code whichever one is at work. */

const NO_MEMORY = /failed to allocate memory|bad[_ ]alloc|cannot allocate|out of memory/i;
const EXTERNAL_DATA = /external data|model_path must not be empty/i;

/** Leaves the runtime's own words and drops the source location (file, line, C++ signature) it puts before them. */
function plainReason(reason: string): string {
  return reason
    .replace(/\[ONNXRuntimeError\] : \d+ : \w+ : /g, '')
    .replace(/(?:\/|[A-Z]:\\)\S+\.(?:cc|h|cpp|hpp):\d+ [^\n[]*?\)(?: const)?(?: \[with [^\]]*\])?:? /g, '')
    .replace(/\b\w+\.cc:\d+ \w+ /g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * MODEL_REJECTED: the runtime will not load these bytes (kind `environment` where memory is what was missing); names the node
 * of an operator that the runtime does not have.
 */
export function modelRejected(reason: string, model?: Uint8Array): BallastError {
  const node = model === undefined ? undefined : unregisteredNode(reason, model);
  return new BallastError(`ONNX Runtime rejects the model: ${plainReason(reason)}`, {
    code: 'MODEL_REJECTED',
    kind: NO_MEMORY.test(reason) ? 'environment' : 'input',
    ...(node === undefined
      ? {}
      : { place: `node ${node}`, remedy: 'Export the model with standard operators in the place of its own.' }),
    ...(EXTERNAL_DATA.test(reason) ? { remedy: 'Keep the external data files in the folder of the model.' } : {}),
  });
}

/** RUN_FAILED: the runtime started and could not finish (kind `environment` where memory is what was missing). */
export function runFailed(reason: string): BallastError {
  return new BallastError(`the model failed while running: ${plainReason(reason)}`, {
    code: 'RUN_FAILED',
    kind: NO_MEMORY.test(reason) ? 'environment' : 'input',
  });
}

/** CANCELLED: the caller's signal ended the run. */
export function cancelled(): BallastError {
  return new BallastError('the run was cancelled', { code: 'CANCELLED', kind: 'cancelled' });
}

/** USE_AFTER_RELEASE: a fault of the calling code. */
export function usedAfterRelease(what: string): BallastError {
  return new BallastError(`the ${what} was released and can no longer be used`, { code: 'USE_AFTER_RELEASE' });
}

/** RUN_IN_FLIGHT: one binding runs once at a time, since its outputs have one place each. */
export function runInFlight(): BallastError {
  return new BallastError('this binding is still running', {
    code: 'RUN_IN_FLIGHT',
    remedy: 'Await the earlier run, or bind a second set of outputs.',
  });
}

/** FOREIGN_TENSOR: only what a runtime allocated itself is aligned and known to its native side. */
export function foreignTensor(): BallastError {
  return new BallastError('the tensor was not allocated by this runtime', {
    code: 'FOREIGN_TENSOR',
    remedy: 'Use the allocate() of the runtime that loaded the session.',
  });
}

/** PROVIDER_ABSENT: a session was asked for on an execution provider that build or machine lacks. */
export function providerAbsent(provider: string, offered: readonly string[]): BallastError {
  return new BallastError(`the execution provider "${provider}" is not available here`, {
    code: 'PROVIDER_ABSENT',
    kind: 'environment',
    remedy: `Use one of: ${offered.join(', ')}.`,
  });
}
