import { GraphBuilder, type Value } from '../graph/builder.js';
import { removeDeadCode } from '../graph/format/dead-code.js';
import { gradients } from '../graph/gradients.js';
import type { Model } from '../graph/model.js';
import { type DataType, float32 } from '../graph/tensor.js';
import { derive, type Random } from '../numeric/random.js';
import type { Active, Batch, Parameter, Pass, StepView, UpdateContext, Weights } from '../regularizers/regularizer.js';
import type { AheadPlan } from './augment-ahead.js';
import type { Optimizer } from './optimizers.js';
import { type Pack, packEach, packParameters, unpack } from './packing.js';
import { type HostScalar, type NetworkDescription, type OwnedTensor, ownTensors, StepGraph } from './step-graph.js';

/**
 * One training step as one graph:
 *
 *     rows of the data sets  -> batch hooks        mixup, noise, augmentation
 *     stored weights         -> weight hooks       masks, spectral normalization
 *     network                -> forward hooks      dropout at its sites
 *     targets                -> targets hooks      label smoothing
 *     losses of the rows     -> losses and rowWeights hooks
 *     loss                   -> objective hooks    + penalties
 *     gradients              -> gradients hooks    sharpness-aware second pass; then clipping; then noise
 *     weights                -> decay hooks, optimizer, proximal hooks
 *
 * Data, weights, optimizer state, learning rate and every strength are inputs of the graph; new weights and state are
 * its outputs. Nothing in it changes from step to step.
 *
 * With `updates: 'host'` the graph ends at the gradients, and a kernel takes the optimizer's step in place: the same
 * arithmetic, bit for bit, in one pass over memory instead of a dozen. Proximal hooks, which act on what the optimizer
 * proposes, keep the update in the graph.
 */
export interface StepDescription extends NetworkDescription {
  readonly hasWeights: boolean;
  /** Weight of each class in the loss, or undefined. */
  readonly classWeights: readonly number[] | undefined;
  readonly optimizer: Optimizer;
  readonly gradientClip: number | undefined;
}

export interface CompiledStep {
  readonly model: Model;
  readonly packs: readonly Pack[];
  /** Packs that the graph gives the gradient of, as output `gradient.<pack>`, instead of new weights and slots. */
  readonly hostUpdates: readonly HostUpdate[];
  /** Optimizer slots of each pack. */
  readonly slots: readonly string[];
  readonly buffers: readonly string[];
  /** State of the regularizers' own. */
  readonly ownState: readonly (OwnedTensor & { readonly writer: 'graph' | 'host' })[];
  /** Trainable tensors of the regularizers' own, members of packs. */
  readonly ownParameters: readonly OwnedTensor[];
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
  /** Scalar input that holds the factor of the learning rate (rate hooks); undefined = 1. */
  readonly rate: string | undefined;
}

export interface CompileOptions {
  /** Where the optimizer's step is taken: in the graph unless told otherwise. */
  readonly updates?: 'graph' | 'host';
  /** Whether convolutions are built as products for the processor's caches; they are unless told otherwise. */
  readonly convolutions?: 'lowered' | 'plain';
  /** What the output `loss` holds: the loss of the batch alone, or all that is differentiated (for checks of gradients). */
  readonly report?: 'loss' | 'objective';
  /** What is done with the batch before the step: its results are inputs, `batch.<name>`. */
  readonly augmented?: AheadPlan;
  /** Called with the weights after the step: its outputs are then all there are, and no state moves. */
  readonly ahead?: (step: StepGraph, weights: WeightsAhead) => void;
}

/** Weights around a step inside its graph, all of them differentiable by what the step depends on. */
export interface WeightsAhead {
  readonly packs: readonly Pack[];
  /** Values of the packs before the step and after it. */
  readonly before: readonly Value[];
  readonly after: readonly Value[];
  /** Weights by name as they are stored, from values of the packs. */
  readonly unpacked: (values: readonly Value[]) => ReadonlyMap<string, Value>;
}

