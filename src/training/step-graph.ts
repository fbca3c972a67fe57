import type { GraphBuilder, Value } from '../graph/builder.js';
import { inline } from '../graph/inline.js';
import { lowerConvolutions } from '../graph/lowering/plan.js';
import type { Node } from '../graph/model.js';
import { RandomSites } from '../graph/random.js';
import { type DataType, float32 } from '../graph/tensor.js';
import type { Random } from '../numeric/random.js';
import type {
  Active,
  Asset,
  InputDescription,
  OwnContext,
  OwnState,
  OwnTensor,
  Pass,
  PassOptions,
  RowColumn,
  RowTensor,
  Site,
  StepContext,
  Tasks,
} from '../regularizers/regularizer.js';
import { inOrder } from '../regularizers/resolve.js';
import type { Architecture } from './architecture.js';
import { batchNormalize } from './normalization.js';

/** What a network is trained and evaluated as. */
export interface NetworkDescription {
  readonly architecture: Architecture;
  readonly inputs: readonly (InputDescription & { readonly type: DataType })[];
  readonly task: 'classification' | 'regression';
  /** Classes, or 1. */
  readonly outputs: number;
  readonly batchSize: number;
  /** Rows of the bound data set, out of which batches are gathered. */
  readonly rows: number;
  /** Rows of the training part. */
  readonly trainRows: number;
  /** Rows without a label that are trained on beside them. */
  readonly unlabelled?: number;
  /** Tasks that are learnt one after the other. */
  readonly tasks?: Tasks & { readonly ownHeads: boolean };
  readonly classes: readonly string[];
  /** Rows of each class among those trained on; empty for regression. */
  readonly classRows: readonly number[];
  readonly columns: readonly CountedColumn[];
  readonly regularizers: readonly Active[];
  readonly optimizer: { readonly type: string };
  readonly epochs: number;
  readonly seed: number;
}

/** A column with the rows of each of its values among those trained on. */
export type CountedColumn = RowColumn & { readonly rows: readonly number[] };

/** A scalar that the host computes before each step. */
export type HostScalar =
  | { readonly kind: 'learningRate' }
  | { readonly kind: 'optimizer'; readonly name: string }
  | { readonly kind: 'rate'; readonly parameter: string }
  | { readonly kind: 'strength'; readonly regularizer: number }
  | {
      readonly kind: 'drawn';
      readonly regularizer: number;
      readonly label: string;
      readonly draw: (stream: Random, strength: number, step: number) => number;
    };

/** A parameter or state tensor of a regularizer, by its name in the graph. */
export interface OwnedTensor extends OwnTensor {
  /** Its name as the regularizer declared it. */
  readonly label: string;
  readonly regularizer: number;
}

/** What is added to the logits of each task: 0 for its own classes, out of reach for others. */
export function rivalsOf({ names, classes = [] }: Tasks, outputs: number): number[][] {
  return names.map((_, task) => Array.from({ length: outputs }, (_own, c) => (classes[task]?.includes(c) ? 0 : -1e9)));
}

/** Regularizers that act, in their order of application: the step numbers them by it, not by the spec's. */
export function acting(regularizers: readonly Active[]): Active[] {
  return inOrder(regularizers).filter(({ strength }) => strength !== 0);
}

/** A row tensor of a regularizer, by its name in the graph. */
export interface OwnedRows extends RowTensor {
  readonly label: string;
  readonly regularizer: number;
}

/** What regularizers declare parameters and state from. */
export function ownContext(description: NetworkDescription, active: readonly Active[]): OwnContext {
  const {
    architecture,
    inputs,
    task,
    outputs,
    trainRows,
    unlabelled = 0,
    classes,
    columns,
    optimizer,
    epochs,
    seed,
  } = description;
  return {
    active,
    task,
    parameters: architecture.parameters,
    operators: architecture.graph.nodes.map(({ opType }) => opType),
    optimizer: optimizer.type,
    inputs,
    rows: trainRows,
    unlabelled,
    epochs,
    classes,
    columns,
    ...(description.tasks === undefined ? {} : { tasks: description.tasks }),
    seed,
    outputs,
    initial: new Map(architecture.parameters.map(({ name, initial }) => [name, initial])),
    buffers: new Map(architecture.buffers.map(({ name, initial }) => [name, initial])),
    featureCount: architecture.head?.features,
    sites: [...architecture.sites.values()],
    spectrogram: architecture.spectrograms.size > 0,
  };
}

