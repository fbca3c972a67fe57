import type { FastifyReply } from 'fastify';
import {
  type Answer,
  DATATYPE_OF,
  encodeBytes,
  type InferRequest,
  JSON_LENGTH_HEADER,
  outputJson,
} from '../../serving/index.js';

/** Sends an answer: outputs as JSON, or behind it as bytes where the request asks for that. */
export function sendAnswer(reply: FastifyReply, request: InferRequest, answer: Answer): FastifyReply {
  const { id, predictionId, version, outputs } = answer;
  const pieces: Buffer[] = [];
  const document = {
    model_name: version.name,
    model_version: String(version.version),
    id,
    parameters: { regularizer_id: version.regularizerId, prediction_id: predictionId },
    outputs: outputs.map(({ name, tensor }) => {
      if (!isBinary(request, name)) return outputJson(name, tensor);
      const bytes = encodeBytes(tensor);
      pieces.push(bytes);
      return {
        name,
        shape: tensor.shape,
        datatype: DATATYPE_OF[tensor.type],
        parameters: { binary_data_size: bytes.byteLength },
      };
    }),
  };
  const json = JSON.stringify(document);
  if (pieces.length === 0) return reply.type('application/json; charset=utf-8').send(json);
  const header = Buffer.from(json);
  return reply
    .type('application/octet-stream')
    .header(JSON_LENGTH_HEADER, String(header.byteLength))
    .send(Buffer.concat([header, ...pieces]));
}

/** An output says for itself, or the request for all. */
function isBinary({ outputs, parameters }: InferRequest, name: string): boolean {
  const own = outputs?.find((output) => output.name === name)?.parameters?.binary_data;
  return (own ?? parameters?.binary_data_output) === true;
}
