import { BallastError } from '../errors.js';
import type { GraphBuilder, Value } from './builder.js';
import type { Graph, Node, ValueInfo } from './model.js';
import type { Tensor } from './tensor.js';

export interface InlineOptions {
  /** What stands for the graph's inputs, by name. Their shapes must fit the declared ones. */
  readonly inputs: Readonly<Record<string, Value>>;
  /** What stands for an initializer (a parameter that is an input of the step graph); the constant itself otherwise. */
  readonly parameter?: (name: string) => Value | undefined;
  /** Put before every name that is added. */
  readonly prefix?: string;
  /** Builds a node in another way (training-mode normalization, a lowered convolution); undefined = as it is. */
  readonly replace?: (node: Node, inputs: readonly (Value | undefined)[]) => readonly Value[] | undefined;
  /** Sees every value of the graph as it is made and may return one to stand in its place (dropout). */
  readonly intercept?: (name: string, value: Value, node: Node) => Value;
}

/**
 * Copies a graph into a builder, node by node, on concrete input shapes: the way in which an architecture, native or
 * foreign, becomes part of a training, evaluation or attack graph.
 *
 * @returns the values of the graph's outputs, by name
 */
export function inline(b: GraphBuilder, graph: Graph, options: InlineOptions): Record<string, Value> {
  const { prefix = '', replace, intercept, parameter } = options;
  const values = new Map<string, Value>();
  for (const input of graph.inputs) {
    const value = options.inputs[input.name];
    if (value !== undefined) {
      checkInput(input, value);
      values.set(input.name, value);
    } else if (!graph.initializers.has(input.name)) {
      throw new BallastError(`input "${input.name}" of graph "${graph.name}" is not given`, {
        code: 'GRAPH_MISSING_INPUT',
      });
    }
  }
  const resolve = (name: string, node: Node): Value | undefined => {
    if (name === '') return undefined;
    const known = values.get(name);
    if (known !== undefined) return known;
    const constant = graph.initializers.get(name);
    if (constant === undefined) {
      throw new BallastError(`value "${name}" is used before it is defined`, {
        code: 'GRAPH_UNDEFINED_VALUE',
        place: `node ${node.name}`,
      });
    }
    const value =
      parameter?.(name) ?? b.initializer(b.has(prefix + name) ? b.fresh(prefix + name) : prefix + name, constant);
    values.set(name, value);
    return value;
  };
  for (const node of graph.nodes) {
    if (node.opType === 'Constant' && node.domain === '') {
      values.set(node.outputs[0], b.constant(constantOf(node)));
      continue;
    }
    const inputs = node.inputs.map((name) => resolve(name, node));
    const outputs =
      replace?.(node, inputs) ??
      b.apply(node.opType, inputs, node.attributes, { domain: node.domain, outputs: node.outputs.length });
    node.outputs.forEach((name, index) => {
      if (name === '' || outputs[index] === undefined) return;
      values.set(name, intercept?.(name, outputs[index], node) ?? outputs[index]);
    });
  }
  const results: Record<string, Value> = {};
  for (const output of graph.outputs) {
    const value = values.get(output.name);
    if (value === undefined) {
      throw new BallastError(`output "${output.name}" of graph "${graph.name}" is never computed`, {
        code: 'GRAPH_UNDEFINED_VALUE',
      });
    }
    results[output.name] = value;
  }
  return results;
}

function checkInput(input: ValueInfo, value: Value): void {
  const { shape } = input;
  const fits =
    input.type === value.type &&
    (shape === undefined ||
      (shape.length === value.shape.length &&
        shape.every((extent, axis) => typeof extent !== 'number' || extent === value.shape[axis])));
  if (!fits) {
    throw new BallastError(`input "${input.name}" takes ${input.type} [${shape}], not ${value.type} [${value.shape}]`, {
      code: 'GRAPH_INPUT_MISMATCH',
    });
  }
}

function constantOf(node: Node): Tensor {
  const { value, value_int, value_ints, value_float, value_floats } = node.attributes;
  if (value?.kind === 'tensor') return value.value;
  if (value_int?.kind === 'int') return { type: 'int64', shape: [], data: BigInt64Array.of(BigInt(value_int.value)) };
  if (value_ints?.kind === 'ints') {
    return { type: 'int64', shape: [value_ints.value.length], data: BigInt64Array.from(value_ints.value, BigInt) };
  }
  if (value_float?.kind === 'float') return { type: 'float32', shape: [], data: Float32Array.of(value_float.value) };
  if (value_floats?.kind === 'floats') {
    return { type: 'float32', shape: [value_floats.value.length], data: Float32Array.from(value_floats.value) };
  }
  throw new BallastError('Constant holds neither a tensor nor numbers', {
    code: 'GRAPH_CONSTANT_TYPE',
    place: `node ${node.name}`,
  });
}
