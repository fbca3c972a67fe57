import { type Attribute, int, type Node } from '../../graph/model.js';
import { float32, int64, type Tensor } from '../../graph/tensor.js';

/** Domain of the operators for tables: LabelEncoder, OneHotEncoder, Imputer. */
export const ML_DOMAIN = 'ai.onnx.ml';

/**
 * Nodes and constants in the making. The number of rows is symbolic and strings flow through, so nothing is inferred
 * here; every name that is made starts with the prefix and is new.
 */
export class NodeList {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly #prefix: string;
  #counter = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Adds a node with one output and returns the output's name. */
  op(opType: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.apply(opType, inputs, attributes)[0];
  }

  /** An operator of {@link ML_DOMAIN}. */
  ml(opType: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>>): string {
    return this.apply(opType, inputs, attributes, { domain: ML_DOMAIN })[0];
  }

  /** [N, a], [N, b], ... side by side. */
  concatenate(parts: readonly string[]): string {
    return this.op('Concat', parts, { axis: int(1) });
  }

  /** Adds a node and returns the names of its outputs. */
  apply(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    { domain = '', outputs = 1 }: { domain?: string; outputs?: number } = {},
  ): string[] {
    const name = this.#fresh(opType);
    const names = Array.from({ length: outputs }, (_, index) => (index === 0 ? name : `${name}.${index}`));
    this.nodes.push({ name, opType, domain, inputs, outputs: names, attributes });
    return names;
  }

  /** Adds a node whose output has a name of its own, outside the prefix: an output of the graph. */
  name(
    opType: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): void {
    this.nodes.push({ name: this.#fresh(opType), opType, domain, inputs, outputs: [output], attributes });
  }

  constant(data: Tensor): string {
    const name = this.#fresh('constant');
    this.initializers.set(name, data);
    return name;
  }

  /** A float32 vector, or a scalar for a number. */
  floats(values: readonly number[] | number): string {
    return this.constant(typeof values === 'number' ? float32([], [values]) : float32([values.length], values));
  }

  /** An int64 vector, or a scalar for a number. */
  integers(values: readonly (number | bigint)[] | number | bigint): string {
    return this.constant(
      Array.isArray(values) ? int64([values.length], values) : int64([], [values as number | bigint]),
    );
  }

  #fresh(stem: string): string {
    return `${this.#prefix}${stem}_${++this.#counter}`;
  }
}
