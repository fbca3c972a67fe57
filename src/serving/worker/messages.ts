import type { ErrorDetails } from '../../errors.js';
import type { PortInfo, Tensor } from '../../graph/index.js';

/** What a model says of itself, found out where it runs. */
export interface LoadedModel {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  readonly metadata: Readonly<Record<string, string>>;
  /** A value that can be fetched beside the outputs: what it makes of inputs that are no columns, a row of few values each. */
  readonly view?: string;
  /** From the start of reading its file to its first possible answer, ms. */
  readonly loadMs: number;
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** What a run took, found out in the process that ran it. */
export interface RunUse {
  /**
   * The time it ran, or the processor time of its process where that is less, ms: waiting for a processor is not the model's, and
   * threads that run side by side do not add up.
   */
  readonly ms: number;
  /** Now and then: what the process holds beside its JavaScript heap, which is the runtime with the model, bytes. */
  readonly memoryBytes?: number;
}

/** An error on its way between processes. */
export type ErrorRecord = Pick<ErrorDetails, 'code' | 'kind' | 'place' | 'remedy'> & { readonly message: string };

/** What a server tells a process that runs a model. */
export type ToChild =
  | { readonly kind: 'load'; readonly file: string; readonly sha256: string; readonly threads: number }
  | { readonly kind: 'run'; readonly id: number; readonly feeds: Tensors; readonly fetches: readonly string[] };

/** What it answers. */
export type FromChild =
  | { readonly kind: 'ready'; readonly model: LoadedModel }
  | { readonly kind: 'refused'; readonly error: ErrorRecord }
  | { readonly kind: 'answer'; readonly id: number; readonly outputs: Tensors; readonly use: RunUse }
  | { readonly kind: 'fault'; readonly id: number; readonly error: ErrorRecord };
