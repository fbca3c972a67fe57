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
 * foreign, becomes part of a training, evaluation or attack graph. The graph must be of the builder's opset (`upgrade`
 * brings a model there). A branch (If) whose condition is constant is resolved, a Scan over rows is copied; other subgraphs
 * have no rule.
 *
 * @returns the values of the graph's outputs, by name
 * @throws BallastError GRAPH_MISSING_INPUT, GRAPH_INPUT_MISMATCH, GRAPH_UNDEFINED_VALUE; GRAPH_UNKNOWN_OPERATOR,
 *   GRAPH_SHAPE_MISMATCH and GRAPH_DYNAMIC_SHAPE naming node and operator
 */
export function inline(b: GraphBuilder, graph: Graph, options: InlineOptions): Record<string, Value> {
  const scope = new Scope(b, graph, undefined, options);
  for (const input of graph.inputs) {
    const value = options.inputs[input.name];
    if (value !== undefined) {
      checkInput(input, value);
      scope.set(input.name, value);
    } else if (!graph.initializers.has(input.name)) {
      throw new BallastError(`input "${input.name}" of graph "${graph.name}" is not given`, {
        code: 'GRAPH_MISSING_INPUT',
      });
    }
  }
  const results = replay(b, graph, scope, options);
  return Object.fromEntries(graph.outputs.map((output, i) => [output.name, results[i]]));
}

/** The values of a graph while it is copied; a branch sees those of the graph around it. */
class Scope {
  readonly #values = new Map<string, Value>();

  constructor(
    readonly b: GraphBuilder,
    readonly graph: Graph,
    readonly outer: Scope | undefined,
    readonly options: InlineOptions,
  ) {}

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  get(name: string): Value | undefined {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const constant = this.graph.initializers.get(name);
    if (constant === undefined) return this.outer?.get(name);
    const { b, options } = this;
    const wanted = (options.prefix ?? '') + name;
    const value = options.parameter?.(name) ?? b.initializer(b.has(wanted) ? b.fresh(wanted) : wanted, constant);
    this.set(name, value);
    return value;
  }

  /** @throws BallastError GRAPH_UNDEFINED_VALUE */
  need(name: string, place: string): Value {
    const value = this.get(name);
    if (value === undefined) {
      throw new BallastError(`value "${name}" is used before it is defined`, { code: 'GRAPH_UNDEFINED_VALUE', place });
    }
    return value;
  }
}

/** Applies all nodes; the values of the outputs, in order. */
function replay(b: GraphBuilder, graph: Graph, scope: Scope, options: InlineOptions): Value[] {
  const { prefix = '', replace, intercept } = options;
  for (const node of graph.nodes) {
    const place = `node ${node.name || node.outputs[0]} (${node.opType})`;
    const inputs = node.inputs.map((name) => (name === '' ? undefined : scope.need(name, place)));
    const wanted = node.outputs.length - trailing(node.outputs);
    const outputs =
      constantOf(b, node) ??
      replace?.(node, inputs) ??
      branch(b, node, inputs, scope, options) ??
      eachRow(b, node, inputs) ??
      b.apply(node.opType, inputs.slice(0, inputs.length - trailing(node.inputs)), node.attributes, {
        domain: node.domain,
        outputs: wanted,
        ...(node.name === '' ? {} : { name: prefix + node.name }),
      });
    node.outputs.forEach((name, index) => {
      if (name === '' || outputs[index] === undefined) return;
      scope.set(name, intercept?.(name, outputs[index], node) ?? outputs[index]);
    });
  }
  return graph.outputs.map((output) => scope.need(output.name, `the outputs of graph "${graph.name}"`));
}

/** How many omitted names stand at the end. */
function trailing(names: readonly string[]): number {
  let count = 0;
  while (count < names.length && names[names.length - 1 - count] === '') count++;
  return count;
}

/** The outputs of the branch that an If with a constant condition takes. */
function branch(
  b: GraphBuilder,
  node: Node,
  [condition]: readonly (Value | undefined)[],
  scope: Scope,
  options: InlineOptions,
): readonly Value[] | undefined {
  if (node.opType !== 'If' || node.domain !== '' || condition === undefined) return undefined;
  const known = b.constantOf(condition);
  if (known === undefined) {
    throw new BallastError('If decides by data, so that it cannot be part of a static graph', {
      code: 'GRAPH_DYNAMIC_SHAPE',
      place: `node ${node.name}`,
      remedy: 'Export the model for one branch only',
    });
  }
  const taken = node.attributes[Number(known.data[0]) !== 0 ? 'then_branch' : 'else_branch'];
  if (taken?.kind !== 'graph') return undefined;
  return replay(b, taken.value, new Scope(b, taken.value, scope, options), options);
}

/** A Scan that runs a closed body on each row, without a state; undefined for other nodes. */
function eachRow(
  b: GraphBuilder,
  { opType, attributes }: Node,
  inputs: readonly (Value | undefined)[],
): readonly Value[] | undefined {
  const { body, num_scan_inputs: scanned, ...more } = attributes;
  if (opType !== 'Scan' || body?.kind !== 'graph' || scanned?.kind !== 'int' || Object.keys(more).length > 0) {
    return undefined;
  }
  const all = inputs.filter((input) => input !== undefined);
  return scanned.value === all.length && all.length > 0 ? b.eachRow(all, body.value) : undefined;
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

/** The value of a Constant node; undefined for other nodes. */
function constantOf(b: GraphBuilder, node: Node): Value[] | undefined {
  if (node.opType !== 'Constant' || node.domain !== '') return undefined;
  return [b.constant(constantTensor(node))];
}

function constantTensor(node: Node): Tensor {
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
