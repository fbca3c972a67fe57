import { BallastError } from '../../errors.js';
import { GraphBuilder, type Value } from '../../graph/builder.js';
import { gradients } from '../../graph/gradients.js';
import { inline } from '../../graph/inline.js';
import type { Graph, Node, ValueInfo } from '../../graph/model.js';
import { float32, type Tensor } from '../../graph/tensor.js';
import { type Eigen, symmetricEigen } from '../../numeric/symmetric.js';
import type { FinishContext } from '../context.js';
import { NodeBuilder } from '../predictive.js';
import { lossFactors, meanWeight } from './curvature.js';
import { type Scale, transposed } from './posterior.js';
import { closed, contrastsOf } from './predict.js';

/** A fully connected layer on rows [batch, inputs]. */
export interface DenseLayer {
  readonly weight: string;
  readonly bias: string | undefined;
  /** Values of the graph: what it takes, and its product before a bias that is added apart. */
  readonly input: string;
  readonly output: string;
}

/** The fully connected layers of a network, whose weights are used nowhere else; inputs of other ranks are told when it is built. */
function denseLayersOf({ nodes, initializers }: Graph): DenseLayer[] {
  const uses = (name: string): number => nodes.filter(({ inputs }) => inputs.includes(name)).length;
  return nodes.flatMap((node): DenseLayer[] => {
    const { opType, inputs, outputs, attributes } = node;
    if (opType !== 'MatMul' && opType !== 'Gemm') return [];
    const [input, weight, added] = inputs;
    const scaled = ['alpha', 'beta'].some((name) => attributes[name]?.kind === 'float' && attributes[name].value !== 1);
    const turned = attributes.transA?.kind === 'int' && attributes.transA.value !== 0;
    if (initializers.get(weight)?.shape.length !== 2 || uses(weight) !== 1 || scaled || turned) return [];
    const bias = added === undefined || added === '' ? addedAfter(nodes, outputs[0], initializers) : added;
    return [{ weight, bias, input, output: outputs[0] }];
  });
}

/** The bias that is added to a product by a node of its own. */
function addedAfter(nodes: readonly Node[], product: string, initializers: Graph['initializers']): string | undefined {
  const next = nodes.filter(({ inputs }) => inputs.includes(product));
  if (next.length !== 1 || next[0].opType !== 'Add') return undefined;
  const other = next[0].inputs.find((name) => name !== product);
  return other !== undefined && initializers.get(other)?.shape.length === 1 ? other : undefined;
}

interface Built {
  readonly logits: Value;
  readonly layers: readonly (DenseLayer & { readonly taken: Value; readonly made: Value })[];
}

/** The network with what its fully connected layers take and make. */
function built(b: GraphBuilder, graph: Graph, inputs: Readonly<Record<string, Value>>, prefix: string): Built {
  const values = new Map<string, Value>(Object.entries(inputs));
  const results = inline(b, graph, {
    inputs,
    prefix,
    replace: (node, [x]) => (node.opType === 'Dropout' && x !== undefined ? [x] : undefined),
    intercept: (name, value) => {
      values.set(name, value);
      return value;
    },
  });
  const layers = denseLayersOf(graph).flatMap((layer) => {
    const [taken, made] = [values.get(layer.input), values.get(layer.output)];
    return taken?.shape.length === 2 && made !== undefined ? [{ ...layer, taken, made }] : [];
  });
  return { logits: results[graph.outputs[0].name], layers };
}

/** Kronecker factors of one layer, taken apart. */
interface Factors {
  readonly layer: DenseLayer;
  /** Of sum phi phi', phi what the layer takes and 1 for its bias. */
  readonly ofInputs: Eigen;
  /** Of sum over rows and outputs of the network of g g', g the gradient by what the layer makes. */
  readonly ofOutputs: Eigen;
}

/** The posterior of all fully connected layers: one Kronecker product a layer, nothing between layers. */
export interface LayersPosterior {
  readonly factors: readonly Factors[];
  /** Eigenvalues of all layers together. */
  readonly curvature: Float64Array;
  readonly squaredNorm: number;
  readonly rows: number;
}

