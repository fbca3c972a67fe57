import { BallastError } from '../../errors.js';
import { ARRAY_OF, type NumericArray, sizeOf, type Tensor } from '../tensor.js';
import type { BoundInputs, BoundTensor, PortInfo } from './runtime.js';

/** What a session takes and gives, and the checks that stand between a caller's tensors and the native code. */
export interface Ports {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  /** Outputs that are no tensor that Ballast holds: name -> what they are. */
  readonly unreadable: ReadonlyMap<string, string>;
}

const list = (ports: readonly PortInfo[]): string => ports.map((port) => port.name).join(', ');

function unknownName(what: 'input' | 'output', name: string, ports: readonly PortInfo[]): BallastError {
  return new BallastError(`the model has no ${what} "${name}"`, {
    code: what === 'input' ? 'INPUT_UNKNOWN' : 'OUTPUT_UNKNOWN',
    place: `${what} ${name}`,
    remedy: `Its ${what}s are: ${list(ports)}.`,
  });
}

/** Shape of a port for a message: `[batch, 3]`, with `?` for a dimension that nothing is known of. */
const show = (shape: readonly (number | string | null)[]): string => `[${shape.map((d) => d ?? '?').join(', ')}]`;

/** Checks one tensor against the port it goes to: element type, holder class, element count, rank, fixed dimensions. */
function checkTensor(what: 'input' | 'output', port: PortInfo, tensor: Tensor): void {
  const place = `${what} ${port.name}`;
  if (tensor.type !== port.type) {
    throw new BallastError(`${what} "${port.name}" is ${port.type}, but a ${tensor.type} tensor was given`, {
      code: what === 'input' ? 'INPUT_TYPE' : 'OUTPUT_TYPE',
      place,
    });
  }
  const fits = port.shape.length === tensor.shape.length && port.shape.every((d, i) => fitsDimension(d, tensor, i));
  // A declared rank of 0 may also mean that no shape is declared: the runtime itself decides then.
  if (port.shape.length > 0 && !fits) {
    throw new BallastError(
      `${what} "${port.name}" has shape ${show(port.shape)}, but a tensor of shape ${show(tensor.shape)} was given`,
      { code: what === 'input' ? 'INPUT_SHAPE' : 'OUTPUT_SHAPE', place },
    );
  }
  checkData(place, tensor);
}

const fitsDimension = (dimension: number | string | null, tensor: Tensor, axis: number): boolean =>
  typeof dimension !== 'number' || dimension === tensor.shape[axis];

/** Checks a tensor in itself: its data against type and shape. Errors: TENSOR_DATA. */
export function checkData(place: string, { type, shape, data }: Tensor): void {
  const bad = (message: string): BallastError => new BallastError(message, { code: 'TENSOR_DATA', place });
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw bad(`the shape ${show(shape)} has an extent that is not a whole number >= 0`);
  }
  if (data.length !== sizeOf(shape)) {
    throw bad(`a tensor of shape ${show(shape)} holds ${sizeOf(shape)} elements, but its data has ${data.length}`);
  }
  if (type === 'string') {
    if (!Array.isArray(data)) throw bad('the data of a string tensor must be an array of strings');
    const at = data.findIndex((text) => typeof text !== 'string' || text.includes('\0'));
    if (at >= 0) throw bad(`element ${at} is not a string without NUL characters, which the runtime would cut off`);
  } else if (!(data instanceof ARRAY_OF[type])) {
    throw bad(`the data of a ${type} tensor must be a ${ARRAY_OF[type].name}`);
  }
}

function checkInputs(ports: Ports, given: Readonly<Record<string, Tensor>>): void {
  for (const port of ports.inputs) {
    const tensor = given[port.name];
    if (tensor === undefined) {
      throw new BallastError(
        `the model needs input "${port.name}" (${port.type} ${show(port.shape)}), which is missing`,
        {
          code: 'INPUT_MISSING',
          place: `input ${port.name}`,
        },
      );
    }
    checkTensor('input', port, tensor);
  }
  for (const name of Object.keys(given)) {
    if (!ports.inputs.some((port) => port.name === name)) throw unknownName('input', name, ports.inputs);
  }
}

function outputPort(ports: Ports, name: string): PortInfo {
  const port = ports.outputs.find((candidate) => candidate.name === name);
  if (port !== undefined) return port;
  const unreadable = ports.unreadable.get(name);
  if (unreadable === undefined) throw unknownName('output', name, ports.outputs);
  throw new BallastError(`output "${name}" is ${unreadable}, not a tensor that can be read`, {
    code: 'OUTPUT_NOT_TENSOR',
    place: `output ${name}`,
    remedy: 'Remove the node that makes it (ZipMap, for a classifier exported by scikit-learn) and read its input.',
  });
}

/**
 * Checks the arguments of `Session.run` and returns the outputs to fetch (every tensor output by default).
 * Errors: INPUT_MISSING, INPUT_UNKNOWN, INPUT_TYPE, INPUT_SHAPE, TENSOR_DATA, OUTPUT_UNKNOWN, OUTPUT_NOT_TENSOR.
 */
export function checkRun(
  ports: Ports,
  feeds: Readonly<Record<string, Tensor>>,
  fetches: readonly string[] | undefined,
): readonly PortInfo[] {
  checkInputs(ports, feeds);
  const fetched = fetches === undefined ? ports.outputs : [...new Set(fetches)].map((name) => outputPort(ports, name));
  return needsOutput(ports, fetched);
}

function needsOutput<T>(ports: Ports, fetched: readonly T[]): readonly T[] {
  if (fetched.length > 0) return fetched;
  throw new BallastError('no output is asked for', {
    code: 'OUTPUT_MISSING',
    remedy: `The model's tensor outputs are: ${list(ports.outputs) || 'none'}.`,
  });
}

interface Held {
  readonly what: string;
  readonly data: NumericArray;
}

const overlap = (a: NumericArray, b: NumericArray): boolean =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;

/**
 * Checks the arguments of `Session.bind`; `requireOwn` throws for a tensor that this runtime did not allocate or that
 * was released. Errors: as {@link checkRun}, and BINDING_ALIAS where an output shares its memory with an input or
 * another output.
 */
export function checkBind(
  ports: Ports,
  inputs: BoundInputs,
  outputs: Readonly<Record<string, BoundTensor>>,
  requireOwn: (tensor: BoundTensor) => void,
): void {
  checkInputs(ports, inputs);
  const bound = Object.entries(inputs).filter((entry): entry is [string, BoundTensor] => entry[1].type !== 'string');
  const held: Held[] = bound.map(([name, { data }]) => ({ what: `input "${name}"`, data }));
  for (const [name, tensor] of Object.entries(outputs)) {
    checkTensor('output', outputPort(ports, name), tensor);
    const other = held.find(({ data }) => overlap(data, tensor.data));
    if (other !== undefined) {
      throw new BallastError(`output "${name}" would be written into the memory of ${other.what}`, {
        code: 'BINDING_ALIAS',
        place: `output ${name}`,
        remedy: 'Allocate a tensor of its own; alternate two sets (ping-pong) for state that a step updates.',
      });
    }
    held.push({ what: `output "${name}"`, data: tensor.data });
  }
  needsOutput(ports, Object.keys(outputs));
  for (const tensor of [...bound.map(([, each]) => each), ...Object.values(outputs)]) requireOwn(tensor);
}