/** Every tensor that the regularizers of a run declare for themselves. */
export function ownTensors(description: NetworkDescription): {
  readonly parameters: readonly OwnedTensor[];
  readonly state: readonly (OwnedTensor & OwnState)[];
  readonly rows: readonly OwnedRows[];
} {
  const active = acting(description.regularizers);
  const context = ownContext(description, active);
  const named = <T extends { readonly name: string }>(
    i: number,
    tensors: readonly T[] = [],
  ): (T & { label: string; regularizer: number })[] =>
    tensors.map((own) => ({ ...own, label: own.name, name: ownName(active[i], i, own.name), regularizer: i }));
  return {
    parameters: active.flatMap(({ regularizer: { hooks }, options }, i) =>
      named(i, hooks.parameters?.(context, options)),
    ),
    state: active.flatMap(({ regularizer: { hooks }, options }, i) => named(i, hooks.state?.(context, options))),
    rows: active.flatMap(({ regularizer: { hooks }, options }, i) => named(i, hooks.rows?.(context, options))),
  };
}

/** A model that a regularizer uses. */
export function assetOf({ regularizer, assets }: Active, name: string): Asset {
  const asset = assets?.get(name);
  if (asset === undefined) throw new Error(`${regularizer.type} has no model "${name}"`);
  return asset;
}

/** Values of the batch's rows out of the bound data. */
export type RowsOf = (name: string, type: DataType, shape: readonly number[]) => Value;

function ownName({ regularizer: { type } }: Active, index: number, name: string): string {
  return `own.${type}.${index}.${name}`;
}

/**
 * The network and its regularizers inside one graph, in training or inference: runs of the network on any inputs and
 * weights, and the contexts that hooks act through.
 */
export class StepGraph {
  readonly active: readonly Active[];
  readonly contexts: readonly StepContext[];
  /** float32 scalar inputs of the graph, by name. */
  readonly scalars = new Map<string, HostScalar>();
  readonly random: RandomSites;
  /** What state tensors hold after this step, by their names in the graph. */
  readonly next = new Map<string, Value>();
  /** Running statistics after this step. */
  readonly newBuffers = new Map<string, Value>();
  readonly #convolutions: 'lowered' | 'plain';
  readonly #own = new Map<string, Value>();
  readonly #columns = new Map<RowColumn['role'], CountedColumn & { readonly codes: Value }>();
  readonly #rowsOf: RowsOf | undefined;
  readonly #buffers: ReadonlyMap<string, Value>;
  /** Row tensors in use, by their inputs, with the regularizer that they are of. */
  readonly rowTensors = new Map<string, number>();
  readonly #rows = new Map<string, Value>();
  #declared: readonly OwnedRows[] | undefined;
  #labelled: Value | undefined;
  #rivals: Value | undefined;
  #setting: OwnContext | undefined;
  #parameters: ReadonlyMap<string, Value> = new Map();
  #stored: ReadonlyMap<string, Value> = new Map();
  #settled = false;

  constructor(
    readonly b: GraphBuilder,
    readonly description: NetworkDescription,
    readonly phase: 'training' | 'inference',
    convolutions: 'lowered' | 'plain' = 'plain',
    rowsOf?: RowsOf,
  ) {
    this.#rowsOf = rowsOf;
    this.#convolutions = convolutions;
    this.random = new RandomSites(b);
    this.active = acting(description.regularizers);
    this.contexts = this.active.map((entry, index) => this.#context(entry, index));
    this.#buffers = new Map(
      description.architecture.buffers.map(({ name, initial }) => [
        name,
        b.has(`buffer.${name}`) ? b.value(`buffer.${name}`) : b.input(`buffer.${name}`, 'float32', initial.shape),
      ]),
    );
  }

  get buffers(): ReadonlyMap<string, Value> {
    return this.#buffers;
  }

  /** A scalar input that the host feeds. */
  scalar(name: string, host: HostScalar): Value {
    this.scalars.set(name, host);
    return this.b.has(name) ? this.b.value(name) : this.b.input(name, 'float32', []);
  }

  /** Makes a regularizer's own tensor known. */
  setOwn(name: string, value: Value): void {
    this.#own.set(name, value);
  }