export async function layersPosterior(
  { sum, task, train, weights }: Pick<FinishContext, 'sum' | 'task' | 'train' | 'weights'>,
  graph: Graph,
): Promise<LayersPosterior> {
  const found = new Map<string, DenseLayer>();
  const sums = await sum(train, (b, { inputs, weight }) => {
    const { logits, layers } = built(b, graph, inputs, 'model.');
    const column = b.reshape(weight, [weight.shape[0], 1]);
    const made = layers.map((layer) => layer.made);
    const back = lossFactors(b, logits, task).map((seed) => gradients(b, logits, made, seed));
    return Object.fromEntries(
      layers.flatMap((layer, l): [string, Value][] => {
        const { taken, bias } = layer;
        const reached = back.flatMap((all) => (all[l] === undefined ? [] : [all[l]]));
        // A layer that the output does not depend on has no curvature, and no variance to add.
        if (reached.length === 0) return [];
        found.set(layer.weight, layer);
        const phi = bias === undefined ? taken : b.concat([taken, b.scalar(1, 'float32', [taken.shape[0], 1])], 1);
        const square = (x: Value): Value => b.gemm(b.mul(x, column), x, undefined, { transA: true });
        return [
          [`inputs ${layer.weight}`, square(phi)],
          [`outputs ${layer.weight}`, reached.map(square).reduce(b.add)],
        ];
      }),
    );
  });
  const share = meanWeight(train, weights);
  const factors = [...found.values()].map((layer): Factors => {
    const eigen = (name: string): Eigen => {
      const matrix = sums.get(`${name} ${layer.weight}`)!.map((value) => value / share);
      const { values, vectors } = symmetricEigen(matrix, Math.round(Math.sqrt(matrix.length)));
      return { values: values.map((value) => Math.max(0, value)), vectors };
    };
    return { layer, ofInputs: eigen('inputs'), ofOutputs: eigen('outputs') };
  });
  const data = (name: string): Float32Array => (graph.initializers.get(name) as Tensor<Float32Array>).data;
  const squares = (name: string | undefined): number =>
    name === undefined ? 0 : data(name).reduce((total, value) => total + value * value, 0);
  return {
    factors,
    rows: train.length,
    curvature: Float64Array.from(
      factors.flatMap(({ ofInputs, ofOutputs }) =>
        Array.from(ofInputs.values).flatMap((a) => Array.from(ofOutputs.values, (c) => (a * c) / train.length)),
      ),
    ),
    squaredNorm: factors.reduce((total, { layer }) => total + squares(layer.weight) + squares(layer.bias), 0),
  };
}

/** Stands for any number of rows while the graph is built: no extent of a network is as large by chance. */
const ANY = 1_000_003;

/**
 * The network with its predictive distribution in closed form: that of the network linearized in the weights of all fully
 * connected layers (Immer et al. 2021), whose outputs have the variances
 *
 *     var(c' f) = sum over layers of (U' phi)^2 V (W' g)^2        g the gradient of c' f by what the layer makes
 *
 * @param posterior undefined only tries whether it can be built
 * @throws BallastError LAPLACE_LAYERS where the way back through the network depends on the number of rows
 */
