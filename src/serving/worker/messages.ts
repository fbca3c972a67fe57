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

/** What a server tells a process that is to run a model. */
export interface Load {
  readonly file: string;
  readonly sha256: string;
  readonly threads: number;
}

/** What the process answers to {@link Load}. */
export type Loaded =
  | { readonly kind: 'ready'; readonly model: LoadedModel }
  | { readonly kind: 'refused'; readonly error: ErrorRecord };

/** Of a run, beside its feeds. Runs and their answers come as frames, by {@link RUNS}. */
export interface RunFields {
  readonly id: number;
  readonly fetches: readonly string[];
}

/** Of a run's answer, beside its outputs, of which a fault has none. */
export type AnswerFields =
  | { readonly id: number; readonly use: RunUse }
  | { readonly id: number; readonly error: ErrorRecord };

/** The file descriptor of a child process by which runs and their answers come. */
export const RUNS = 4;
