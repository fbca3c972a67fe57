import { BallastError } from '../errors.js';
import type { Graph, Model, ValueInfo } from '../graph/model.js';
import type { ModelInput } from './inputs.js';
import { withNewHead } from './new-head.js';

export interface ForeignSetting {
  /** What the data gives, without the batch axis. */
  readonly inputs: readonly ModelInput[];
  /** Classes, or 1 for regression. */
  readonly outputs: number;
  /** Output to train on; the first unless given. */
  readonly output: string | undefined;
  /** Shown in messages. */
  readonly path: string;
  /** Seed of a new last layer, which takes the place of the model's own; undefined = its own stays. */
  readonly newHead?: number;
}

/**
 * Makes a model from elsewhere trainable on the data at hand: its inputs are named as the data's tensors, only the wanted
 * output stays, and a final Softmax (or Sigmoid) is taken off, since the loss wants logits.
 *
 * @throws BallastError MODEL_INPUT, MODEL_OUTPUT, MODEL_CLASSES where the model does not fit the data
 */
export function adoptModel(model: Model, { inputs, outputs, output, path, newHead }: ForeignSetting): Graph {
  const { graph } = model;
  const free = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  if (free.length !== inputs.length) {
    throw new BallastError(
      `the model takes ${free.length} inputs (${names(free)}), and the data gives ${inputs.length} (${inputs.map(({ name }) => name).join(', ')})`,
      {
        code: 'MODEL_INPUT',
        place: path,
        remedy: 'Exclude columns with data.features.exclude, or choose data of the same kind',
      },
    );
  }
  const renamed = new Map<string, string>();
  for (const input of free) {
    const match = inputs.find(({ name }) => name === input.name) ?? (inputs.length === 1 ? inputs[0] : undefined);
    if (match === undefined) {
      throw new BallastError(`the model's input "${input.name}" has no counterpart in the data`, {
        code: 'MODEL_INPUT',
        place: path,
        remedy: `The data gives ${inputs.map(({ name }) => name).join(', ')}`,
      });
    }
    checkShape(input, match, path);
    renamed.set(input.name, match.name);
  }
  const chosen = output === undefined ? graph.outputs[0] : graph.outputs.find(({ name }) => name === output);
  if (chosen === undefined) {
    throw new BallastError(`the model has no output "${output ?? ''}"`, {
      code: 'MODEL_OUTPUT',
      place: path,
      remedy: `Its outputs are ${names(graph.outputs)}`,
    });
  }
  const last = graph.nodes.find((node) => node.outputs.includes(chosen.name));
  const squashes = last !== undefined && (last.opType === 'Softmax' || (last.opType === 'Sigmoid' && outputs > 1));
  const logits = squashes ? last.inputs[0] : chosen.name;
  const width = chosen.shape?.at(-1);
  if (typeof width === 'number' && width !== outputs && newHead === undefined) {
    throw new BallastError(
      `the model gives ${width} values a row, and the data has ${outputs === 1 ? 'one number' : `${outputs} classes`}`,
      {
        code: 'MODEL_CLASSES',
        place: path,
        remedy:
          'Set model.head: new for a last layer of its own, choose another model.output, or data with these classes',
      },
    );
  }
  const rename = (name: string): string => renamed.get(name) ?? name;
  const flexible = withAnyBatch(graph);
  const adopted: Graph = {
    ...flexible,
    inputs: flexible.inputs.map((info) => ({ ...info, name: rename(info.name) })),
    outputs: [{ name: logits, type: 'float32', shape: ['batch', outputs] }],
    nodes: flexible.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) })),
  };
  // What only other outputs need goes first: the last layer is that of the chosen one.
  const pruned = prune(adopted);
  return newHead === undefined ? pruned : prune(withNewHead(pruned, outputs, newHead, path));
}

