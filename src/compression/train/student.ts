import { BallastError } from '../../errors.js';
import type { Graph, Model, Node } from '../../graph/model.js';
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
 * on, outputs are named and scaled as the original's.
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
  const built = buildModel(options, {
    inputs: Object.entries(inputs).map(([name, { type, shape }]) => ({
      name,
      type,
      shape: shape.slice(1),
      ...(type === 'float32' ? {} : { vocabulary: vocabularyOf(network, name, inputs[name]) }),
    })),
    outputs: task === 'classification' ? classes.length : 1,
    seed,
  });
  const initializers = new Map(built.initializers);
  const before: Node[] = [];
  const standardised = new Map<string, string>();
  const node = (opType: string, taken: readonly string[], made: string, attributes: Node['attributes'] = {}): Node => ({
    ...{ name: made, opType, domain: '', attributes },
    ...{ inputs: taken, outputs: [made] },
  });
  for (const [name, tensor] of Object.entries(inputs)) {
    if (tensor.type !== 'float32') continue;
    const { mean, scale } = spreadOf(tensor, rows.fit);
    initializers.set(`${name}.mean`, mean).set(`${name}.scale`, scale);
    before.push(node('Sub', [name, `${name}.mean`], `${name}.centred`));
    before.push(node('Mul', [`${name}.centred`, `${name}.scale`], `${name}.standardised`));
    standardised.set(name, `${name}.standardised`);
  }
  const scores = 'student.scores';
  const inner = built.nodes.map((each) => ({
    ...each,
    inputs: each.inputs.map((name) => standardised.get(name) ?? name),
    outputs: each.outputs.map((name) => (name === 'output' ? scores : name)),
  }));
  const after: Node[] = [];
  if (task === 'regression') {
    const [mean, deviation] = moments(rows.fit, (row) => target[row]);
    initializers.set('target.deviation', float32([], [deviation])).set('target.mean', float32([], [mean]));
    after.push(node('Mul', [scores, 'target.deviation'], 'student.scaled'));
    after.push(node('Add', ['student.scaled', 'target.mean'], output.name));
  } else if (output.kind === 'probabilities') after.push(node('Softmax', [scores], output.name));
  else after.push(node('Identity', [scores], output.name));
  const outputs = [{ name: output.name, type: 'float32' as const, shape: ['batch', built.outputs[0].shape!.at(-1)!] }];
  const graph: Graph = { ...built, name: 'student', outputs, initializers, nodes: [...before, ...inner, ...after] };
  return { ...network, graph };
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
