import { GraphBuilder, type Value } from '../graph/builder.js';
import { removeDeadCode } from '../graph/format/dead-code.js';
import { gradients } from '../graph/gradients.js';
import { inline } from '../graph/inline.js';
import { lowerConvolutions } from '../graph/lowering/plan.js';
import type { Model } from '../graph/model.js';
import { RandomSites } from '../graph/random.js';
import { type DataType, float32 } from '../graph/tensor.js';
import { derive, type Random } from '../numeric/random.js';
import type {
  Active,
  Batch,
  InputDescription,
  StepContext,
  UpdateContext,
  Weights,
} from '../regularizers/regularizer.js';
import { inOrder } from '../regularizers/resolve.js';
import type { Architecture } from './architecture.js';
import { batchNormalize } from './normalization.js';
import type { Optimizer } from './optimizers.js';
import { type Pack, packEach, packParameters, unpack } from './packing.js';

/**
 * One training step as one graph:
 *
 *     rows of the data sets  -> batch hooks        mixup, noise, augmentation
 *     network                -> forward hooks      dropout at its sites
 *     targets                -> targets hooks      label smoothing
 *     loss                   -> objective hooks    + penalties
 *     gradients              -> clipping
 *     weights                -> decay hooks, optimizer, proximal hooks
 *
 * Data, weights, optimizer state, learning rate and every strength are inputs of the graph; new weights and state are
 * its outputs. Nothing in it changes from step to step.
 *
 * With `updates: 'host'` the graph ends at the gradients, and a kernel takes the optimizer's step in place: the same
 * arithmetic, bit for bit, in one pass over memory instead of a dozen. Proximal hooks, which act on what the optimizer
 * proposes, keep the update in the graph.
 */
export interface StepDescription {
  readonly architecture: Architecture;
  readonly inputs: readonly (InputDescription & { readonly type: DataType })[];
  readonly task: 'classification' | 'regression';
  /** Classes, or 1. */
  readonly outputs: number;
  readonly batchSize: number;
  /** Rows of the bound data set, out of which batches are gathered. */
  readonly rows: number;
  readonly hasWeights: boolean;
  /** Weight of each class in the loss, or undefined. */
  readonly classWeights: readonly number[] | undefined;
  readonly regularizers: readonly Active[];
  readonly optimizer: Optimizer;
  readonly gradientClip: number | undefined;
}

/** A scalar that the host computes before each step. */
export type HostScalar =
  | { readonly kind: 'learningRate' }
  | { readonly kind: 'optimizer'; readonly name: string }
  | { readonly kind: 'strength'; readonly regularizer: number }
  | {
      readonly kind: 'drawn';
      readonly regularizer: number;
      readonly label: string;
      readonly draw: (stream: Random, strength: number) => number;
    };

export interface CompiledStep {
  readonly model: Model;
  readonly packs: readonly Pack[];
  /** Packs that the graph gives the gradient of, as output `gradient.<pack>`, instead of new weights and slots. */
  readonly hostUpdates: readonly HostUpdate[];
  /** Optimizer slots of each pack. */
  readonly slots: readonly string[];
  readonly buffers: readonly string[];
  /** float32 scalar inputs, by name. */
  readonly scalars: ReadonlyMap<string, HostScalar>;
  /** Random sites: uint32 [1] inputs named `random.<label>`. */
  readonly randomSites: readonly string[];
  /** Regularizers of the description that nothing of this step depends on. */
  readonly idle: readonly Active[];
}

export interface HostUpdate {
  readonly pack: Pack;
  /** Scalar output that holds the factor of the old weights (decay hooks); undefined = 1. */
  readonly kept: string | undefined;
}

export interface CompileOptions {
  /** Where the optimizer's step is taken: in the graph unless told otherwise. */
  readonly updates?: 'graph' | 'host';
  /** Whether convolutions are built as products for the processor's caches; they are unless told otherwise. */
  readonly convolutions?: 'lowered' | 'plain';
}

