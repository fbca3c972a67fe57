import type { Attribute, Graph, Model, Node, ValueInfo } from '../model.js';
import { modelFault, nodePlace, type Place, quote } from './fault.js';
import { checkTensor } from './validate-tensor.js';

/** Newest IR version whose meaning is known (ONNX 1.20; onnxruntime 1.30 runs it). */
const NEWEST_IR_VERSION = 13;

/** Deepest nesting of graphs: what fits the 100 levels of messages that protobuf runtimes read. */
const MAX_GRAPH_DEPTH = 32;

/**
 * Checks that a model is well-formed: IR version and opset imports (one for every domain used); every name defined once
 * in all graphs that see it (SSA); nodes in topological order, every input defined before it is used; outputs defined by
 * their own graph and distinct; tensors whose data fits their shape and type; attribute values that ONNX can store.
 * Whether an operator exists, and takes such inputs, is not checked here: shape inference and the runtime know.
 *
 * @throws BallastError with one of the codes of `ModelFault`; `place` names graph and node
 */
export function validate(model: Model): void {
  const { irVersion, opsets } = model;
  if (!Number.isInteger(irVersion) || irVersion < 1) {
    throw modelFault('MODEL_INVALID', 'model', 'the IR version is not a positive whole number', { value: irVersion });
  }
  if (irVersion > NEWEST_IR_VERSION) {
    throw modelFault('MODEL_UNSUPPORTED', 'model', `IR version ${irVersion} is newer than ${NEWEST_IR_VERSION}`, {
      remedy: `Export the model with an IR version of at most ${NEWEST_IR_VERSION}.`,
    });
  }
  for (const [domain, version] of opsets) {
    if (!Number.isSafeInteger(version) || version < 1) {
      throw modelFault('MODEL_OPSET', 'model', `the opset version of ${quote(domain)} is not a positive whole number`, {
        value: version,
      });
    }
  }
  for (const input of model.graph.inputs) {
    if (input.container?.kind === 'unknown') {
      throw modelFault('MODEL_INVALID', `input ${quote(input.name)}`, 'an input of the model has no type');
    }
  }
  checkGraph(model.graph, new Scope(undefined), opsets, 1);
}

/** Names that are defined so far, in a graph and around it. */
class Scope {
  readonly names = new Set<string>();

  constructor(readonly outer: Scope | undefined) {}

  has(name: string): boolean {
    return this.names.has(name) || (this.outer?.has(name) ?? false);
  }

  define(name: string, place: Place, what: string): void {
    if (name === '') throw modelFault('MODEL_INVALID', place, `${what} has no name`);
    if (this.has(name)) throw modelFault('MODEL_DUPLICATE_NAME', place, `${quote(name)} is defined twice`);
    this.names.add(name);
  }
}

function checkGraph(graph: Graph, scope: Scope, opsets: Model['opsets'], depth: number): void {
  const place = `graph ${quote(graph.name)}`;
  if (depth > MAX_GRAPH_DEPTH) {
    throw modelFault('MODEL_TOO_LARGE', place, `graphs nest deeper than ${MAX_GRAPH_DEPTH}`);
  }
  if (graph.name === '') throw modelFault('MODEL_INVALID', place, 'a graph has no name');
  for (const input of graph.inputs) {
    scope.define(input.name, place, 'an input');
    checkValueInfo(input, place);
  }
  const inputs = new Set(graph.inputs.map((input) => input.name));
  for (const [name, tensor] of graph.initializers) {
    // An initializer of an input's name is that input's default.
    if (!inputs.has(name)) scope.define(name, place, 'an initializer');
    checkTensor(tensor, () => `${place}, initializer ${quote(name)}`);
  }
  for (const node of graph.nodes) checkNode(node, place, scope, opsets, depth);
  checkOutputs(graph, place, scope);
  for (const [name, info] of graph.valueInfo) {
    if (name !== info.name) {
      throw modelFault('MODEL_INVALID', place, `what is known of ${quote(name)} bears the name ${quote(info.name)}`);
    }
    checkValueInfo(info, place);
  }
}

function checkOutputs(graph: Graph, place: string, scope: Scope): void {
  const seen = new Set<string>();
  for (const output of graph.outputs) {
    const { name } = output;
    if (seen.has(name)) throw modelFault('MODEL_DUPLICATE_NAME', place, `the output ${quote(name)} is listed twice`);
    seen.add(name);
    checkValueInfo(output, place);
    if (scope.names.has(name)) continue;
    if (scope.has(name)) {
      throw modelFault('MODEL_UNDEFINED_VALUE', place, `the output ${quote(name)} is a value of a graph around it`, {
        remedy: 'Put an Identity node between them.',
      });
    }
    throw modelFault('MODEL_UNDEFINED_VALUE', place, `the output ${quote(name)} is never computed`);
  }
}

function checkNode(node: Node, graphPlace: string, scope: Scope, opsets: Model['opsets'], depth: number): void {
  const place = (): string => `${graphPlace}, ${nodePlace(node)}`;
  if (node.opType === '') throw modelFault('MODEL_INVALID', place, 'a node has no operator');
  if (!opsets.has(node.domain)) {
    throw modelFault('MODEL_OPSET', place, `the model imports no opset of the domain ${quote(node.domain)}`, {
      remedy: 'Add the opset import, or export the model with standard operators only.',
    });
  }
  for (const name of node.inputs) {
    if (name !== '' && !scope.has(name)) {
      throw modelFault('MODEL_UNDEFINED_VALUE', place, `the input ${quote(name)} is not defined, or only further on`);
    }
  }
  for (const [name, attribute] of Object.entries(node.attributes)) {
    const where = (): string => `${place()}, attribute ${quote(name)}`;
    if (name === '') throw modelFault('MODEL_INVALID', where, 'an attribute has no name');
    if (attribute.kind === 'graph') checkGraph(attribute.value, new Scope(scope), opsets, depth + 1);
    else checkAttribute(attribute, where);
  }
  for (const name of node.outputs) if (name !== '') scope.define(name, place, 'an output');
}

function checkAttribute(attribute: Exclude<Attribute, { kind: 'graph' }>, place: Place): void {
  switch (attribute.kind) {
    case 'int':
      checkInteger(attribute.value, place);
      break;
    case 'ints':
      for (const value of attribute.value) checkInteger(value, place);
      break;
    case 'float':
      checkFloat(attribute.value, place);
      break;
    case 'floats':
      for (const value of attribute.value) checkFloat(value, place);
      break;
    case 'tensor':
      checkTensor(attribute.value, place);
      break;
    default:
  }
}

function checkInteger(value: number, place: Place): void {
  // 2^63 stands for the largest int64.
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 63) {
    throw modelFault('MODEL_ATTRIBUTE', place, 'the value is not an int64', { value });
  }
}

function checkFloat(value: number, place: Place): void {
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
    throw modelFault('MODEL_ATTRIBUTE', place, 'the value is beyond the range of float32', { value });
  }
}

function checkValueInfo({ name, shape }: ValueInfo, place: string): void {
  for (const extent of shape ?? []) {
    if (typeof extent === 'number' && !(Number.isSafeInteger(extent) && extent >= 0)) {
      throw modelFault(
        'MODEL_TENSOR',
        `${place}, value ${quote(name)}`,
        'an extent of its shape is not a whole number',
        {
          value: extent,
        },
      );
    }
  }
}