export function compileStep(
  description: StepDescription,
  { updates = 'graph', convolutions = 'lowered', report = 'loss', augmented, ahead }: CompileOptions = {},
): CompiledStep {
  const { architecture, batchSize, task, outputs, rows, optimizer } = description;
  const b = new GraphBuilder('training-step');
  const index = b.input('batch.index', 'int64', [batchSize]);
  const rowsOf = (name: string, type: DataType, shape: readonly number[]): Value =>
    b.gather(b.input(`data.${name}`, type, [rows, ...shape]), index);
  const step = new StepGraph(b, description, 'training', convolutions, rowsOf);
  const { active, contexts } = step;
  const has = (hook: keyof Active['regularizer']['hooks']): boolean =>
    active.some(({ regularizer }) => regularizer.hooks[hook] !== undefined);

  // Data
  const inputs: Record<string, Value> = {};
  for (const { name, type, shape } of description.inputs) {
    inputs[name] =
      augmented?.inputs.includes(name) === true
        ? b.input(`batch.${name}`, type, [batchSize, ...shape])
        : rowsOf(name, type, shape);
  }
  const target =
    task === 'classification'
      ? b.oneHot(rowsOf('target', 'int64', []), outputs)
      : rowsOf('target', 'float32', [outputs]);
  const ownWeights = description.hasWeights ? rowsOf('weight', 'float32', []) : undefined;
  // Rows without a label weigh nothing in the loss, whatever they weigh otherwise.
  const labelled = step.labelled();
  const givenWeights =
    ownWeights === undefined || labelled === undefined ? (labelled ?? ownWeights) : b.mul(ownWeights, labelled);

  // Parameters and state
  const own = ownTensors(description);
  const proximal = active.some(
    ({ regularizer: { hooks, proximalFor }, options }) =>
      hooks.proximal !== undefined && (proximalFor?.(options) ?? true),
  );
  const apart = updates === 'host' && !proximal;
  const onHost = apart && ahead === undefined;
  const separate = apart || has('rate') || active.some(({ regularizer }) => regularizer.wholeTensors === true);
  const auxiliary = own.parameters.map(({ name, shape }) => ({ name, shape, role: 'auxiliary' as const }));
  const packs = (separate ? packEach : packParameters)([...architecture.parameters, ...auxiliary]);
  const packed = packs.map((pack) => b.input(`parameter.${pack.name}`, 'float32', pack.shape));
  const unpacked = (values: readonly Value[]): ReadonlyMap<string, Value> =>
    new Map(packs.flatMap((pack, i) => [...unpack(b, pack, values[i])]));
  for (const { name, shape } of own.state) step.setOwn(name, b.input(`state.${name}`, 'float32', shape));

  let batch: Batch | undefined;
  /** The objective at these values of the packs; the batch is made once. */
  const objectiveAt = (values: readonly Value[]): { objective: Value; loss: Value } => {
    const stored = unpacked(values);
    for (const { name } of own.parameters) step.setOwn(name, stored.get(name)!);
    const effective = step.useWeights(stored);
    batch ??= active.reduce<Batch>(
      (current, { regularizer, options }, i) =>
        (augmented?.regularizers.has(i) === true
          ? undefined
          : regularizer.hooks.batch?.(contexts[i], options, current)) ?? current,
      { inputs, target },
    );
    const made = batch;
    const pass = step.pass(made.inputs, { disturbed: true }, true);
    const targets = active.reduce(
      (current, { regularizer, options }, i) =>
        regularizer.hooks.targets?.(contexts[i], options, current, made) ?? current,
      made.target,
    );
    const weightsOf = (values: ReadonlyMap<string, Value>): Weights[] =>
      architecture.parameters.map((parameter) => ({ parameter, value: values.get(parameter.name)! }));
    const view = viewOf(step, { pass, batch: made, targets, weights: () => weightsOf(effective), givenWeights });
    const loss =
      has('losses') || has('rowWeights') || pass.members.length > 1
        ? weightedMean(step, view, description)
        : meanLoss(b, description, step.competing(pass.logits), {
            labels: made.target,
            targets,
            rowWeights: givenWeights,
          });
    const weighted = weightsOf(stored);
    const objective = active.reduce(
      (sum, { regularizer, options }, i) => {
        const penalty = regularizer.hooks.objective?.(contexts[i], options, weighted, view);
        return penalty === undefined ? sum : b.add(sum, penalty);
      },
      asTrained(b, loss, pass),
    );
    return { objective, loss };
  };
  const { objective, loss } = objectiveAt(packed);

  // Gradients
  let found = gradients(b, objective, packed);
  const change = ({ regularizer, options }: Active, i: number): void => {
    const hook = regularizer.hooks.gradients;
    if (hook === undefined) return;
    const known = packs.flatMap((pack, p) => {
      const gradient = found[p];
      const parameter = asParameter(pack);
      return gradient === undefined ? [] : [{ p, parameter, value: packed[p], gradient }];
    });
    const at = (values: readonly Value[]): (Value | undefined)[] => {
      // A point of its own: the way to it is not differentiated.
      const points = packed.slice();
      known.forEach(({ p }, k) => {
        points[p] = b.detached(() => b.op('Identity', [values[k]]));
      });
      const all = gradients(b, step.again(() => objectiveAt(points)).objective, points);
      return known.map(({ p }) => all[p]);
    };
    const changed = hook(contexts[i], options, known, at);
    found = found.slice();
    known.forEach(({ p }, k) => {
      found[p] = changed[k];
    });
  };
  active.forEach((entry, i) => {
    if (entry.regularizer.afterClipping !== true) change(entry, i);
  });
  if (description.gradientClip !== undefined) found = clipByNorm(b, found, description.gradientClip);
  active.forEach((entry, i) => {
    if (entry.regularizer.afterClipping === true) change(entry, i);
  });

  // Update
  const learningRate = step.scalar('learningRate', { kind: 'learningRate' });
  const hostUpdates: HostUpdate[] = [];
  const after: Value[] = [];
  packs.forEach((pack, p) => {
    const gradient = found[p];
    const old = packed[p];
    const parameter = asParameter(pack);
    const rateName = `rate.${pack.name}`;
    const ownRate =
      has('rate') && pack.role !== 'auxiliary'
        ? step.scalar(rateName, { kind: 'rate', parameter: pack.name })
        : undefined;
    const scaled = (value: Value): Value => (ownRate === undefined ? value : b.mul(value, ownRate));
    const update = (hook: 'decay' | 'proximal', value: Value, stepSize: () => Value): Value =>
      pack.role === 'auxiliary'
        ? value
        : active.reduce((current, { regularizer, options }, i) => {
            // The context's strength is a getter: copying it here would open a scalar that nothing reads.
            const context: UpdateContext = Object.create(contexts[i], {
              learningRate: { get: () => scaled(learningRate) },
              stepSize: { get: () => scaled(stepSize()) },
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
      hostUpdates.push({ pack, kept, rate: ownRate === undefined ? undefined : rateName });
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
            scalar: (name) => step.scalar(`optimizer.${name}`, { kind: 'optimizer', name }),
          });
    const stepSize = result?.stepSize ?? (() => learningRate);
    const kept = update('decay', old, stepSize);
    const proposed = result === undefined ? kept : b.sub(kept, scaled(result.displacement));
    after.push(update('proximal', proposed, stepSize));
    if (ahead !== undefined) return;
    b.output(`new.parameter.${pack.name}`, after[after.length - 1]);
    optimizer.slots.forEach((slot, s) => {
      b.output(`new.${slot}.${pack.name}`, result?.slots[s] ?? slots[s]);
    });
  });
  if (ahead === undefined) {
    for (const { name } of architecture.buffers) {
      b.output(`new.buffer.${name}`, step.newBuffers.get(name) ?? step.buffers.get(name)!);
    }
    for (const { name, writer } of own.state) {
      if (writer === 'graph') b.output(`new.state.${name}`, step.next.get(name) ?? b.value(`state.${name}`));
    }
    b.output('loss', report === 'loss' ? loss : objective);
  } else ahead(step, { packs, before: packed, after, unpacked });

  // A penalty's value, for one, is not wanted: only its gradient is.
  const built = b.model();
  const model = { ...built, graph: removeDeadCode(built.graph) };
  return {
    model,
    packs,
    hostUpdates,
    slots: optimizer.slots,
    buffers: architecture.buffers.map(({ name }) => name),
    ownState: own.state,
    ownParameters: own.parameters,
    scalars: step.scalars,
    randomSites: step.random.labels,
    idle: idleOf(model, step, own, augmented?.regularizers),
  };
}

/** What update hooks see of a pack: the parameter itself, where it is one. */
function asParameter({ members, name, role, shape }: Pack): Parameter {
  return members.length === 1 ? members[0] : { name, role, shape };
}

/** Hooks that act without the step's graph. */
const HOST_HOOKS = [
  'architecture',
  'examples',
  'learns',
  'rate',
  'afterStep',
  'afterEachEpoch',
  'afterTask',
  'rehearse',
  'evaluated',
  'afterEpoch',
  'finish',
] as const;

/** Regularizers that nothing in the graph depends on, and that do nothing outside of it. */
function idleOf(
  model: Model,
  { active, scalars, rowTensors }: StepGraph,
  own: ReturnType<typeof ownTensors>,
  before: ReadonlySet<number> = new Set(),
): Active[] {
  const read = new Set(model.graph.nodes.flatMap((node) => node.inputs));
  const acts = new Set(before);
  for (const [name, host] of scalars) if ('regularizer' in host && read.has(name)) acts.add(host.regularizer);
  for (const { name, regularizer } of own.state) if (read.has(`state.${name}`)) acts.add(regularizer);
  for (const { name, regularizer } of own.parameters) if (read.has(`parameter.${name}`)) acts.add(regularizer);
  for (const [name, regularizer] of rowTensors) if (read.has(name)) acts.add(regularizer);
  return active.filter(
    ({ regularizer: { hooks } }, i) => !acts.has(i) && HOST_HOOKS.every((hook) => hooks[hook] === undefined),
  );
}

/** What hooks see of a step, each part built when it is asked for. */
function viewOf(
  step: StepGraph,
  {
    pass,
    batch,
    targets,
    weights,
    givenWeights,
  }: {
    pass: Pass;
    batch: Batch;
    targets: Value;
    weights: () => Weights[];
    givenWeights: Value | undefined;
  },
): StepView {
  let losses: Value | undefined;
  const view = {
    ...pass,
    batch,
    targets,
    rowWeights: givenWeights,
    get weights() {
      return weights();
    },
    get losses() {
      losses ??= lossesOf(step, { ...pass, batch, targets });
      return losses;
    },
  };
  return view;
}

/** Networks side by side are each trained by all of their own loss, as they would be alone: the mean is told, the sum trained. */
function asTrained(b: GraphBuilder, loss: Value, { members }: Pass): Value {
  return members.length === 1 ? loss : b.mul(loss, members.length);
}

/** One loss a row; those of several networks become one by the first regularizer that says how, else by their mean. */
function lossesOf(step: StepGraph, pass: Pass & { readonly batch: Batch; readonly targets: Value }): Value {
  const { b, active, contexts } = step;
  const ofMembers = pass.members.map((logits) =>
    active.reduce(
      (current, { regularizer, options }, i) =>
        regularizer.hooks.losses?.(contexts[i], options, current, { ...pass, logits, members: [logits] }) ?? current,
      step.lossesOf(logits, pass.targets),
    ),
  );
  if (ofMembers.length === 1) return ofMembers[0];
  const joint = active.findIndex(({ regularizer }) => regularizer.hooks.memberLosses !== undefined);
  if (joint >= 0) {
    const { regularizer, options } = active[joint];
    return regularizer.hooks.memberLosses!(contexts[joint], options, ofMembers, pass);
  }
  return b.div(ofMembers.reduce(b.add), ofMembers.length);
}

/**
 * The mean of the rows' losses under their weights: those given, times those of their classes, as the `rowWeights` hooks
 * leave them. With one-hot targets it is {@link meanLoss}; softened targets take the weight of their label's class.
 */
function weightedMean(step: StepGraph, view: StepView, { classWeights, outputs, batchSize }: StepDescription): Value {
  const { b, active, contexts } = step;
  let given = view.rowWeights ?? b.scalar(1, 'float32', [batchSize]);
  if (classWeights !== undefined) {
    const table = b.constant(float32([1, outputs], Float32Array.from(classWeights)));
    given = b.mul(given, b.reduceSum(b.mul(view.batch.target, table), [1]));
  }
  const hooked = active.reduce(
    (current, { regularizer, options }, i) =>
      regularizer.hooks.rowWeights?.(contexts[i], options, current, view) ?? current,
    given,
  );
  const labelled = step.labelled();
  const weights = labelled === undefined ? hooked : b.mul(hooked, labelled);
  // A batch of weight zero has a loss of zero, not 0 / 0.
  return b.div(b.reduceSum(b.mul(view.losses, weights)), b.maximum(b.reduceSum(weights), 1e-12));
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