export function compileStep(
  description: StepDescription,
  { updates = 'graph', convolutions = 'lowered' }: CompileOptions = {},
): CompiledStep {
  const { architecture, batchSize, task, outputs, rows, optimizer } = description;
  const b = new GraphBuilder('training-step');
  const active = inOrder(description.regularizers).filter(({ strength }) => strength !== 0);
  const scalars = new Map<string, HostScalar>();
  const scalar = (name: string, host: HostScalar): Value => {
    scalars.set(name, host);
    return b.has(name) ? b.value(name) : b.input(name, 'float32', []);
  };
  const random = new RandomSites(b);
  const contexts = active.map((entry, index): StepContext => {
    const name = `${entry.regularizer.type}.${index}`;
    return {
      b,
      batchSize,
      task,
      outputs,
      inputs: description.inputs,
      get strength() {
        return scalar(`strength.${name}`, { kind: 'strength', regularizer: index });
      },
      random: (label) => random.site(`${name}.${label}`),
      drawn: (label, draw) => scalar(`drawn.${name}.${label}`, { kind: 'drawn', regularizer: index, label, draw }),
    };
  });

  // Data
  const index = b.input('batch.index', 'int64', [batchSize]);
  const rowsOf = (name: string, type: DataType, shape: readonly number[]): Value =>
    b.gather(b.input(`data.${name}`, type, [rows, ...shape]), index);
  const inputs: Record<string, Value> = {};
  for (const { name, type, shape } of description.inputs) inputs[name] = rowsOf(name, type, shape);
  const target =
    task === 'classification'
      ? b.oneHot(rowsOf('target', 'int64', []), outputs)
      : rowsOf('target', 'float32', [outputs]);
  const weights = description.hasWeights ? rowsOf('weight', 'float32', []) : undefined;
  let batch: Batch = { inputs, target };
  active.forEach(({ regularizer, options }, i) => {
    batch = regularizer.hooks.batch?.(contexts[i], options, batch) ?? batch;
  });

  // Network
  const onHost = updates === 'host' && active.every(({ regularizer }) => regularizer.hooks.proximal === undefined);
  const packs = (onHost ? packEach : packParameters)(architecture.parameters);
  const packed = packs.map((pack) => b.input(`parameter.${pack.name}`, 'float32', pack.shape));
  const parameters = new Map(packs.flatMap((pack, i) => [...unpack(b, pack, packed[i])]));
  const buffers = new Map(
    architecture.buffers.map(({ name, initial }) => [name, b.input(`buffer.${name}`, 'float32', initial.shape)]),
  );
  const newBuffers = new Map<string, Value>();
  const disturbed = active.some(({ regularizer }) => regularizer.hooks.forward !== undefined);
  const lowered =
    convolutions === 'lowered'
      ? lowerConvolutions(b, architecture.graph, { sitesInUse: disturbed ? architecture.sites : new Set() })
      : undefined;
  const graphOutputs = inline(b, architecture.graph, {
    inputs: batch.inputs,
    prefix: 'model.',
    parameter: (name) => parameters.get(name) ?? buffers.get(name),
    replace(node, nodeInputs) {
      if (node.opType === 'Dropout') return [nodeInputs[0] as Value];
      if (node.opType !== 'BatchNormalization') return lowered?.(node, nodeInputs);
      const { output, runningMean, runningVariance } = batchNormalize(b, node, nodeInputs);
      newBuffers.set(node.inputs[3], runningMean);
      newBuffers.set(node.inputs[4], runningVariance);
      return [output];
    },
    intercept(name, value) {
      if (!architecture.sites.has(name)) return value;
      return active.reduce(
        (current, { regularizer, options }, i) =>
          regularizer.hooks.forward?.(contexts[i], options, { name, value: current }) ?? current,
        value,
      );
    },
  });
  const output = graphOutputs[architecture.graph.outputs[0].name];

  // Loss and objective
  const targets = active.reduce(
    (current, { regularizer, options }, i) => regularizer.hooks.targets?.(contexts[i], options, current) ?? current,
    batch.target,
  );
  const loss = meanLoss(b, description, output, { labels: batch.target, targets, rowWeights: weights });
  const weighted: Weights[] = architecture.parameters.map((parameter) => ({
    parameter,
    value: parameters.get(parameter.name)!,
  }));
  let objective = loss;
  active.forEach(({ regularizer, options }, i) => {
    const penalty = regularizer.hooks.objective?.(contexts[i], options, weighted);
    if (penalty !== undefined) objective = b.add(objective, penalty);
  });

  // Gradients
  const found = gradients(b, objective, packed);
  const clipped = description.gradientClip === undefined ? found : clipByNorm(b, found, description.gradientClip);

  // Update
  const learningRate = scalar('learningRate', { kind: 'learningRate' });
  const hostUpdates: HostUpdate[] = [];
  packs.forEach((pack, p) => {
    const gradient = clipped[p];
    const old = packed[p];
    const parameter = { name: pack.name, role: pack.role, shape: pack.shape };
    const update = (hook: 'decay' | 'proximal', value: Value, stepSize: () => Value): Value =>
      active.reduce((current, { regularizer, options }, i) => {
        // The context's strength is a getter: copying it here would open a scalar that nothing reads.
        const context: UpdateContext = Object.create(contexts[i], {
          learningRate: { value: learningRate },
          stepSize: { get: stepSize },
        });
        return regularizer.hooks[hook]?.(context, options, { parameter, value: old }, current) ?? current;
      }, value);
    const one = b.scalar(1);
    const factor = onHost ? update('decay', one, () => learningRate) : old;
    // A decay of weights one by one is the graph's.
    if (onHost && gradient !== undefined && factor.shape.length === 0) {
      const kept = factor === one ? undefined : `kept.${pack.name}`;
      if (kept !== undefined) b.output(kept, factor);
      b.output(`gradient.${pack.name}`, gradient);
      hostUpdates.push({ pack, kept });
      return;
    }
    const slots = optimizer.slots.map((slot) => b.input(`${slot}.${pack.name}`, 'float32', pack.shape));
    const result =
      gradient === undefined
        ? undefined
        : optimizer.step(b, {
            gradient,
            slots,
            learningRate,
            scalar: (name) => scalar(`optimizer.${name}`, { kind: 'optimizer', name }),
          });
    const stepSize = result?.stepSize ?? (() => learningRate);
    const kept = update('decay', old, stepSize);
    const proposed = result === undefined ? kept : b.sub(kept, result.displacement);
    b.output(`new.parameter.${pack.name}`, update('proximal', proposed, stepSize));
    optimizer.slots.forEach((slot, s) => {
      b.output(`new.${slot}.${pack.name}`, result?.slots[s] ?? slots[s]);
    });
  });
  for (const { name } of architecture.buffers) {
    b.output(`new.buffer.${name}`, newBuffers.get(name) ?? buffers.get(name)!);
  }
  b.output('loss', loss);

  // A penalty's value, for one, is not wanted: only its gradient is.
  const built = b.model();
  const model = { ...built, graph: removeDeadCode(built.graph) };
  const read = new Set(model.graph.nodes.flatMap((node) => node.inputs));
  const acting = new Set<number>();
  for (const [name, host] of scalars) if ('regularizer' in host && read.has(name)) acting.add(host.regularizer);
  return {
    model,
    packs,
    hostUpdates,
    slots: optimizer.slots,
    buffers: architecture.buffers.map(({ name }) => name),
    scalars,
    randomSites: random.labels,
    idle: active.filter(({ regularizer }, i) => regularizer.hooks.afterEpoch === undefined && !acting.has(i)),
  };
}

