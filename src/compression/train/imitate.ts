import { BallastError } from '../../errors.js';
import type { BoxLayout } from '../../evaluation/units/decode-boxes.js';
import { GraphBuilder, type Value } from '../../graph/builder.js';
import { removeDeadCode } from '../../graph/format/dead-code.js';
import { writeModel } from '../../graph/format/encode.js';
import type { Graph, Model } from '../../graph/model.js';
import { renameValues } from '../../graph/rename.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, type Tensor } from '../../graph/tensor.js';
import { FIXED } from '../../models/layers.js';
import { WEIGHTED } from '../../training/sites.js';
import { batchesOf, type Examples, type Pictures } from '../examples.js';

/** A detector with its distance from given answers behind it: what training takes, with nothing to be predicted but 0. */
export interface Lesson {
  readonly model: Model;
  readonly examples: Examples;
}

/** Input that the answers to be learned come by. */
const SAID = 'answers to learn';
const OWN = 'own answers';
const DISTANCE = 'distance';

/** Scores are held off 0 and 1 by so much, where their logarithms end. */
const EDGE = 1e-6;
/** Weight of the boxes: COCO's metric asks for them far more exactly than for scores. */
const BOXES = 5;

/** What a detector answers to all pictures: [pictures, ...] as it gives it. */
export async function answersToLearn(
  runtime: Runtime,
  model: Model,
  pictures: Pictures,
  signal?: AbortSignal,
): Promise<Tensor<Float32Array>> {
  const { images, layout, output } = pictures;
  const size = (4 + layout.classes) * layout.anchors;
  const rows = Uint32Array.from(images, (_, row) => row);
  const said = new Float32Array(images.length * size);
  const session = await runtime.load(writeModel(model));
  let at = 0;
  try {
    for await (const feeds of batchesOf({ ...pictures, batch: undefined }, rows)()) {
      signal?.throwIfAborted();
      const { data } = (await session.run(feeds, [output.name]))[output.name];
      said.set(data as Float32Array, at);
      at += data.length;
    }
  } finally {
    session.release();
  }
  return float32([images.length, ...shapeOf(layout)], said);
}

/** Answers as they would be, were the detector sure of each: scores of 0 and 1. */
export function hardened(
  { shape, data }: Tensor<Float32Array>,
  { classes, anchors, anchorsLast }: BoxLayout,
): Tensor<Float32Array> {
  const width = 4 + classes;
  const isScore = (i: number): boolean => (anchorsLast ? Math.floor(i / anchors) % width : i % width) >= 4;
  return float32(
    shape,
    data.map((value, i) => (isScore(i) ? Number(value > 0.5) : value)),
  );
}

/**
 * Puts a detector before its distance from given answers, those of a teacher or of people. Scores: the Kullback-Leibler divergence of
 * Bernoulli variables, a sum over anchors and classes. Boxes: the squared error of centre and size as a share of the given box's
 * size, each anchor by its surest given score, since boxes of nothing mean nothing. The distance is the root of the sum, so
 * that a squared error of it, with 0 to be predicted, is the sum.
 *
 * @param said [pictures, ...] as the detector answers
 * @throws BallastError MODEL_NOT_TRAINABLE; GRAPH_* naming node and operator
 */
export function lessonOf(network: Model, pictures: Pictures, said: Tensor<Float32Array>): Lesson {
  const { layout, output, images } = pictures;
  const decoding = decodingConstants(network.graph, output.name);
  const graph = renameValues(network.graph, (name) => (decoding.has(name) ? `${FIXED}${name}` : name));
  if (graph.outputs.find(({ name }) => name === output.name)?.type !== 'float32') {
    throw new BallastError(`the output "${output.name}" is not float32, and training is`, {
      code: 'MODEL_NOT_TRAINABLE',
      remedy: 'Export the detector in float32, or compress without training (--epochs 0)',
    });
  }
  const distance = renameValues(
    distanceGraph(layout),
    (name) => (name === OWN ? output.name : name === SAID || name === DISTANCE ? name : `distance/${name}`),
    'distance/',
  );
  const inputs = { ...pictures.inputs, [SAID]: said };
  const behind: Graph = {
    ...graph,
    inputs: [...graph.inputs, { name: SAID, type: 'float32', shape: ['batch', ...shapeOf(layout)] }],
    outputs: [{ name: DISTANCE, type: 'float32', shape: ['batch', 1] }],
    nodes: [...graph.nodes, ...distance.nodes],
    initializers: new Map([...graph.initializers, ...distance.initializers]),
  };
  const examples: Examples = {
    ...{ task: 'regression', classes: [], output: { name: DISTANCE, kind: 'predictions' } },
    ...{ inputs, target: new Float64Array(images.length) },
  };
  return { model: { ...network, graph: removeDeadCode(behind) }, examples };
}

/** What the decoding behind the last weights takes, such as where the cells of a grid begin: no weights, though they look like some. */
function decodingConstants({ nodes, initializers }: Graph, output: string): Set<string> {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const isWeighted = (name: string): boolean => WEIGHTED.has(makers.get(name)?.opType ?? '');
  const found = new Set<string>();
  const seen = new Set<string>();
  const ahead = [output];
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    const maker = makers.get(name);
    if (maker === undefined || seen.has(name) || WEIGHTED.has(maker.opType)) continue;
    seen.add(name);
    // A sum with what weights made is their bias.
    const hasBias = maker.opType === 'Add' && maker.inputs.some(isWeighted);
    if (!hasBias) for (const given of maker.inputs) if (initializers.has(given)) found.add(given);
    ahead.push(...maker.inputs);
  }
  return found;
}

function distanceGraph(layout: BoxLayout): Graph {
  const b = new GraphBuilder('distance');
  const [own, said] = [OWN, SAID].map((name) => b.input(name, 'float32', [1, ...shapeOf(layout)]));
  const axis = layout.anchorsLast ? 1 : 2;
  const parts = [2, 2, layout.classes];
  const [centre, extent, scores] = b.split(own, parts, axis);
  const [rightCentre, rightExtent, rightScores] = b.split(said, parts, axis);
  const [p, q] = [b.clip(rightScores, EDGE, 1 - EDGE), b.clip(scores, EDGE, 1 - EDGE)];
  const divergence = b.add(b.mul(p, b.log(b.div(p, q))), b.mul(b.sub(1, p), b.log(b.div(b.sub(1, p), b.sub(1, q)))));
  const unit = b.clip(rightExtent, 1);
  const squared = (right: Value, found: Value): Value => {
    const error = b.div(b.sub(found, right), unit);
    return b.mul(error, error);
  };
  const sure = b.reduceMax(rightScores, [axis], true);
  const boxes = b.mul(b.add(squared(rightCentre, centre), squared(rightExtent, extent)), sure);
  const sum = b.add(b.reduceSum(divergence, [1, 2]), b.mul(b.reduceSum(boxes, [1, 2]), BOXES));
  // Rounding may leave a little below 0, and the root is steep there.
  b.output(DISTANCE, b.reshape(b.sqrt(b.add(b.clip(sum, 0), 1e-9)), [-1, 1]));
  return b.model().graph;
}

/** A network with the weights that training gave it behind its distance. */
export function withLearned(network: Model, { graph }: Model): Model {
  const initializers = new Map(network.graph.initializers);
  for (const name of initializers.keys())
    initializers.set(name, graph.initializers.get(name) ?? initializers.get(name)!);
  return { ...network, graph: { ...network.graph, initializers } };
}

function shapeOf({ classes, anchors, anchorsLast }: BoxLayout): number[] {
  return anchorsLast ? [4 + classes, anchors] : [anchors, 4 + classes];
}
