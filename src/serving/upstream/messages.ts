import { z } from 'zod';
import { MISSING_INTEGER } from '../../data/preprocess/feature-block.js';
import { BallastError } from '../../errors.js';
import type { DataType, PortInfo, Tensor } from '../../graph/index.js';
import { binaryData, encodeBytes, JSON_LENGTH_HEADER, splitBody } from '../protocol/binary.js';
import { DATATYPE_OF, typeOfDatatype } from '../protocol/datatypes.js';
import { decodeJson } from '../protocol/decode-json.js';
import type { InferRequest } from '../protocol/request.js';
import type { Tensors } from '../worker/messages.js';
import type { UpstreamAnswer } from './upstream.js';

/** What a server says of a model. */
export interface UpstreamModel {
  readonly platform: string;
  readonly versions: readonly string[];
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
}

const ports = z.array(z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.number()) }));
const modelMetadata = z.object({
  name: z.string(),
  platform: z.string().nullish(),
  versions: z.array(z.string()).nullish(),
  inputs: ports.nullish(),
  outputs: ports.nullish(),
});

const answer = z.object({
  outputs: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.int().min(0)),
      datatype: z.string(),
      parameters: z.record(z.string(), z.unknown()).nullish(),
      data: z.array(z.unknown()).nullish(),
    }),
  ),
});

/** @throws BallastError `UPSTREAM_FAILED` */
export function readMetadata(document: unknown): UpstreamModel {
  const { platform, versions, inputs, outputs } = parsed(modelMetadata, document);
  return {
    platform: platform ?? 'unknown',
    versions: versions ?? [],
    inputs: (inputs ?? []).map(portOf),
    outputs: (outputs ?? []).map(portOf),
  };
}

function portOf({ name, datatype, shape }: z.infer<typeof ports>[number]): PortInfo {
  return { name, type: typeOf(name, datatype), shape: shape.map((extent) => (extent < 0 ? null : extent)) };
}

/** A body as the protocol sends it. */
export interface EncodedRequest {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A request for another server: values as JSON, but bytes where the client sent bytes, and where JSON cannot tell the values.
 *
 * @param request the client's, whose parameters and id go on; undefined where no client waits
 * @param fetches outputs that are wanted; none for all
 */
export function encodeRequest(
  feeds: Tensors,
  fetches: readonly string[],
  request: InferRequest | undefined,
  known: readonly PortInfo[],
): EncodedRequest {
  const pieces: Buffer[] = [];
  const inputs = Object.entries(feeds).map(([name, tensor]) => {
    const { binary_data_size: size, ...own } = request?.inputs.find((input) => input.name === name)?.parameters ?? {};
    const head = { name, shape: tensor.shape, datatype: DATATYPE_OF[tensor.type] };
    const values = size === undefined ? jsonValues(tensor) : undefined;
    if (values !== undefined) {
      return { ...head, ...(Object.keys(own).length === 0 ? {} : { parameters: own }), data: values };
    }
    const bytes = encodeBytes(tensor);
    pieces.push(bytes);
    return { ...head, parameters: { ...own, binary_data_size: bytes.byteLength } };
  });
  const { binary_data_output: _, ...parameters } = request?.parameters ?? {};
  const asBytes = known.some(({ name, type }) => isHalf(type) && (fetches.length === 0 || fetches.includes(name)));
  const all = asBytes ? { ...parameters, binary_data_output: true } : parameters;
  const json = Buffer.from(
    JSON.stringify({
      ...(request?.id === undefined || request.id === '' ? {} : { id: request.id }),
      ...(Object.keys(all).length === 0 ? {} : { parameters: all }),
      inputs,
      ...(fetches.length === 0 ? {} : { outputs: fetches.map((name) => ({ name })) }),
    }),
  );
  if (pieces.length === 0) return { body: json, headers: { 'content-type': 'application/json' } };
  return {
    body: Buffer.concat([json, ...pieces]),
    headers: { 'content-type': 'application/octet-stream', [JSON_LENGTH_HEADER]: String(json.byteLength) },
  };
}

/**
 * @param fetches the outputs that were asked for
 * @throws BallastError `UPSTREAM_FAILED`
 */
export function decodeAnswer({ headers, body }: UpstreamAnswer, fetches: readonly string[]): Tensors {
  const length = headers[JSON_LENGTH_HEADER];
  try {
    const { json, binary } = splitBody(body, typeof length === 'string' ? length : String(body.byteLength));
    const outputs = parsed(answer, json).outputs.map(({ parameters, data, ...rest }) => {
      const size = parameters?.binary_data_size;
      return {
        ...rest,
        ...(typeof size === 'number' ? { parameters: { binary_data_size: size } } : {}),
        ...(data == null ? {} : { data }),
      };
    });
    const raw = binaryData(outputs, binary);
    const missing = fetches.find((name) => !outputs.some((output) => output.name === name));
    if (missing !== undefined) throw notOfTheProtocol(`its answer has no output ${missing}`);
    return Object.fromEntries(
      outputs.map((output, index) => {
        const { name, shape, datatype, data = [] } = output;
        const type = typeOf(name, datatype);
        return [name, raw(output, index, type) ?? decodeJson(name, type, shape, data)];
      }),
    );
  } catch (error) {
    if (!(error instanceof BallastError) || error.code === 'UPSTREAM_FAILED') throw error;
    throw notOfTheProtocol(error.describe(), error);
  }
}

function typeOf(name: string, datatype: string): DataType {
  const type = typeOfDatatype(datatype);
  if (type === undefined) throw notOfTheProtocol(`${name} has the unknown datatype ${datatype}`);
  return type;
}

const isHalf = (type: DataType): boolean => type === 'float16' || type === 'bfloat16';

/** The values of a tensor as JSON tells them, NaN and a missing int64 as null; undefined where it cannot. */
function jsonValues({ type, data }: Tensor): unknown[] | undefined {
  if (isHalf(type)) return undefined;
  if (type === 'string') return [...(data as readonly string[])];
  if (type === 'bool') return Array.from(data as Uint8Array, (value) => value !== 0);
  const values: unknown[] = [];
  for (const value of data as Iterable<number | bigint>) {
    if (value === MISSING_INTEGER || Number.isNaN(value)) values.push(null);
    else if (typeof value === 'bigint' ? Number.isSafeInteger(Number(value)) : Number.isFinite(value)) {
      values.push(Number(value));
    } else return undefined;
  }
  return values;
}

function parsed<T>(schema: z.ZodType<T>, document: unknown): T {
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw notOfTheProtocol(`${issue?.path.map(String).join('.') || 'the document'}: ${issue?.message}`, result.error);
}

function notOfTheProtocol(message: string, cause?: unknown): BallastError {
  return new BallastError(`The server that is watched did not answer by the Open Inference Protocol: ${message}`, {
    code: 'UPSTREAM_FAILED',
    kind: 'environment',
    ...(cause === undefined ? {} : { cause }),
  });
}
