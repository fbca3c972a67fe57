import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { type Graph, int, ints, type Node } from '../../graph/model.js';
import { defineRegularizer } from '../regularizer.js';

const options = z.strictObject({
  ties: z
    .array(z.array(z.string().min(1)).min(2))
    .default([])
    .describe('Groups of parameters that are one, by name; the embedding and the output layer unless given'),
});

/**
 * The graph in which `other` is `kept`: one initializer, used in both places. Of equal shape it is used as it is, of the
 * transposed shape of a matrix transposed (by the attribute of a Gemm, else by a node).
 *
 * @throws BallastError TIE_TO_ITSELF, TIE_UNKNOWN, TIE_SHAPE
 */
export function tie(graph: Graph, kept: string, other: string): Graph {
  if (kept === other) {
    throw new BallastError(`"${kept}" stands twice in one group, and a parameter is tied to another`, {
      code: 'TIE_TO_ITSELF',
      place: 'regularizers.weight-tying.ties',
      value: kept,
      remedy: 'Name each parameter once',
    });
  }
  const [first, second] = [kept, other].map((name) => initializerOf(graph, name));
  const same = String(first.shape) === String(second.shape);
  const transposed = first.shape.length === 2 && String([...first.shape].reverse()) === String(second.shape);
  if (first.type !== second.type || !(same || transposed)) {
    throw new BallastError(
      `${kept} is ${first.type} [${first.shape}], and ${other} is ${second.type} [${second.shape}]`,
      {
        code: 'TIE_SHAPE',
        place: 'regularizers.weight-tying.ties',
        remedy: 'Tie parameters of one shape, or matrices of which one is the other transposed',
      },
    );
  }
  const initializers = new Map(graph.initializers);
  initializers.delete(other);
  const turned = `${kept}/transposed`;
  let turns = false;
  const nodes = graph.nodes.map((node): Node => {
    if (!node.inputs.includes(other)) return node;
    const isMatrix = node.opType === 'Gemm' && node.inputs[1] === other && node.inputs[0] !== other;
    const name = same || isMatrix ? kept : turned;
    turns ||= name === turned;
    const inputs = node.inputs.map((input) => (input === other ? name : input));
    if (same || !isMatrix) return { ...node, inputs };
    const { transB } = node.attributes;
    const before = transB?.kind === 'int' && transB.value !== 0;
    return { ...node, inputs, attributes: { ...node.attributes, transB: int(before ? 0 : 1) } };
  });
  const turning: Node = {
    name: turned,
    opType: 'Transpose',
    domain: '',
    inputs: [kept],
    outputs: [turned],
    attributes: { perm: ints([1, 0]) },
  };
  return { ...graph, initializers, nodes: turns ? [turning, ...nodes] : nodes };
}

/** The embedding and the matrix of the output layer, where one is the other, transposed or not. @throws BallastError TIE_EMBEDDING */
export function embeddingAndOutput({ nodes, initializers }: Graph): [embedding: string, output: string] {
  const shapeOf = (name: string): string => String(initializers.get(name)?.shape);
  const output = nodes.findLast(
    ({ opType, inputs }) =>
      (opType === 'Gemm' || opType === 'MatMul') && initializers.get(inputs[1])?.shape.length === 2,
  )?.inputs[1];
  const tables = nodes.filter(({ opType, inputs }) => opType === 'Gather' && initializers.has(inputs[0]));
  const table = tables.find(({ inputs }) => {
    if (output === undefined) return false;
    const turned = String([...(initializers.get(output)?.shape ?? [])].reverse());
    return shapeOf(inputs[0]) === shapeOf(output) || shapeOf(inputs[0]) === turned;
  });
  if (output === undefined || table === undefined) {
    throw new BallastError('there is no embedding of the output layer’s shape to tie it with', {
      code: 'TIE_EMBEDDING',
      place: 'regularizers.weight-tying',
      remedy: `Name what to tie in ties; the network has ${[...initializers.keys()].slice(0, 20).join(', ')}`,
    });
  }
  return [table.inputs[0], output];
}

function initializerOf({ initializers }: Graph, name: string) {
  const found = initializers.get(name);
  if (found !== undefined) return found;
  throw new BallastError(`the network has no parameter "${name}"`, {
    code: 'TIE_UNKNOWN',
    place: 'regularizers.weight-tying.ties',
    value: name,
    remedy: `It has ${[...initializers.keys()].slice(0, 30).join(', ')}; a parameter is tied once`,
  });
}

export const weightTying = defineRegularizer({
  type: 'weight-tying',
  title: 'Weight tying',
  technique: 'T21',
  summary: 'Makes parameters one: those of a declared group, or the embedding and the output layer.',
  strength: { unit: 'on or off', default: 1, range: [1, 1], scale: 'linear', limits: [0, 1], switch: true },
  options,
  hooks: {
    architecture: (_context, { ties }, graph) => {
      const groups = ties.length === 0 ? [embeddingAndOutput(graph)] : ties;
      return groups.reduce(
        (current, [kept, ...others]) => others.reduce((g, other) => tie(g, kept, other), current),
        graph,
      );
    },
  },
  cost: { training: 'less: one gradient and one update for several places', inference: 'none; a smaller file' },
  fails: [
    'Parts that do different work: what is tied must mean the same in both places.',
    'An embedding and an output layer whose scales differ: the first of a group gives the initial values of all.',
    'A small vocabulary or few outputs: there is nothing to save.',
  ],
  dataSize: 'Helps with few rows a parameter: an embedding of rare words learns from every output too.',
  references: [
    'Press and Wolf, Using the Output Embedding to Improve Language Models, EACL 2017',
    'Inan, Khosravi and Socher, Tying Word Vectors and Word Classifiers, ICLR 2017',
    'PyTorch: decoder.weight = encoder.weight in its word language model',
  ],
});
