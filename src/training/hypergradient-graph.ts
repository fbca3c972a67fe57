import { BallastError } from '../errors.js';
import type { GraphBuilder, Value } from '../graph/builder.js';
import { removeDeadCode } from '../graph/format/dead-code.js';
import { gradients } from '../graph/gradients.js';
import type { Graph, Model } from '../graph/model.js';
import { operatorOf } from '../graph/operators/registry.js';
import type { Active, StrengthLearning } from '../regularizers/regularizer.js';
import type { Pack } from './packing.js';
import { type CompiledStep, compileStep, type StepDescription, type WeightsAhead } from './step.js';
import { acting, type HostScalar, ownTensors, StepGraph } from './step-graph.js';

/**
 * The gradient of a held-back loss V by the strengths s, through the step Phi(w, s) of training itself, whatever it is made
 * of: penalties, softened targets, decay, proximal steps, momentum, Adam.
 *
 *     one step ahead     dV(Phi(w, s)) / ds                                          (Luketina et al. 2016)
 *     at a fixed point   sum over j of v_j dPhi/ds,  v_0 = dV/dw',  v_j = v_(j-1) dPhi/dw     (Lorraine et al. 2020)
 *
 * The second, with Phi a step of gradient descent of rate a, is their Neumann series a sum_j (I - a H)^j for the inverse of
 * the Hessian H. Its first term is the first. `first` computes that term and v_1; `next` turns v_j into its term and v_(j+1).
 */
export interface HypergradientGraph {
  readonly model: Model;
  readonly packs: readonly Pack[];
  readonly scalars: ReadonlyMap<string, HostScalar>;
  readonly randomSites: readonly string[];
  /** Numbers of the learned regularizers among the active ones, in the order of the outputs `hyper.<number>`. */
  readonly learned: readonly number[];
}

export interface HypergradientOptions {
  /** Types to learn; undefined = whatever can be. */
  readonly types: readonly string[] | undefined;
  /** Rows of the held-back batch. */
  readonly heldBatch: number;
  /** How the step lays out its weights. */
  readonly updates: 'graph' | 'host';
  /** Whether the graph gives `cotangent.<pack>` too, what the next term starts from. */
  readonly series: boolean;
}

/** Which strengths are learned, and at which rate. */
export interface Learning {
  readonly plan: StrengthLearning;
  readonly rate: number;
}

/** What asks for learned strengths in a run; undefined where nothing does. */
export function learningOf(active: readonly Active[]): Learning | undefined {
  for (const { regularizer, options, strength } of active) {
    const plan = regularizer.hooks.learns?.(options);
    if (plan !== undefined) return { plan, rate: strength };
  }
  return undefined;
}

/** @throws BallastError STRENGTH_NOT_DIFFERENTIABLE where there is no strength to learn */
export function refuseNothingLearned({ learned }: HypergradientGraph): void {
  if (learned.length > 0) return;
  throw new BallastError('hypergradient finds no strength in this spec that the step is differentiable by', {
    code: 'STRENGTH_NOT_DIFFERENTIABLE',
    place: 'regularizers',
    remedy: 'Add penalties, decay or softened targets, whose strengths can be learned, or remove hypergradient',
  });
}

/** The first term: inputs are those of the step, and `held.index`, the rows of the held-back batch. */
export function compileFirstTerm(
  description: StepDescription,
  { types, heldBatch, updates, series }: HypergradientOptions,
): HypergradientGraph {
  return compileTerm(description, { types, updates, series }, (step, weights) =>
    heldLoss(step, description, weights, heldBatch),
  );
}

/** The term of a cotangent: inputs are those of the step, and `cotangent.<pack>` for each pack. */
export function compileNextTerm(
  description: StepDescription,
  { types, updates }: Pick<HypergradientOptions, 'types' | 'updates'>,
): HypergradientGraph {
  return compileTerm(description, { types, updates, series: true }, ({ b }, { packs, after }) => {
    const products = packs.map((pack, p) =>
      b.reduceSum(b.mul(after[p], b.input(`cotangent.${pack.name}`, 'float32', pack.shape))),
    );
    return { value: products.reduce(b.add), scalars: new Map() };
  });
}

interface Differentiated {
  readonly value: Value;
  readonly scalars: ReadonlyMap<string, HostScalar>;
}

function compileTerm(
  description: StepDescription,
  { types, updates, series }: Pick<HypergradientOptions, 'types' | 'updates' | 'series'>,
  build: (step: StepGraph, weights: WeightsAhead) => Differentiated,
): HypergradientGraph {
  const scalars = new Map<string, HostScalar>();
  let learned: readonly number[] = [];
  const compiled = compileStep(description, {
    updates,
    convolutions: 'plain',
    ahead(step, weights) {
      const { b } = step;
      const { value, scalars: more } = build(step, weights);
      for (const [name, host] of [...step.scalars, ...more]) scalars.set(name, host);
      const strengths = strengthsOf(b, scalars);
      const candidates = candidatesOf(acting(description.regularizers), types);
      const wrt = candidates.map((index) => strengths.get(index));
      const known = wrt.flatMap((strength) => (strength === undefined ? [] : [strength]));
      const found = gradients(b, value, [...known, ...(series ? weights.before : [])]);
      const byName = new Map(known.map((strength, i) => [strength.name, found[i]]));
      learned = candidates.filter((index, i) => {
        const strength = wrt[i];
        const gradient = strength === undefined ? undefined : byName.get(strength.name);
        const reason = reasonAgainst(step, scalars, index, strength, gradient);
        if (reason !== undefined) {
          if (types === undefined) return false;
          throw notDifferentiable(step.active[index], reason);
        }
        b.output(`hyper.${index}`, gradient!);
        return true;
      });
      if (series) {
        weights.packs.forEach((pack, p) => {
          b.output(`cotangent.next.${pack.name}`, found[known.length + p] ?? b.scalar(0, 'float32', pack.shape));
        });
      }
      b.output('value', value);
    },
  });
  return { model: trimmed(compiled), packs: compiled.packs, scalars, randomSites: compiled.randomSites, learned };
}

