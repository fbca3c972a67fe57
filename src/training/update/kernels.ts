import { readFileSync } from 'node:fs';

declare global {
  /** What of the WebAssembly interface is used here; Node's own types leave it out. */
  namespace WebAssembly {
    class Memory {
      constructor(descriptor: { initial: number; maximum?: number });
      readonly buffer: ArrayBuffer;
    }
    class Module {
      constructor(bytes: Uint8Array);
    }
    class Instance {
      constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
      readonly exports: Readonly<Record<string, unknown>>;
    }
  }
}

/** Addresses in the memory that the kernels were made for; lengths count weights. See assembly/update.ts. */
export interface UpdateKernels {
  adam(
    parameter: number,
    firstMoment: number,
    secondMoment: number,
    gradient: number,
    length: number,
    beta1: number,
    beta2: number,
    rate: number,
    epsilon: number,
    kept: number,
  ): void;
  descent(parameter: number, gradient: number, length: number, rate: number, kept: number): void;
  momentum(
    parameter: number,
    velocity: number,
    gradient: number,
    length: number,
    momentum: number,
    rate: number,
    kept: number,
  ): void;
  nesterov(
    parameter: number,
    velocity: number,
    gradient: number,
    length: number,
    momentum: number,
    rate: number,
    kept: number,
  ): void;
}

let compiled: WebAssembly.Module | undefined;

/** The update kernels over a memory. */
export function updateKernels(memory: WebAssembly.Memory): UpdateKernels {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('./update.wasm', import.meta.url)));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return exports as unknown as UpdateKernels;
}
