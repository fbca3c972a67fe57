import { z } from 'zod';
import { removeDeadCode } from '../../graph/format/dead-code.js';
import type { Graph, Model } from '../../graph/model.js';
import type { Tensor } from '../../graph/tensor.js';
import { NodeList } from './node-list.js';
import type { Preprocessor } from './preprocessor.js';

/** Metadata entry that says which values of an exported model are the tensors that its network takes. */
export const ENCODED_KEY = 'ballast.encoded';

/** Before the names of the encoder's outputs: raw columns may bear those of the network's inputs. */
export const ENCODED_PREFIX = 'encoded/';

const encodedValues = z.array(
  z.object({
    /** Name of the network's input. */
    name: z.string(),
    /** The value that stands for it in the exported graph. */
    value: z.string(),
    type: z.enum(['float32', 'int64']),
    shape: z.array(z.int().min(1)),
  }),
);

/** An exported model cut in two: raw columns -> encoded tensors, encoded tensors -> answers. */
export interface EncodedPart {
  /** Its outputs are named `encoded/<input of the network>`. */
  readonly encoder: Model;
  readonly network: Graph;
}

/**
 * Cuts a model that Ballast exported where its preprocessing ends, so that its network can be attacked or learned from on
 * encoded rows. Take the model as it was read: `normalize` may have removed the values in question.
 *
 * @returns undefined for models that do not say where that is
 */
export function encodedPart(model: Model): EncodedPart | undefined {
  const text = model.metadata.get(ENCODED_KEY);
  if (text === undefined) return undefined;
  const parsed = encodedValues.safeParse(JSON.parse(text));
  if (!parsed.success) return undefined;
  const encoded = parsed.data;
  const { graph } = model;
  const known = new Set([...graph.nodes.flatMap(({ outputs }) => outputs), ...graph.inputs.map(({ name }) => name)]);
  if (!encoded.every(({ value }) => known.has(value))) return undefined;
  const infos = encoded.map(({ name, type, shape }) => ({ name, type, shape: ['batch', ...shape] }));
  const outer = encoded.map(({ name, value }) => ({
    name: `${ENCODED_PREFIX}identity/${name}`,
    opType: 'Identity',
    domain: '',
    inputs: [value],
    outputs: [ENCODED_PREFIX + name],
    attributes: {},
  }));
  const nameOf = new Map(encoded.map(({ name, value }) => [value, name]));
  const renamed = (value: string): string => nameOf.get(value) ?? value;
  const made = new Set(encoded.map(({ value }) => value));
  return {
    encoder: {
      ...model,
      graph: removeDeadCode({
        ...graph,
        nodes: [...graph.nodes, ...outer],
        outputs: infos.map((info) => ({ ...info, name: ENCODED_PREFIX + info.name })),
      }),
    },
    network: removeDeadCode({
      ...graph,
      inputs: infos,
      nodes: graph.nodes
        .filter(({ outputs }) => !outputs.some((value) => made.has(value)))
        .map((node) => ({ ...node, inputs: node.inputs.map(renamed) })),
    }),
  };
}

/** Prefix of the nodes and constants that encode, in an exported model. */
export const ENCODER_PREFIX = 'preprocess/';

/** Whether an exported model encodes raw columns exactly as a preprocessor does: the same nodes on the same constants. */
export function encodesAs({ graph }: Model, preprocessor: Preprocessor): boolean {
  const list = new NodeList(ENCODER_PREFIX);
  preprocessor.appendTo(list);
  const nodes = graph.nodes.filter(({ name }) => name.startsWith(ENCODER_PREFIX));
  if (JSON.stringify(nodes) !== JSON.stringify(list.nodes)) return false;
  return [...list.initializers].every(([name, tensor]) => sameTensor(tensor, graph.initializers.get(name)));
}

function sameTensor(first: Tensor, second: Tensor | undefined): boolean {
  return (
    second !== undefined &&
    first.type === second.type &&
    String(first.shape) === String(second.shape) &&
    Array.from(first.data as ArrayLike<unknown>).every((value, i) => Object.is(value, second.data[i]))
  );
}