/**
 * Cross-entropy -sum_c(w_c t_c log p_c), or half the squared error; averaged over the batch with row weights times class
 * weights of the labels. Half, so that a linear model with a penalty is scikit-learn's Lasso, Ridge / rows and
 * ElasticNet; class weights meet smoothed targets as in PyTorch's CrossEntropyLoss(weight, label_smoothing).
 */
function meanLoss(
  b: GraphBuilder,
  { task, outputs, batchSize, classWeights }: StepDescription,
  output: Value,
  { labels, targets, rowWeights }: { labels: Value; targets: Value; rowWeights: Value | undefined },
): Value {
  const logits = b.reshape(output, [batchSize, outputs]);
  const scoreOf = (): Value => {
    if (task === 'classification') return b.mul(b.logSoftmax(logits), targets);
    const error = b.sub(logits, targets);
    return b.mul(error, error);
  };
  const factor = task === 'classification' ? -1 : 0.5;
  if (rowWeights === undefined && classWeights === undefined) {
    return b.mul(b.reduceSum(scoreOf()), factor / batchSize);
  }
  let score = scoreOf();
  let weights = rowWeights;
  if (classWeights !== undefined) {
    const table = b.constant(float32([1, outputs], Float32Array.from(classWeights)));
    score = b.mul(score, table);
    const ofLabel = b.reduceSum(b.mul(labels, table), [1]);
    weights = weights === undefined ? ofLabel : b.mul(weights, ofLabel);
  }
  let perRow = b.reduceSum(score, [1]);
  if (rowWeights !== undefined) perRow = b.mul(perRow, rowWeights);
  // A batch of weight zero has a loss of zero, not 0 / 0.
  const total = b.maximum(b.reduceSum(weights!), 1e-12);
  return b.mul(b.div(b.reduceSum(perRow), total), factor);
}

/** Scales all gradients by min(1, limit / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_. */
function clipByNorm(b: GraphBuilder, found: readonly (Value | undefined)[], limit: number): (Value | undefined)[] {
  const squares = found.flatMap((gradient) =>
    gradient === undefined ? [] : [b.op('ReduceSumSquare', [gradient], { keepdims: { kind: 'int', value: 0 } })],
  );
  const norm = b.sqrt(squares.reduce(b.add));
  const scale = b.minimum(b.div(limit, b.add(norm, 1e-6)), 1);
  return found.map((gradient) => (gradient === undefined ? undefined : b.mul(gradient, scale)));
}

/** The stream of a drawn scalar at a step: stateless, so that a resumed run draws the same. */
export function drawnStream(seed: number, regularizer: number, label: string, step: number): Random {
  return derive(seed, 'drawn', regularizer, label, step);
}
