import { BallastError } from '../../errors.js';
import { printable } from './printable.js';

/** What can be wrong with a model; the `code` of the {@link BallastError}. */
export type ModelFault =
  /** Not protobuf, truncated, or not an ONNX ModelProto. */
  | 'MODEL_MALFORMED'
  /** Declares more than the limits allow. */
  | 'MODEL_TOO_LARGE'
  /** Something that ONNX has and Ballast does not: element type, attribute type, IR version. */
  | 'MODEL_UNSUPPORTED'
  /** A tensor whose data does not fit its shape and type. */
  | 'MODEL_TENSOR'
  /** An attribute whose value its type cannot hold. */
  | 'MODEL_ATTRIBUTE'
  /** External data that is missing, out of range or outside the model's directory. */
  | 'MODEL_EXTERNAL_DATA'
  /** Nodes that need each other's results, or functions that call each other. */
  | 'MODEL_CYCLE'
  /** One name defined twice. */
  | 'MODEL_DUPLICATE_NAME'
  /** A value that is used and never defined, or too late. */
  | 'MODEL_UNDEFINED_VALUE'
  /** A domain without an opset import. */
  | 'MODEL_OPSET'
  /** Anything else that ONNX forbids in a graph. */
  | 'MODEL_INVALID';

/** Names a graph, node, tensor or attribute in a message; a function where it is worth making only for a message. */
export type Place = string | (() => string);

/** The text of a place. */
export function placeText(place: Place): string {
  return typeof place === 'string' ? place : place();
}

/** The error for a faulty model. */
export function modelFault(
  code: ModelFault,
  place: Place,
  message: string,
  more: { remedy?: string; value?: unknown; cause?: unknown } = {},
): BallastError {
  return new BallastError(message, { code, place: placeText(place), ...more });
}

/** How messages name a node: by its name, else by what it makes; names from files are shortened. */
export function nodePlace(node: { name: string; opType: string; outputs: readonly string[] }): string {
  const operator = printable(node.opType, MAX_NAME);
  const output = node.outputs.find((name) => name !== '');
  if (node.name !== '') return `node ${quote(node.name)} (${operator})`;
  return output === undefined ? `a node (${operator})` : `the node (${operator}) that makes ${quote(output)}`;
}

/** A name from a file, in quotes, escaped and shortened. */
export function quote(name: string): string {
  return `"${printable(name, MAX_NAME)}"`;
}

/** Longest name in a message. */
const MAX_NAME = 100;
