/** What reading an untrusted model may cost at most. */
export interface ReadLimits {
  /** Bytes of JavaScript objects that decoding may make (estimated; raw tensor data does not count). */
  readonly objectBytes: number;
  /** Bytes that sparse tensors may take, all together, once dense. */
  readonly denseBytes: number;
  /** Nodes, names and attributes that inlining model-local functions may add. */
  readonly inlinedParts: number;
}

export const DEFAULT_LIMITS: ReadLimits = {
  objectBytes: 1.5 * 2 ** 30,
  denseBytes: 128 * 2 ** 20,
  inlinedParts: 1_000_000,
};

/** Largest message that a protobuf runtime writes or reads. */
export const MAX_MESSAGE_BYTES = 2 ** 31 - 1;
