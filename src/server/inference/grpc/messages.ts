import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { BallastError } from '../../../errors.js';
import type { Tensor } from '../../../graph/index.js';
import {
  type Answer,
  DATATYPE_OF,
  decodeBytes,
  decodeContents,
  encodeBytes,
  encodeContents,
  hasTypedContents,
  type InferRequest,
  type Parameters,
  parseInferRequest,
  type RawData,
} from '../../../serving/index.js';
import {
  type InferParameter,
  InferTensorContentsSchema,
  type ModelInferRequest,
  type ModelInferResponse,
  ModelInferResponseSchema,
} from './inference_pb.js';

type Named<T> = Readonly<Record<string, T>>;

/**
 * The request that a message holds, without its tensors' data; checked like one that came as JSON.
 *
 * @throws BallastError `REQUEST_INVALID`
 */
export function requestOf(message: ModelInferRequest): InferRequest {
  return parseInferRequest({
    id: message.id,
    parameters: parametersOf(message.parameters, 'parameters'),
    inputs: message.inputs.map(({ name, datatype, shape, parameters }, i) => ({
      name,
      datatype,
      shape: shape.map(Number),
      parameters: parametersOf(parameters, `inputs.${i}.parameters`),
    })),
    outputs: message.outputs.map(({ name, parameters }, i) => ({
      name,
      parameters: parametersOf(parameters, `outputs.${i}.parameters`),
    })),
  });
}

/**
 * Reads the data of a message's tensors: bytes for each of them, or typed values.
 *
 * @throws BallastError `TENSOR_DATA`, also when the tensors are read
 */
export function dataOf({ inputs, rawInputContents }: ModelInferRequest): RawData {
  if (rawInputContents.length === 0) {
    return ({ name, shape }, index, type) => decodeContents(name, type, shape, inputs[index]?.contents ?? NO_CONTENTS);
  }
  if (rawInputContents.length !== inputs.length) {
    throw invalid(`there are ${inputs.length} inputs, and bytes of ${rawInputContents.length}`, 'raw_input_contents');
  }
  const both = inputs.find(({ contents }) => contents !== undefined);
  if (both !== undefined) throw invalid('it has data both as values and as bytes', `input ${both.name}`);
  return ({ name, shape }, index, type) => {
    const { buffer, byteOffset, byteLength } = rawInputContents[index];
    return decodeBytes(name, type, shape, Buffer.from(buffer, byteOffset, byteLength));
  };
}

const NO_CONTENTS = create(InferTensorContentsSchema);

/** The message of an answer: bytes to who sent bytes, and where a type has no other form; else typed values. */
export function messageOf(request: ModelInferRequest, answer: Answer): ModelInferResponse {
  const { id, predictionId, version, outputs } = answer;
  const asBytes =
    request.rawInputContents.length > 0 || outputs.some(({ tensor: { type } }) => !hasTypedContents(type));
  const text = (value: string) => ({ parameterChoice: { case: 'stringParam' as const, value } });
  const message: MessageInitShape<typeof ModelInferResponseSchema> = {
    modelName: version.name,
    modelVersion: String(version.version),
    id,
    parameters: { regularizer_id: text(version.regularizerId), prediction_id: text(predictionId) },
    outputs: outputs.map(({ name, tensor }) => ({
      name,
      datatype: DATATYPE_OF[tensor.type],
      shape: tensor.shape.map(BigInt),
      ...(asBytes ? {} : { contents: contentsOf(tensor) }),
    })),
    rawOutputContents: asBytes ? outputs.map(({ tensor }) => encodeBytes(tensor)) : [],
  };
  return create(ModelInferResponseSchema, message);
}

function contentsOf(tensor: Tensor): MessageInitShape<typeof InferTensorContentsSchema> {
  return encodeContents(tensor) as MessageInitShape<typeof InferTensorContentsSchema>;
}

function parametersOf(all: Named<InferParameter>, place: string): Parameters {
  return Object.fromEntries(
    Object.entries(all).map(([name, { parameterChoice }]) => {
      if (parameterChoice.case === undefined) throw invalid('the parameter has no value', `${place}.${name}`);
      const { value } = parameterChoice;
      return [name, typeof value === 'bigint' ? wholeNumber(value, `${place}.${name}`) : value];
    }),
  );
}

function wholeNumber(value: bigint, place: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new BallastError('A number this large is not taken', {
    code: 'REQUEST_INVALID',
    place,
    value: String(value),
    remedy: 'Send numbers up to 2^53, or a text.',
  });
}

function invalid(message: string, place: string): BallastError {
  return new BallastError(message, { code: 'TENSOR_DATA', place });
}
