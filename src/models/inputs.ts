import { BallastError } from '../errors.js';
import type { DataType } from '../graph/tensor.js';

/** An input of the network: its shape without the batch axis. */
export interface ModelInput {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  /** For token inputs: size of the vocabulary. */
  readonly vocabulary?: number;
  /** For waveforms: samples a second. */
  readonly sampleRate?: number;
}

/** The error of an architecture that cannot take an input. */
export function wrongInput(type: string, input: ModelInput, wanted: string): BallastError {
  return new BallastError(`a ${type} takes ${wanted}, and "${input.name}" is ${input.type} [${input.shape}]`, {
    code: 'MODEL_INPUT',
    place: 'model.type',
    remedy: 'Choose another model.type, or another data source',
  });
}

/** The error of an architecture that takes one input and is given several: columns beside an image, say. */
export function severalInputs(type: string, inputs: readonly ModelInput[], wanted: string): BallastError {
  const list = inputs.map(({ name, shape }) => `"${name}" [${shape}]`).join(', ');
  return new BallastError(`a ${type} takes ${wanted}, and the data has ${inputs.length} inputs: ${list}`, {
    code: 'MODEL_INPUT',
    place: 'model.type',
    remedy: 'Leave columns out with data.features.exclude, or choose a model.type that takes all (mlp, linear)',
  });
}
