import type { Dimension } from '../model.js';
import type { DataType, NumericArray, Tensor } from '../tensor.js';

/**
 * What executes a graph. Two implementations stand behind this interface: `ffi` (the C library of onnxruntime-node
 * called through FFI: bound inputs and outputs, no copies, off the event loop) and `stock` (the package's own binding:
 * portable, copies outputs, blocks while it runs).
 */
export interface Runtime {
  readonly name: 'ffi' | 'stock';
  /** Version of ONNX Runtime, e.g. `1.30.0`. */
  readonly version: string;
  /** Execution providers that this build and machine offer, best first, e.g. `['cuda', 'cpu']`. */
  readonly providers: readonly string[];
  /** Loads a serialized ModelProto. Throws BallastError MODEL_REJECTED with the runtime's reason. */
  load(model: Uint8Array, options?: SessionOptions): Promise<Session>;
  /** A zeroed, aligned tensor that sessions of this runtime can bind without copying. */
  allocate(type: Exclude<DataType, 'string'>, shape: readonly number[]): BoundTensor;
}

export interface SessionOptions {
  /** Intra-op threads; 1 by default (results are then bit-reproducible). */
  threads?: number;
  /** Graph optimization level of the runtime; 'all' by default. */
  optimization?: 'all' | 'extended' | 'basic' | 'none';
  /** 'cpu' by default; another provider must be among {@link Runtime.providers}. */
  provider?: string;
  /** Directory of external data files, for models that refer to them. */
  externalData?: string;
}

/** A tensor whose memory a binding may read and write; `data` is a live view. */
export interface BoundTensor extends Tensor<NumericArray> {
  readonly type: Exclude<DataType, 'string'>;
  /** Frees native memory. Idempotent. Never call while a run that binds it is in flight. */
  release(): void;
}

export interface PortInfo {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly Dimension[];
}

export interface Session {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  /**
   * One run with copies in and out: convenient, any shapes, strings too. Names, types and static dimensions are
   * checked before the runtime sees them.
   */
  run(feeds: Readonly<Record<string, Tensor>>, fetches?: readonly string[]): Promise<Record<string, Tensor>>;
  /** Fixes where every input is read from and where every listed output is written to. */
  bind(inputs: Readonly<Record<string, BoundTensor>>, outputs: Readonly<Record<string, BoundTensor>>): Binding;
  release(): void;
}

/** One bound call. Inputs and outputs must not alias (the runtime gives wrong results in place). */
export interface Binding {
  /** Runs on the calling thread: lowest overhead, for steps of well under a millisecond. */
  runSync(): void;
  /** Runs off the event loop where the runtime can (ffi). At most one run of a session at a time. */
  run(): Promise<void>;
  release(): void;
}
