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
  /**
   * A tensor over memory of the caller's that never moves (WebAssembly memory that does not grow), bound like an
   * allocated one. Errors: TENSOR_DATA where it does not fit type and shape.
   */
  wrap(type: Exclude<DataType, 'string'>, shape: readonly number[], data: NumericArray): BoundTensor;
}

export interface SessionOptions {
  /** Intra-op threads; 1 by default (results are then bit-reproducible). */
  threads?: number;
  /** Graph optimization level of the runtime; 'all' by default. */
  optimization?: 'all' | 'extended' | 'basic' | 'none';
  /** 'cpu' by default; another provider must be among {@link Runtime.providers}. */
  provider?: string;
  /** Directory of external data files, for models that refer to them. Without it such a model is rejected. */
  externalData?: string;
}

export interface RunOptions {
  /**
   * Ends the run between two nodes and rejects with BallastError CANCELLED. The stock runtime, which blocks while it
   * runs, looks at it only before it starts.
   */
  signal?: AbortSignal;
}

/** A tensor whose memory a binding may read and write; `data` is a live view. */
export interface BoundTensor extends Tensor<NumericArray> {
  readonly type: Exclude<DataType, 'string'>;
  /**
   * Gives the tensor up: it can no longer be bound. Idempotent; what is bound already stays valid until its binding
   * is released, and `data` stays readable.
   */
  release(): void;
}

/** Strings have no memory to be bound: a binding copies them when it is made. */
export interface StringTensor extends Tensor {
  readonly type: 'string';
}

export type BoundInputs = Readonly<Record<string, BoundTensor | StringTensor>>;

export interface PortInfo {
  readonly name: string;
  readonly type: DataType;
  /** `[]` for a scalar and where the model declares no shape at all (the runtime does not tell them apart). */
  readonly shape: readonly Dimension[];
}

export interface Session {
  readonly inputs: readonly PortInfo[];
  /** Outputs that are tensors. Others (ZipMap's sequence of maps) are left out; asking for one is an error. */
  readonly outputs: readonly PortInfo[];
  /**
   * One run with copies in and out: convenient, any shapes, strings too. Names, types and static dimensions are
   * checked before the runtime sees them. `fetches` is every tensor output by default. Runs may overlap.
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches?: readonly string[],
    options?: RunOptions,
  ): Promise<Record<string, Tensor>>;
  /** Fixes where every input is read from and where every listed output is written to. */
  bind(inputs: BoundInputs, outputs: Readonly<Record<string, BoundTensor>>): Binding;
  /** Frees the session once its bindings are released and its runs have ended. Idempotent. */
  release(): void;
}

/** One bound call. Inputs and outputs must not alias (the runtime gives wrong results in place). */
export interface Binding {
  /** Runs on the calling thread: lowest overhead, for steps of well under a millisecond. */
  runSync(): void;
  /** Runs off the event loop where the runtime can (ffi). At most one run of a binding at a time. */
  run(options?: RunOptions): Promise<void>;
  /** Idempotent; while a run is in flight, takes effect when that has ended. */
  release(): void;
}