function trimmed({ model }: CompiledStep): Model {
  return { ...model, graph: removeDeadCode(model.graph) };
}

/** The mean loss of a held-back batch, in inference mode, at the weights after the step. */
function heldLoss(step: StepGraph, description: StepDescription, weights: WeightsAhead, rows: number): Differentiated {
  const { b } = step;
  const held = new StepGraph(b, { ...description, batchSize: rows }, 'inference');
  const stored = weights.unpacked(weights.after);
  const own = ownTensors(description);
  for (const { name } of own.parameters) held.setOwn(name, stored.get(name)!);
  for (const { name } of own.state) held.setOwn(name, b.value(`state.${name}`));
  held.useWeights(stored);
  const index = b.input('held.index', 'int64', [rows]);
  const rowsOf = (name: string): Value => b.gather(b.value(`data.${name}`), index);
  const { logits } = held.pass(Object.fromEntries(description.inputs.map(({ name }) => [name, rowsOf(name)])));
  const target = rowsOf('target');
  const losses = held.lossesOf(
    logits,
    description.task === 'classification' ? b.oneHot(target, description.outputs) : target,
  );
  if (!description.hasWeights) return { value: b.reduceMean(losses), scalars: held.scalars };
  const given = rowsOf('weight');
  const value = b.div(b.reduceSum(b.mul(losses, given)), b.maximum(b.reduceSum(given), 1e-12));
  return { value, scalars: held.scalars };
}

/** Strengths that the graph was built with, by the numbers of their regularizers. */
function strengthsOf(b: GraphBuilder, scalars: ReadonlyMap<string, HostScalar>): Map<number, Value> {
  const result = new Map<number, Value>();
  for (const [name, host] of scalars) if (host.kind === 'strength') result.set(host.regularizer, b.value(name));
  return result;
}

function candidatesOf(active: readonly Active[], types: readonly string[] | undefined): number[] {
  return active.flatMap(({ regularizer: { type, strength, hooks }, schedule }, index) => {
    if (types !== undefined) return types.includes(type) ? [index] : [];
    const continuous = strength.switch !== true && strength.fixed !== true && strength.inverse === undefined;
    return continuous && schedule === undefined && hooks.learns === undefined ? [index] : [];
  });
}

/** Why the loss has no gradient by a strength that could be trusted; undefined where it has. */
function reasonAgainst(
  { b }: StepGraph,
  scalars: ReadonlyMap<string, HostScalar>,
  index: number,
  strength: Value | undefined,
  gradient: Value | undefined,
): string | undefined {
  for (const host of scalars.values()) {
    if (host.kind === 'drawn' && host.regularizer === index) return 'it sets what is drawn before each step';
  }
  if (strength === undefined) return 'it is no number of the step';
  if (decidesByChance(b.graph(), strength.name)) return 'it decides by chance, and a chance is no amount';
  return gradient === undefined ? 'the loss does not follow it smoothly' : undefined;
}

/** Where values of the network come from. */
const OF_THE_NETWORK = /^(?:parameter|data|buffer|state|cotangent)\./;

/**
 * Whether a strength, alone or with random numbers, goes into an operator without a gradient: it is then compared with
 * chance, or rounded. Comparisons with values of the network are something else: the mask of an activation, say.
 */
function decidesByChance({ nodes, inputs }: Pick<Graph, 'nodes' | 'inputs'>, strength: string): boolean {
  const reached = new Set([strength]);
  const ofNetwork = new Set(inputs.flatMap(({ name }) => (OF_THE_NETWORK.test(name) ? [name] : [])));
  for (const node of nodes) {
    const from = node.inputs.some((name) => reached.has(name));
    const network = node.inputs.some((name) => ofNetwork.has(name));
    if (from && !network && operatorOf(node.opType, node.domain)?.gradient === 'zero') return true;
    for (const name of node.outputs) {
      if (from) reached.add(name);
      if (network) ofNetwork.add(name);
    }
  }
  return false;
}

function notDifferentiable({ regularizer: { type } }: Active, reason: string): BallastError {
  return new BallastError(`the strength of ${type} cannot be learned by gradients: ${reason}`, {
    code: 'STRENGTH_NOT_DIFFERENTIABLE',
    place: 'regularizers',
    value: type,
    remedy: `Leave ${type} out of learn, and choose its strength by a sweep; penalties, decay and softened targets can be learned`,
  });
}
