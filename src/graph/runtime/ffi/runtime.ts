import { checkOptions } from '../options.js';
import type { Runtime } from '../runtime.js';
import { openNative } from './environment.js';
import { loadSession } from './session.js';
import { allocateBound, wrapBound } from './tensor.js';

/**
 * The C library of onnxruntime-node called through FFI: bound tensors are read and written in place, and loading and
 * running leave the event loop free. `providers` is what the probe found usable. Errors: RUNTIME_MISSING and whatever
 * the dynamic loader says.
 */
export function openFfiRuntime(providers: readonly string[] = ['cpu']): Runtime {
  const native = openNative();
  return {
    name: 'ffi',
    version: native.version,
    providers,
    load: async (model, options = {}) => {
      checkOptions(options, providers);
      return await loadSession(native, model, options);
    },
    allocate: (type, shape) => allocateBound(native, type, shape),
    wrap: (type, shape, data) => wrapBound(native, { type, shape, data }),
  };
}