  /** The first column of a role; it becomes an input of the graph when it is first asked for. */
  #column(role: RowColumn['role']): (CountedColumn & { readonly codes: Value }) | undefined {
    const known = this.#columns.get(role);
    const declared = this.description.columns.find((column) => column.role === role);
    if (known !== undefined || declared === undefined || this.#rowsOf === undefined) return known;
    const made = { ...declared, codes: this.#rowsOf(`column.${role}.${declared.name}`, 'int64', []) };
    this.#columns.set(role, made);
    return made;
  }

  /** Logits of the batch with those of classes that are not of a row's task out of reach, where tasks have own heads. */
  competing(logits: Value): Value {
    const { tasks, outputs, batchSize } = this.description;
    if (tasks?.ownHeads !== true || this.#rowsOf === undefined || logits.shape[0] !== batchSize) return logits;
    this.#rivals ??= this.b.gather(
      this.b.constant(float32([tasks.names.length, outputs], rivalsOf(tasks, outputs).flat())),
      this.#rowsOf('task', 'int64', []),
    );
    return this.b.add(logits, this.#rivals);
  }

  /** 1 for rows of the batch whose label is known, else 0; it becomes an input of the graph when it is first asked for. */
  labelled(): Value | undefined {
    if ((this.description.unlabelled ?? 0) === 0 || this.#rowsOf === undefined) return undefined;
    this.#labelled ??= this.#rowsOf('labelled', 'float32', []);
    return this.#labelled;
  }

  /** A row tensor for the rows of the batch; it becomes an input of the graph when it is first asked for. */
  #row(entry: Active, index: number, label: string): Value {
    const name = ownName(entry, index, label);
    const known = this.#rows.get(name);
    if (known !== undefined) return known;
    const declared = this.#declaredRows().find((tensor) => tensor.name === name);
    if (declared === undefined || this.#rowsOf === undefined) {
      throw new Error(`${entry.regularizer.type} did not declare rows "${label}", or asks for them in inference`);
    }
    const made = this.#rowsOf(`rows.${name}`, 'float32', declared.shape);
    this.#rows.set(name, made);
    this.rowTensors.set(`data.rows.${name}`, index);
    return made;
  }

  #declaredRows(): readonly OwnedRows[] {
    this.#declared ??= ownTensors(this.description).rows;
    return this.#declared;
  }

  /** Runs `build` so that it moves no state: the step's own objective stands, and this one is for other weights. */
  again<T>(build: () => T): T {
    this.#settled = true;
    try {
      return build();
    } finally {
      this.#settled = false;
    }
  }

  /** Stored weights -> as the network sees them; what follows uses them unless told otherwise. */
  useWeights(stored: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
    this.#stored = stored;
    this.#parameters = this.effective(stored);
    return this.#parameters;
  }

  /** Stored weights -> as the network sees them. */
  effective(stored: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
    const result = new Map<string, Value>();
    for (const parameter of this.description.architecture.parameters) {
      const value = this.active.reduce(
        (current, { regularizer, options }, i) =>
          regularizer.hooks.weight?.(this.contexts[i], options, { parameter, value: current }) ?? current,
        stored.get(parameter.name)!,
      );
      result.set(parameter.name, value);
    }
    return result;
  }

  /**
   * Runs the network.
   *
   * @param own whether it is the step's own pass, which moves running statistics: attacks come before it, others after.
   *   In inference: whether normalizations take the statistics of the batch, to collect them
   */
  pass(
    inputs: Readonly<Record<string, Value>>,
    { parameters = this.#parameters, disturbed = false }: PassOptions = {},
    own = false,
  ): Pass {
    const { b, active, contexts, phase } = this;
    const { architecture, batchSize, outputs } = this.description;
    const { sites, spectrograms, head, members } = architecture;
    const acts = active.map(({ regularizer }) =>
      phase === 'inference' ? regularizer.forwardAtInference === true : disturbed,
    );
    const disturbing = active.some(({ regularizer }, i) => acts[i] && regularizer.hooks.forward !== undefined);
    const read = active.some(({ regularizer }) => regularizer.readsActivations === true);
    const lowered =
      this.#convolutions === 'lowered'
        ? lowerConvolutions(b, architecture.graph, { sitesInUse: new Set(disturbing || read ? sites.keys() : []) })
        : undefined;
    const activations: Site[] = [];
    let features: Value | undefined;
    const ofMembers: Value[] = [];
    const results = inline(b, architecture.graph, {
      inputs,
      prefix: 'model.',
      parameter: (name) => parameters.get(name) ?? this.#buffers.get(name),
      replace: (node, nodeInputs) => {
        if (node.outputs[0] === head?.output && nodeInputs[0]?.shape.length === 2) features = nodeInputs[0];
        if (node.opType === 'Dropout') return [nodeInputs[0] as Value];
        if (phase === 'inference' && !own) return undefined;
        if (node.opType !== 'BatchNormalization') {
          const made = lowered?.(node, nodeInputs);
          return disturbed ? (this.#layer(node, nodeInputs, made) ?? made) : made;
        }
        const { output, runningMean, runningVariance } = batchNormalize(b, node, nodeInputs);
        if (own && !this.#settled) {
          this.newBuffers.set(node.inputs[3], runningMean);
          this.newBuffers.set(node.inputs[4], runningVariance);
        }
        return [output];
      },
      intercept: (name, value) => {
        if (members.includes(name)) ofMembers.push(b.reshape(value, [batchSize, outputs]));
        if (spectrograms.has(name)) {
          return active.reduce(
            (current, { regularizer, options }, i) =>
              (acts[i] ? regularizer.hooks.spectrogram?.(contexts[i], options, current) : undefined) ?? current,
            value,
          );
        }
        const kind = sites.get(name)?.kind;
        if (kind === undefined) return value;
        const left = active.reduce((current, { regularizer, options }, i) => {
          if (!acts[i]) return current;
          return regularizer.hooks.forward?.(contexts[i], options, { name, kind, value: current }) ?? current;
        }, value);
        activations.push({ name, kind, value: left });
        return left;
      },
    });
    const logits = b.reshape(results[architecture.graph.outputs[0].name], [batchSize, outputs]);
    return { logits, activations, features, members: ofMembers.length > 0 ? ofMembers : [logits] };
  }

  /** What `layer` hooks make of a product by a weight; undefined where there is none. @param made its result, where known */
  #layer(
    { opType, inputs, attributes }: Node,
    [input, weight, bias]: readonly (Value | undefined)[],
    made: readonly Value[] | undefined,
  ): readonly Value[] | undefined {
    const { active, contexts, b } = this;
    if (!active.some(({ regularizer }) => regularizer.hooks.layer !== undefined)) return undefined;
    const parameter = this.description.architecture.parameters.find(({ name }) => name === inputs[1]);
    if (parameter?.product === undefined || input === undefined || weight === undefined) return undefined;
    const output = made?.[0] ?? b.op(opType, bias === undefined ? [input, weight] : [input, weight, bias], attributes);
    const product = (x: Value, w: Value): Value => b.op(opType, [x, w], attributes);
    return [
      active.reduce(
        (current, { regularizer, options }, i) =>
          regularizer.hooks.layer?.(contexts[i], options, { parameter, input, weight, output: current, product }) ??
          current,
        output,
      ),
    ];
  }

  /** Cross-entropy of each row, or half its squared error: [batch]. */
  lossesOf(logits: Value, target: Value): Value {
    const { b } = this;
    if (this.description.task === 'classification') {
      return b.neg(b.reduceSum(b.mul(b.logSoftmax(this.competing(logits)), target), [1]));
    }
    const error = b.sub(logits, target);
    return b.mul(b.reduceSum(b.mul(error, error), [1]), 0.5);
  }

  #context(entry: Active, index: number): StepContext {
    const graph = this;
    const { b, description, phase } = this;
    const name = `${entry.regularizer.type}.${index}`;
    return {
      b,
      batchSize: description.batchSize,
      task: description.task,
      outputs: description.outputs,
      classRows: description.classRows,
      inputs: description.inputs,
      get setting() {
        graph.#setting ??= ownContext(description, graph.active);
        return graph.#setting;
      },
      phase,
      sites: [...description.architecture.sites.values()],
      get strength() {
        return graph.scalar(`strength.${name}`, { kind: 'strength', regularizer: index });
      },
      random: (label) => this.random.site(`${name}.${label}`),
      drawn: (label, draw) => this.scalar(`drawn.${name}.${label}`, { kind: 'drawn', regularizer: index, label, draw }),
      own: (label) => {
        const value = this.#own.get(ownName(entry, index, label));
        if (value === undefined) throw new Error(`${entry.regularizer.type} did not declare "${label}"`);
        return value;
      },
      stored: (name) => {
        const value = this.#stored.get(name);
        if (value === undefined) throw new Error(`the network has no parameter "${name}"`);
        return value;
      },
      row: (label) => this.#row(entry, index, label),
      asset: (label) => assetOf(entry, label).graph,
      next: (label, value) => {
        if (!this.#settled) this.next.set(ownName(entry, index, label), value);
      },
      column: (role) => this.#column(role),
      labelled: () => this.labelled(),
      tasks: description.tasks,
      network: (inputs, options) => this.pass(inputs, options),
      lossesOf: (logits, target) => this.lossesOf(logits, target),
    };
  }
}
