import { BallastError } from '../../errors.js';
import { sourceOf } from '../../evaluation/calibrators/calibrated-model.js';
import { neededNames } from '../../graph/format/subgraphs.js';
import type { Graph, Model, Node } from '../../graph/model.js';
import { renameValues } from '../../graph/rename.js';
import { float32, type NumericArray, sizeOf, type Tensor } from '../../graph/tensor.js';
import { buildModel } from '../../models/build.js';
import { modelOptions, type NativeModelOptions } from '../../models/options.js';
import type { Examples } from '../examples.js';
import type { Subject } from '../pipeline/subject.js';

/** A smaller network of an architecture of its own, that is to learn from the original. */
export interface Student {
  readonly name: string;
  readonly options: NativeModelOptions;
}

/** Students that suit the inputs: a small one and one that is twice as wide. */
export function searchedStudents({ inputs }: Pick<Examples, 'inputs'>): Student[] {
  const all = Object.values(inputs);
  const tokens = all.some(({ type }) => type !== 'float32' && type !== 'float64');
  const rank = Math.max(...all.map(({ shape }) => shape.length));
  const made = (name: string, options: Record<string, unknown>): Student => ({
    name,
    options: modelOptions.parse(options) as NativeModelOptions,
  });
  return [1, 2].map((wide) => {
    if (tokens || rank === 3) {
      const dimension = 16 * wide;
      return made(`transformer${dimension}`, { type: 'transformer', dimension, heads: 2, layers: 1 });
    }
    if (rank === 4 && all.length === 1) {
      const [{ shape }] = all;
      // As many halvings as leave something of the picture.
      const layers = [8 * wide, 16 * wide].flatMap((conv, i) =>
        Math.min(shape[2], shape[3]) >= 2 ** (i + 2) ? [{ conv }, { pool: 2 }] : [{ conv }],
      );
      return made(`cnn${8 * wide}`, { type: 'cnn', layers: [...layers, { dense: 32 * wide }] });
    }
    return made(`mlp${16 * wide}`, { type: 'mlp', hidden: [16 * wide, 16 * wide] });
  });
}

/**
 * A student with its initial weights, in the place of the subject's network: inputs are standardised by the rows to fit
 * on, outputs are named and scaled as the original's. What the original makes of its scores (probabilities, labels) the student makes
 * of its own.
 *
 * @throws BallastError MODEL_INPUT where the architecture does not take such inputs
 */
export function studentOf({ network, examples, rows, seed }: Subject, { options }: Student): Model {
  if (examples.task === 'detection') {
    throw new BallastError('students are of classification and regression', {
      code: 'STUDENT',
      remedy: 'What is left of a detector after pruning learns from it (prune, distil)',
    });
  }
  const { inputs, task, classes, output, target } = examples;
  const made = buildModel(options, {
    inputs: Object.entries(inputs).map(([name, { type, shape }]) => ({
      name,
      type,
      shape: shape.slice(1),
      ...(type === 'float32' ? {} : { vocabulary: vocabularyOf(network, name, inputs[name]) }),
    })),
    outputs: task === 'classification' ? classes.length : 1,
    seed,
  });
  const built = renameValues(made, (name) => (Object.hasOwn(inputs, name) ? name : `${OWN}${name}`), OWN);
  const further = madeOfScores(network.graph, output.name);
  const initializers = new Map([...further.initializers, ...built.initializers]);
  const before: Node[] = [];
  const standardised = new Map<string, string>();
  const node = (opType: string, taken: readonly string[], made: string, attributes: Node['attributes'] = {}): Node => ({
    ...{ name: made, opType, domain: '', attributes },
    ...{ inputs: taken, outputs: [made] },
  });
  for (const [name, tensor] of Object.entries(inputs)) {
    if (tensor.type !== 'float32') continue;
    const { mean, scale } = spreadOf(tensor, rows.fit);
    const own = (part: string): string => `${OWN}${name}.${part}`;
    initializers.set(own('mean'), mean).set(own('scale'), scale);
    before.push(node('Sub', [name, own('mean')], own('centred')));
    before.push(node('Mul', [own('centred'), own('scale')], own('standardised')));
    standardised.set(name, own('standardised'));
  }
  const scores = built.outputs[0].name;
  const inner = built.nodes.map((each) => ({
    ...each,
    inputs: each.inputs.map((name) => standardised.get(name) ?? name),
  }));
  const after: Node[] = [];
  if (task === 'regression') {
    const [mean, deviation] = moments(rows.fit, (row) => target[row]);
    const [factor, centre, scaled] = ['target.deviation', 'target.mean', 'scaled'].map((name) => OWN + name);
    initializers.set(factor, float32([], [deviation])).set(centre, float32([], [mean]));
    after.push(node('Mul', [scores, factor], scaled));
    after.push(node('Add', [scaled, centre], further.source));
  } else if (output.kind === 'probabilities') after.push(node('Softmax', [scores], further.source));
  else after.push(node('Identity', [scores], further.source));
  const outputs = further.outputs.map((info) =>
    info.name === output.name
      ? { name: output.name, type: 'float32' as const, shape: ['batch', built.outputs[0].shape!.at(-1)!] }
      : info,
  );
  const nodes = [...before, ...inner, ...after, ...further.nodes];
  const graph: Graph = { ...built, name: 'student', outputs, initializers, nodes };
  return { ...network, graph };
}

