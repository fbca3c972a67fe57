import { BallastError } from '../errors.js';
import { assembleGraph } from './assemble.js';
import { type Attribute, type Graph, graphAttribute, int, type Model, type Node } from './model.js';
import { isFloat } from './operators/operator.js';
import { operatorOf, whyWithoutRule } from './operators/registry.js';
import type { Application, Composite, TapeEntry, Value, ValueType } from './tape.js';
import { ARRAY_OF, type DataType, int64, type NumericArray, sizeOf, type Tensor } from './tensor.js';

/** Opset and IR of the graphs that Ballast builds (random operators lose their CPU kernels from opset 22). */
export const OPSET = 21;
export const IR_VERSION = 10;

/** Elements of a constant of equal numbers above which it is spread from one. */
const LARGEST_STORED = 4096;

export interface NodeOptions {
  readonly domain?: string;
  readonly name?: string;
  /** Number of outputs; 1 by default. */
  readonly outputs?: number;
}

/**
 * The part of a builder that makes values and nodes and records the tape: names, types, constants, composites. The
 * operators by their own names stand in `GraphBuilder`.
 */
export class GraphRecorder {
  readonly tape: TapeEntry[] = [];
  readonly #inputs: Value[] = [];
  readonly #outputs: { name: string; value: Value }[] = [];
  readonly #initializers = new Map<string, Tensor>();
  readonly #nodes: Node[] = [];
  readonly #values = new Map<string, Value>();
  readonly #scalars = new Map<string, Value>();
  readonly #domains = new Set<string>(['']);
  readonly #nodeNames = new Set<string>();
  /** Where the application of each node is recorded. */
  readonly #recorded = new Map<string, { tape: TapeEntry[]; index: number }>();
  /** Constants without a name of their own: nobody can want a gradient by them or put other weights in their place. */
  readonly #anonymous = new Set<string>();
  /** Values that are nodes, yet known: computed from named float initializers. */
  readonly #known = new Map<string, Tensor>();
  #counter = 0;
  /** Where applications are recorded; undefined while detached. */
  #recording: TapeEntry[] | undefined = this.tape;

  constructor(readonly name = 'graph') {}

  /** How many nodes so far: sessions get slow to create beyond some 1,500. */
  get size(): number {
    return this.#nodes.length;
  }

  input(name: string, type: DataType, shape: readonly number[]): Value {
    const value = this.#define({ name, type, shape });
    this.#inputs.push(value);
    return value;
  }

  /** A named constant or parameter stored in the model. */
  initializer(name: string, data: Tensor): Value {
    const value = this.#define({ name, type: data.type, shape: data.shape });
    this.#initializers.set(name, data);
    return value;
  }

  /** An anonymous constant. */
  constant(data: Tensor): Value {
    const value = this.initializer(this.fresh('const'), data);
    this.#anonymous.add(value.name);
    return value;
  }

  /**
   * One number as a constant of any shape, made once a graph. Large ones are spread when the model is loaded, so that
   * they take no room in the file.
   */
  scalar(value: number, type: DataType = 'float32', shape: readonly number[] = []): Value {
    const key = `${type}:${Object.is(value, -0) ? '-0' : value}:${shape}`;
    let known = this.#scalars.get(key);
    if (known === undefined) {
      known =
        sizeOf(shape) > LARGEST_STORED
          ? this.op('Expand', [this.scalar(value, type), this.indices(shape)])
          : this.constant(filled(type, shape, value));
      this.#scalars.set(key, known);
    }
    return known;
  }

  /** An int64 vector constant, made once a graph: axes, shapes, starts. */
  indices(values: readonly number[]): Value {
    const key = `indices:${values}`;
    let known = this.#scalars.get(key);
    if (known === undefined) {
      known = this.constant(int64([values.length], values));
      this.#scalars.set(key, known);
    }
    return known;
  }

  /** The tensor behind a value, where it is a constant of this graph or was computed from constants. */
  constantOf(value: Value): Tensor | undefined {
    return this.#initializers.get(value.name) ?? this.#known.get(value.name);
  }