export function withAllLayers(
  graph: Graph,
  { task, posterior, scale }: { task: FinishContext['task']; posterior: LayersPosterior | undefined; scale: Scale },
): Graph {
  const b = new GraphBuilder(graph.name);
  const fed = graph.inputs.flatMap(({ name, type, shape = [] }): [string, Value][] => {
    if (graph.initializers.has(name)) return [];
    const extents = shape.slice(1);
    if (!extents.every((extent) => typeof extent === 'number')) throw notForAnyBatch(name);
    return [[name, b.input(name, type, [ANY, ...extents])]];
  });
  const { logits, layers } = built(b, graph, Object.fromEntries(fed), '');
  const outputs = logits.shape[1];
  const known = layers.flatMap((layer) => {
    const factors = posterior?.factors.find((each) => each.layer.weight === layer.weight);
    return posterior !== undefined && factors === undefined ? [] : [{ ...layer, factors }];
  });
  const along = known.map(({ factors, taken }) =>
    factors === undefined || posterior === undefined
      ? undefined
      : spread(b, taken, factors, { ...scale, rows: posterior.rows }),
  );
  const turns = known.map(({ factors }) => (factors === undefined ? undefined : columnsOf(b, factors.ofOutputs)));
  const variances = contrastsOf(task, outputs).map((contrast) => {
    // A row of the contrast for every row of the batch, however many these are.
    const seed = b.add(b.mul(logits, 0), b.constant(float32([1, outputs], contrast)));
    const back = gradients(
      b,
      logits,
      known.map(({ made }) => made),
      seed,
    );
    return known
      .map(({ made }, l) => {
        const g = back[l] ?? b.mul(made, 0);
        const turn = turns[l];
        const turned = turn === undefined ? g : b.matMul(g, turn);
        return b.reduceSum(b.mul(b.mul(turned, turned), along[l] ?? turned), [1], true);
      })
      .reduce(b.add);
  });
  b.output(graph.outputs[0].name, logits);
  b.output(VARIANCE, variances.length === 1 ? variances[0] : b.concat(variances, 1));
  const whole = forAnyBatch(b.graph());
  const noiseVariance = 1 / scale.noisePrecision;
  return closed({ ...whole, outputs: whole.outputs.slice(0, 1) }, new NodeBuilder('laplace'), VARIANCE, {
    task,
    noiseVariance,
    outputs,
  });
}

/** Variances of the outputs in the graph, [batch, contrasts]. */
const VARIANCE = 'laplace.variance';

/** (U' phi)^2 V for a layer: [batch, outputs of the layer]. */
function spread(
  b: GraphBuilder,
  taken: Value,
  { layer, ofInputs, ofOutputs }: Factors,
  { precision, noisePrecision, temperature, rows }: Scale & { readonly rows: number },
): Value {
  const [inputs, outputs] = [ofInputs.values.length, ofOutputs.values.length];
  const width = taken.shape[1];
  const all = Float32Array.from(transposed(ofInputs.vectors, inputs));
  const directions = b.constant(float32([width, inputs], all.subarray(0, width * inputs)));
  const turned =
    layer.bias === undefined
      ? b.matMul(taken, directions)
      : b.gemm(taken, directions, b.constant(float32([inputs], all.subarray(width * inputs))));
  const variances = Float32Array.from({ length: inputs * outputs }, (_, at) => {
    const curvature = (ofInputs.values[Math.floor(at / outputs)] * ofOutputs.values[at % outputs]) / rows;
    return temperature / (noisePrecision * curvature + precision);
  });
  return b.matMul(b.mul(turned, turned), b.constant(float32([inputs, outputs], variances)));
}

/** Eigenvectors as columns. */
function columnsOf(b: GraphBuilder, { values, vectors }: Eigen): Value {
  const n = values.length;
  return b.constant(float32([n, n], Float32Array.from(transposed(vectors, n))));
}

/** A graph built for {@link ANY} rows as one for any number. */
function forAnyBatch(graph: Graph): Graph {
  const fixed = [...graph.initializers.values()].some(
    ({ type, shape, data }) =>
      shape.includes(ANY) || (type === 'int64' && (data as BigInt64Array).includes(BigInt(ANY))),
  );
  const foreign = graph.nodes.find(({ domain }) => domain !== '');
  if (fixed || foreign !== undefined) throw notForAnyBatch(foreign?.opType);
  const anyBatch = (info: ValueInfo): ValueInfo => ({ ...info, shape: ['batch', ...(info.shape ?? []).slice(1)] });
  return {
    ...graph,
    inputs: graph.inputs.map(anyBatch),
    outputs: graph.outputs.map(anyBatch),
    valueInfo: new Map(),
  };
}

function notForAnyBatch(value: string | undefined): BallastError {
  return new BallastError(
    'laplace of all layers goes back through the network, which cannot be exported for any number of rows',
    { code: 'LAPLACE_LAYERS', place: 'regularizers', value, remedy: 'Set layers: last' },
  );
}

/** Order of the largest factor of all fully connected layers. */
export function largestFactor(graph: Graph): number {
  const shapes = denseLayersOf(graph).map(({ weight }) => graph.initializers.get(weight)!.shape);
  return Math.max(0, ...shapes.map(([rows, columns]) => Math.max(rows, columns) + 1));
}