/** Before the names of what is the student's own: those of the original stand beside them. */
const OWN = 'student/';

/** Outputs that a graph makes of its scores alone, and how: nodes from the value that its output of scores is a copy of. */
function madeOfScores({ nodes, initializers, outputs }: Graph, output: string) {
  const source = sourceOf(nodes, output);
  const derived = new Set([source]);
  const behind: Node[] = [];
  const constants = new Map<string, Tensor>();
  for (const node of nodes) {
    const used = neededNames(node).filter((name) => name !== '');
    const isClosed = used.every((name) => derived.has(name) || initializers.has(name));
    if (!isClosed || !used.some((name) => derived.has(name))) continue;
    behind.push(node);
    for (const name of node.outputs) derived.add(name);
    for (const name of used) if (initializers.has(name)) constants.set(name, initializers.get(name)!);
  }
  return { source, nodes: behind, initializers: constants, outputs: outputs.filter(({ name }) => derived.has(name)) };
}

/** How many tokens there are: as the table of the original has rows, or else as the rows name. */
function vocabularyOf({ graph }: Model, input: string, { data }: Tensor<NumericArray>): number {
  const same = new Set([input]);
  for (const { opType, inputs, outputs } of graph.nodes) {
    if (['Cast', 'Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'].includes(opType) && same.has(inputs[0]))
      same.add(outputs[0]);
    const rows = opType === 'Gather' && same.has(inputs[1]) ? graph.initializers.get(inputs[0])?.shape[0] : undefined;
    if (rows !== undefined) return rows;
  }
  let most = 0;
  for (const token of data) most = Math.max(most, Number(token));
  return most + 1;
}

/** Mean and 1 / standard deviation over the rows: of each feature of a table, of all numbers of a picture or a series. */
function spreadOf(
  { shape, data }: Tensor<NumericArray>,
  rows: Uint32Array,
): { mean: Tensor<Float32Array>; scale: Tensor<Float32Array> } {
  const width = sizeOf(shape.slice(1));
  const features = shape.length === 2 ? width : 1;
  const each = width / features;
  const means = new Float32Array(features);
  const scales = new Float32Array(features);
  for (let feature = 0; feature < features; feature++) {
    const [mean, deviation] = moments(
      Uint32Array.from({ length: rows.length * each }, (_, i) => i),
      (i) => Number(data[rows[Math.floor(i / each)] * width + (features === 1 ? i % each : feature)]),
    );
    means[feature] = mean;
    scales[feature] = 1 / deviation;
  }
  const own = features === 1 ? [] : [features];
  return { mean: float32(own, means), scale: float32(own, scales) };
}

/** Mean and standard deviation; 1 where nothing varies. */
function moments(indices: Uint32Array, at: (index: number) => number): [mean: number, deviation: number] {
  let [sum, squares] = [0, 0];
  for (const index of indices) {
    sum += at(index);
    squares += at(index) ** 2;
  }
  const mean = sum / indices.length;
  const deviation = Math.sqrt(Math.max(0, squares / indices.length - mean ** 2));
  return [mean, deviation > 1e-12 ? deviation : 1];
}
