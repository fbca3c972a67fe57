import { resolve } from 'node:path';
import { BallastError } from '../../errors.js';
import { providerAbsent } from './faults.js';
import type { SessionOptions } from './runtime.js';

/** Checks what a caller asks of a session. Errors: THREADS_INVALID, PROVIDER_ABSENT. */
export function checkOptions(options: SessionOptions, offered: readonly string[]): void {
  const { threads = 1, provider = 'cpu' } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw new BallastError('the number of threads must be a whole number from 1 to 1024', {
      code: 'THREADS_INVALID',
      value: threads,
    });
  }
  if (!offered.includes(provider)) throw providerAbsent(provider, offered);
}

/**
 * Session configuration entries (onnxruntime_session_options_config_keys.h). Bytes are read as ONNX only, never as the
 * runtime's own format, which it maps more than it checks.
 */
export function configEntries({ externalData }: SessionOptions): Readonly<Record<string, string>> {
  return {
    'session.load_model_format': 'ONNX',
    ...(externalData === undefined
      ? {}
      : { 'session.model_external_initializers_file_folder_path': resolve(externalData) }),
  };
}