  /** A named weight, or what follows from one: it may be replaced later, so that its nodes must stay. */
  #isParameter(value: Value): boolean {
    return isFloat(value.type) && !this.#anonymous.has(value.name) && this.constantOf(value) !== undefined;
  }

  /** The value of that name. */
  value(name: string): Value {
    const value = this.#values.get(name);
    if (value === undefined) throw new BallastError(`no value is named "${name}"`, { code: 'GRAPH_UNKNOWN_VALUE' });
    return value;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Declares an output of the graph; its name must be new, or the value's own. */
  output(name: string, value: Value): void {
    this.#outputs.push({ name, value });
  }

  /** A name that nothing bears yet. */
  fresh(stem: string): string {
    let name: string;
    do name = `${stem}_${++this.#counter}`;
    while (this.#values.has(name));
    return name;
  }

  /** Applies an operator with one output. */
  op(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): Value {
    return this.apply(opType, inputs, attributes, options)[0];
  }

  /** Applies an operator; shapes and types of its outputs come from the operator's rule. */
  apply(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): Value[] {
    const domain = options.domain ?? '';
    const name = this.#nodeName(options.name, opType);
    const operator = operatorOf(opType, domain);
    if (operator === undefined) {
      throw new BallastError(whyWithoutRule(opType, domain), {
        code: 'GRAPH_UNKNOWN_OPERATOR',
        place: `node ${name}`,
        remedy: 'See docs/operators.md for what is supported',
      });
    }
    const count = Math.max(options.outputs ?? 1, operator.leastOutputs ?? 1);
    const types = operator.infer({
      name,
      opType,
      inputs,
      attributes,
      outputs: count,
      constant: (value) => (value === undefined ? undefined : this.constantOf(value)),
    });
    const folding = (visible: (value: Value) => boolean): readonly Tensor[] | undefined => {
      const results = operator.fold?.({
        inputs: inputs.map((value) => (value !== undefined && visible(value) ? this.constantOf(value) : undefined)),
        shapes: inputs.map((value) => value?.shape),
        attributes,
        outputs: types,
      });
      return results === undefined || 'length' in results ? results : [results];
    };
    const folded = folding((value) => !this.#isParameter(value));
    if (folded !== undefined) return folded.map((data) => this.constant(data));
    const known = folding(() => true);
    const outputs = types.slice(0, count).map((type) => this.#define({ name: this.fresh(opType), ...type }));
    known?.forEach((data, i) => {
      this.#known.set(outputs[i].name, data);
    });
    const node: Node = {
      name,
      opType,
      domain,
      inputs: inputs.map((value) => value?.name ?? ''),
      outputs: outputs.map((value) => value.name),
      attributes,
    };
    this.#domains.add(domain);
    this.#nodes.push(node);
    if (this.#recording !== undefined) {
      this.#recorded.set(name, { tape: this.#recording, index: this.#recording.length });
      this.#recording.push({ kind: 'node', node, inputs, outputs });
    }
    return outputs;
  }

  /**
   * Asks an application that stands already for `count` outputs: statistics that its kernel computes anyway and that
   * its gradient would have to compute again.
   */
  withOutputs({ node, inputs, outputs }: Omit<Application, 'kind'>, count: number): readonly Value[] {
    const at = this.#nodes.findIndex(({ name }) => name === node.name);
    const current = this.#nodes[at];
    if (current.outputs.length >= count) return current.outputs.map((name) => this.value(name));
    const { opType, domain, attributes } = node;
    const types = operatorOf(opType, domain)!.infer({
      name: node.name,
      opType,
      inputs,
      attributes,
      outputs: count,
      constant: (value) => (value === undefined ? undefined : this.constantOf(value)),
    });
    const more = types.slice(outputs.length, count).map((type) => this.#define({ name: this.fresh(opType), ...type }));
    const all = [...outputs, ...more];
    const changed: Node = { ...current, outputs: all.map(({ name }) => name) };
    this.#nodes[at] = changed;
    const place = this.#recorded.get(node.name);
    if (place !== undefined) place.tape[place.index] = { kind: 'node', node: changed, inputs, outputs: all };
    return all;
  }

  /** The wanted name, or one like it that no node bears. */
  #nodeName(wanted: string | undefined, opType: string): string {
    let name = wanted ?? this.fresh(opType);
    while (this.#nodeNames.has(name)) name = this.fresh(wanted ?? opType);
    this.#nodeNames.add(name);
    return name;
  }

  /**
   * Nodes that differentiate as one: `build` adds them, `gradient` is used instead of their own rules. The gradient
   * may use any value that exists by then, those made inside `build` included.
   */
  composite(
    name: string,
    inputs: readonly Value[],
    build: () => readonly Value[],
    gradient: Composite['gradient'],
  ): readonly Value[] {
    const inner: TapeEntry[] = [];
    const outputs = this.#recordingTo(this.#recording === undefined ? undefined : inner, () =>
      build().map((value) => (inputs.includes(value) ? this.op('Identity', [value]) : value)),
    );
    this.#recording?.push({ kind: 'composite', name, inputs, outputs, inner, gradient });
    return outputs;
  }

  /** Runs `build` without recording it for differentiation: its results are constants to {@link gradients}. */
  detached<T>(build: () => T): T {
    return this.#recordingTo(undefined, build);
  }

  #recordingTo<T>(tape: TapeEntry[] | undefined, build: () => T): T {
    const outer = this.#recording;
    this.#recording = tape;
    try {
      return build();
    } finally {
      this.#recording = outer;
    }
  }

  /** The finished graph. */
  graph(): Graph {
    return assembleGraph({
      name: this.name,
      inputs: this.#inputs,
      outputs: this.#outputs,
      initializers: this.#initializers,
      nodes: this.#nodes,
    });
  }

  /** The finished graph as a model of {@link OPSET}. */
  model(metadata: ReadonlyMap<string, string> = new Map()): Model {
    const opsets = new Map<string, number>();
    for (const domain of this.#domains) opsets.set(domain, domain === '' ? OPSET : 1);
    return { irVersion: IR_VERSION, opsets, producer: { name: 'ballast', version: '' }, graph: this.graph(), metadata };
  }

  #define(value: Value): Value {
    if (this.#values.has(value.name)) {
      throw new BallastError(`the name "${value.name}" is already taken`, { code: 'GRAPH_DUPLICATE_NAME' });
    }
    this.#values.set(value.name, value);
    return value;
  }

  /** A loop over a subgraph, as ONNX's Loop; outputs' types are given because the body decides them. */
  loop(inputs: readonly (Value | undefined)[], body: Graph, outputs: readonly ValueType[]): Value[] {
    return this.#over('Loop', { body: graphAttribute(body) }, inputs, outputs);
  }

  /**
   * A subgraph run on each row of its inputs [rows, ...], as ONNX's Scan: what it makes of a row becomes a row of the
   * outputs. The body takes and gives values without the leading axis, of static shapes, and nothing from around it.
   */
  eachRow(inputs: readonly Value[], body: Graph): Value[] {
    const rows = inputs[0].shape[0];
    const types = body.outputs.map(({ type, shape }) => ({ type, shape: [rows, ...((shape ?? []) as number[])] }));
    return this.#over('Scan', { body: graphAttribute(body), num_scan_inputs: int(inputs.length) }, inputs, types);
  }

  #over(
    opType: 'Loop' | 'Scan',
    attributes: Node['attributes'],
    inputs: readonly (Value | undefined)[],
    outputs: readonly ValueType[],
  ): Value[] {
    const values = outputs.map(({ type, shape }) => this.#define({ name: this.fresh(opType), type, shape }));
    const node: Node = {
      name: this.#nodeName(undefined, opType),
      opType,
      domain: '',
      inputs: inputs.map((value) => value?.name ?? ''),
      outputs: values.map((value) => value.name),
      attributes,
    };
    this.#nodes.push(node);
    this.#recording?.push({ kind: 'node', node, inputs, outputs: values });
    return values;
  }
}

/** A tensor of that shape, every element `value`. */
export function filled(type: DataType, shape: readonly number[], value: number): Tensor {
  if (type === 'string' || type === 'float16' || type === 'bfloat16') {
    throw new BallastError(`no ${type} constant can be made from a number`, { code: 'GRAPH_CONSTANT_TYPE' });
  }
  const data: NumericArray = new ARRAY_OF[type](sizeOf(shape));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(value));
  else data.fill(value);
  return { type, shape, data };
}
