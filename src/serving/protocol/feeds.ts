import { BallastError } from '../../errors.js';
import type { PortInfo, Tensor } from '../../graph/index.js';
import type { Tensors } from '../worker/messages.js';
import { DATATYPE_OF, typeOfDatatype } from './datatypes.js';
import { decodeJson } from './decode-json.js';
import type { InferRequest, RequestTensor } from './request.js';

/** Reads one tensor's data that did not come in JSON; undefined where it did. */
export type RawData = (tensor: RequestTensor, index: number, type: Tensor['type']) => Tensor | undefined;

/**
 * The tensors of a request, as the model wants them.
 *
 * @throws BallastError `INPUT_UNKNOWN`, `INPUT_MISSING`, `INPUT_TYPE`, `INPUT_SHAPE`, `TENSOR_DATA`
 */
export function feedsOf(request: InferRequest, ports: readonly PortInfo[], rawData: RawData): Tensors {
  const feeds: Record<string, Tensor> = {};
  for (const [index, tensor] of request.inputs.entries()) {
    const port = ports.find(({ name }) => name === tensor.name);
    if (port === undefined) throw unknown(tensor.name, ports);
    if (Object.hasOwn(feeds, tensor.name)) throw fault('INPUT_TWICE', tensor.name, 'it is given twice');
    const type = typeOfDatatype(tensor.datatype);
    if (type !== port.type) {
      throw fault('INPUT_TYPE', tensor.name, `the model takes ${DATATYPE_OF[port.type]}, not ${tensor.datatype}`);
    }
    checkShape(tensor, port);
    const raw = rawData(tensor, index, type);
    if (raw === undefined && tensor.data === undefined) throw fault('TENSOR_DATA', tensor.name, 'it has no data');
    feeds[tensor.name] = raw ?? decodeJson(tensor.name, type, tensor.shape, tensor.data ?? []);
    checkTexts(tensor.name, feeds[tensor.name]);
  }
  const missing = ports.find(({ name }) => !Object.hasOwn(feeds, name));
  if (missing === undefined) return feeds;
  throw fault(
    'INPUT_MISSING',
    missing.name,
    `the model needs it (${DATATYPE_OF[missing.type]} ${show(missing.shape)})`,
  );
}

function checkShape({ name, shape }: RequestTensor, port: PortInfo): void {
  // A port without a shape may have any: the runtime itself decides.
  if (port.shape.length === 0) return;
  const fits =
    shape.length === port.shape.length &&
    port.shape.every((extent, axis) => typeof extent !== 'number' || extent === shape[axis]);
  if (!fits) throw fault('INPUT_SHAPE', name, `the model takes ${show(port.shape)}, not ${show(shape)}`);
}

function checkTexts(name: string, { type, data }: Tensor): void {
  if (type !== 'string') return;
  const at = (data as readonly string[]).findIndex((text) => text.includes('\0'));
  if (at >= 0) throw fault('TENSOR_DATA', name, `element ${at} has a NUL character, which the runtime would cut off`);
}

const show = (shape: PortInfo['shape']): string => `[${shape.map((extent) => extent ?? '?').join(', ')}]`;

function unknown(name: string, ports: readonly PortInfo[]): BallastError {
  return new BallastError('The model has no such input', {
    code: 'INPUT_UNKNOWN',
    place: `input ${name}`,
    remedy: `Its inputs are: ${ports.map((port) => port.name).join(', ')}.`,
  });
}

function fault(code: string, name: string, message: string): BallastError {
  return new BallastError(message, { code, place: `input ${name}` });
}