function checkShape(input: ValueInfo, given: ModelInput, path: string): void {
  const rest = input.shape?.slice(1);
  const fits =
    input.type === given.type &&
    (rest === undefined ||
      (rest.length === given.shape.length &&
        rest.every((extent, axis) => typeof extent !== 'number' || extent === given.shape[axis])));
  if (fits) return;
  throw new BallastError(
    `the model's input "${input.name}" is ${input.type} [${input.shape?.join(', ') ?? ''}], and the data gives ${given.type} [N, ${given.shape.join(', ')}]`,
    {
      code: 'MODEL_INPUT',
      place: path,
      remedy:
        given.shape.length === 3
          ? 'Set data.image.size to what the model takes'
          : 'Choose the columns it was made for with data.features.include, or start from another model',
    },
  );
}

/**
 * A graph that takes any number of rows, where it was exported for one at a time; inputs that are initializers with a
 * default are constants then, and weights stored in another shape than they are used in have that shape.
 */
export function withAnyBatch(graph: Graph): Graph {
  const free = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const flexible = foldReshapes(freeBatch(graph, free));
  const inputs = free.map((info) => ({ ...info, shape: ['batch', ...(info.shape ?? []).slice(1)] }));
  // An axis that was called as the inputs' first one is the batch as well.
  const names = new Set(free.map(({ shape }) => shape?.[0]).filter((extent) => typeof extent === 'string'));
  const outputs = flexible.outputs.map((info) => {
    const [first, ...rest] = info.shape ?? [];
    return typeof first === 'string' && names.has(first) ? { ...info, shape: ['batch', ...rest] } : info;
  });
  return { ...flexible, inputs, outputs };
}

/**
 * A model exported for one row at a time has its batch of 1 written into its reshapes as well. Where every input declares
 * a batch of 1, reshapes to [1, ...] become reshapes to [-1, ...], which is the same for one row and right for many.
 */
function freeBatch(graph: Graph, inputs: readonly ValueInfo[]): Graph {
  if (!inputs.every(({ shape }) => shape?.[0] === 1)) return graph;
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.map((node) => {
    const target = node.opType === 'Reshape' ? graph.initializers.get(node.inputs[1]) : undefined;
    if (target === undefined || graph.initializers.has(node.inputs[0])) return node;
    const shape = Array.from(target.data as Iterable<bigint>);
    if (shape.length < 2 || shape[0] !== 1n || shape.includes(-1n)) return node;
    const name = `${node.inputs[1]}.anyBatch`;
    initializers.set(name, {
      type: 'int64',
      shape: [shape.length],
      data: BigInt64Array.from([-1n, ...shape.slice(1)]),
    });
    return { ...node, inputs: [node.inputs[0], name] };
  });
  return { ...graph, nodes, initializers };
}

/** Weights that are stored in one shape and used in another become initializers of the shape that they are used in. */
function foldReshapes(graph: Graph): Graph {
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.filter(({ opType, inputs: [data, target], outputs, attributes }) => {
    const stored = opType === 'Reshape' ? initializers.get(data) : undefined;
    const wanted = stored === undefined ? undefined : graph.initializers.get(target);
    if (stored === undefined || wanted === undefined || attributes.allowzero !== undefined) return true;
    const size = stored.shape.reduce((product, extent) => product * extent, 1);
    const asked = Array.from(wanted.data as Iterable<bigint>, (extent, axis) =>
      extent === 0n ? stored.shape[axis] : Number(extent),
    );
    const known = asked.reduce((product, extent) => (extent === -1 ? product : product * extent), 1);
    initializers.set(outputs[0], { ...stored, shape: asked.map((extent) => (extent === -1 ? size / known : extent)) });
    return false;
  });
  return { ...graph, nodes, initializers };
}

/** Drops nodes and initializers that the outputs do not need. */
function prune(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const nodes = [...graph.nodes]
    .reverse()
    .filter((node) => {
      if (!node.outputs.some((name) => needed.has(name))) return false;
      for (const name of node.inputs) needed.add(name);
      return true;
    })
    .reverse();
  return { ...graph, nodes, initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))) };
}

const names = (infos: readonly ValueInfo[]): string => infos.map(({ name }) => name).join(', ');
