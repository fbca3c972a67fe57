import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BallastError } from '../../errors.js';

/** Where the installed onnxruntime-node package keeps this platform's binaries, and its version. */

const require = createRequire(import.meta.url);

const LIBRARY: Readonly<Record<string, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

const CUDA_LIBRARY: Readonly<Record<string, string>> = {
  linux: 'libonnxruntime_providers_cuda.so',
  win32: 'onnxruntime_providers_cuda.dll',
};

function packageFile(): string {
  try {
    return require.resolve('onnxruntime-node/package.json');
  } catch (cause) {
    throw new BallastError('the package onnxruntime-node is not installed', {
      code: 'RUNTIME_MISSING',
      kind: 'environment',
      remedy: 'Install it: npm install onnxruntime-node.',
      cause,
    });
  }
}

/** Version of ONNX Runtime that the package declares, e.g. `1.30.0`. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(packageFile(), 'utf8')) as { version: string };
  return version;
}

function binaryFolder(): string {
  return join(dirname(packageFile()), 'bin', 'napi-v6', process.platform, process.arch);
}

/** Path of the C library. Throws RUNTIME_MISSING where the package ships none for this platform. */
export function libraryPath(): string {
  const name = LIBRARY[process.platform];
  const path = name === undefined ? undefined : join(binaryFolder(), name);
  if (path === undefined || !existsSync(path)) {
    throw new BallastError(`onnxruntime-node ships no library for ${process.platform}-${process.arch}`, {
      code: 'RUNTIME_MISSING',
      kind: 'environment',
      remedy: 'Use Linux (glibc) x64 or arm64, macOS arm64 or Windows x64.',
      ...(path === undefined ? {} : { place: path }),
    });
  }
  return path;
}

/** Whether the CUDA provider's library lies beside the C library (the package's install script fetches it). */
export function hasCudaLibrary(): boolean {
  const name = CUDA_LIBRARY[process.platform];
  return name !== undefined && existsSync(join(binaryFolder(), name));
}
