import { VOTES } from '../../data/preprocess/export.js';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import type { Graph } from '../../graph/model.js';
import { int } from '../../graph/model.js';
import type { Finding } from '../finding.js';
import type {
  Active,
  Batch,
  Conflict,
  FinishContext,
  Hooks,
  HostView,
  OwnContext,
  Setting,
  StepContext,
} from '../regularizer.js';
import { mixtureGraph } from './mixture-graph.js';
import { type Candidates, mixtureWeights } from './mixture-weights.js';
import {
  balancing,
  columnsOf,
  constraintState,
  countDecisions,
  countedDeviations,
  decided,
  eventsOf,
  givenOf,
  groupsOf,
  type ParityEvent,
  type ParityOptions,
  raiseMultipliers,
} from './parity.js';

/** Mixture weights below this are rounding. */
const LEAST_WEIGHT = 1e-6;

/**
 * Hooks of a regularizer that compares predictions between sensitive groups, in its three modes.
 *
 * `mixture` is the reduction of Agarwal et al. (2018, algorithm 1). Round by round a network answers the multipliers: it
 * trains on rows whose label is the cheaper decision and whose weight is what the other one costs more, from where the last
 * round ended. What it decides in the round's last epoch moves the multipliers by exponentiated gradient; every second round
 * answers the prices of the constraints in the best mixture so far instead, as fairlearn does between its steps. At the end
 * the networks of all rounds are weighed so that their mixture keeps the constraints on the training rows with the fewest
 * errors.
 */
export function parityHooks(event: ParityEvent): Hooks<ParityOptions> {
  return {
    state: (context, options) => {
      if (options.mode === 'penalty') return [];
      const counted = constraintState(event, context);
      return options.mode === 'constraint' ? counted : [...counted, ...mixtureState(event, context, options)];
    },
    targets(context, { mode }, targets, batch) {
      if (mode !== 'mixture') return targets;
      const costs = costsOf(event, context, targets, batch);
      return costs === undefined ? targets : context.b.detached(() => cheapest(context.b, costs).target);
    },
    rowWeights(context, { mode }, weights, { batch }) {
      if (mode !== 'mixture') return weights;
      const costs = costsOf(event, context, batch.target, batch);
      return costs === undefined
        ? weights
        : context.b.detached(() => context.b.mul(weights, cheapest(context.b, costs).weight));
    },
    objective(context, options, _weights, view) {
      if (options.mode !== 'mixture') return balancing.objective(event, context, options, view);
      const given = givenOf(event, context, view.batch, undefined);
      if (given !== undefined) {
        countDecisions(context, view.logits, given);
        countErrors(context, view.logits, view.batch, given.members);
      }
      return undefined;
    },
    afterEachEpoch(host, options) {
      if (options.mode === 'constraint') balancing.afterEachEpoch(event, host, options);
      if (options.mode === 'mixture') endOfEpoch(event, host, options);
    },
    finish: (context, options, graph) =>
      options.mode === 'mixture' ? mix(event, context, options, graph) : Promise.resolve(graph),
  };
}

const roundName = (round: number, parameter: string): string => `round.${round}.${parameter}`;

function mixtureState(event: ParityEvent, context: OwnContext, { rounds }: ParityOptions) {
  const columns = columnsOf(context.outputs);
  const groups = groupsOf(context);
  const events = eventsOf(event, context.outputs);
  const host = 'host' as const;
  return [
    {
      name: 'costs',
      shape: [groups, events * columns],
      initial: new Float32Array(groups * events * columns),
      writer: host,
    },
    { name: 'rounds', shape: [1], initial: new Float32Array(1), writer: host },
    { name: 'wrong', shape: [1], initial: new Float32Array(1), writer: 'graph' as const },
    { name: 'errors', shape: [rounds], initial: new Float32Array(rounds), writer: host },
    {
      name: 'found',
      shape: [rounds, groups * events * columns],
      initial: new Float32Array(rounds * groups * events * columns),
      writer: host,
    },
    ...Array.from({ length: rounds }, (_, round) =>
      [...context.initial].map(([name, { shape, data }]) => ({
        name: roundName(round, name),
        shape,
        initial: data,
        writer: host,
      })),
    ).flat(),
  ];
}

/**
 * What each decision costs on each row, [batch, classes]: 1 - its share of the target, and what the multipliers charge for
 * it. Zero multipliers leave the plain error.
 */
function costsOf(
  event: ParityEvent,
  context: StepContext,
  targets: Value,
  batch: Pick<Batch, 'target'>,
): Value | undefined {
  const { b, batchSize, outputs } = context;
  const given = givenOf(event, context, batch, undefined);
  if (given === undefined) return undefined;
  const columns = columnsOf(outputs);
  const events = eventsOf(event, outputs);
  const charged = b.reshape(b.matMul(given.members, context.own('costs')), [batchSize, events, columns]);
  const ofEvent = b.reduceSum(b.mul(charged, b.reshape(given.events, [batchSize, events, 1])), [1]);
  const all = columns === outputs ? ofEvent : b.concat([b.scalar(0, 'float32', [batchSize, 1]), ofEvent], 1);
  return b.add(b.sub(1, targets), all);
}

/**
 * The cheapest decision of each row as a distribution [batch, classes], and how much more the second cheapest costs, [batch].
 * For two classes it is the reduction to weighted classification: sign and size of the difference.
 */
export function cheapest(b: GraphBuilder, costs: Value): { target: Value; weight: Value } {
  const [batch, classes] = costs.shape;
  const target = b.oneHot(b.op('ArgMin', [costs], { axis: int(1), keepdims: int(0) }), classes);
  const least = b.reduceSum(b.mul(costs, target), [1]);
  const others = b.neg(b.reduceMax(b.neg(b.add(costs, b.mul(target, 1e6))), [1]));
  return { target, weight: b.reshape(b.sub(others, least), [batch]) };
}

/**
 * What each decision is charged by the multipliers, for a row of each group within each event, in units of one error:
 * N (m_g / n_g - sum of m / n), N rows in all, n_g of the group, n of all groups within the event.
 *
 * @param multipliers [groups, events, columns]
 * @param rows [groups, events]
 */
export function chargesOf(multipliers: ArrayLike<number>, rows: ArrayLike<number>, events: number): Float32Array {
  const columns = multipliers.length / rows.length;
  const groups = rows.length / events;
  let all = 0;
  for (let i = 0; i < rows.length; i++) all += rows[i];
  return Float32Array.from(multipliers as ArrayLike<number>, (multiplier, at) => {
    const [line, column] = [Math.floor(at / columns), at % columns];
    let [total, count] = [0, 0];
    for (let group = 0; group < groups; group++) {
      const other = group * events + (line % events);
      total += multipliers[other * columns + column];
      count += rows[other];
    }
    return count === 0 || rows[line] === 0 ? 0 : all * (multiplier / rows[line] - total / count);
  });
}

/** Adds the wrong decisions of a batch, on rows of a known group, to those counted since the last look. */
function countErrors(context: StepContext, logits: Value, { target }: Pick<Batch, 'target'>, members: Value): void {
  const { b, outputs } = context;
  b.detached(() => {
    const made = b.oneHot(b.op('ArgMax', [logits], { axis: int(1), keepdims: int(0) }), outputs);
    const right = b.reduceSum(b.mul(made, target), [1], true);
    const known = b.reduceSum(members, [1], true);
    const wrong = b.reduceSum(b.mul(b.sub(1, right), known));
    context.next('wrong', b.add(context.own('wrong'), b.reshape(wrong, [1])));
  });
}

/** Where a round ends: keeps its network, moves the multipliers, and charges the next round by them. */
function endOfEpoch(event: ParityEvent, host: HostView, { allow, rate, rounds }: ParityOptions): void {
  const { own, strength, totalEpochs, parameters } = host;
  const rows = own.get('rows')!.slice();
  const wrong = own.get('wrong')!;
  const error = wrong[0] / rows.reduce((sum, count) => sum + count, 0);
  wrong.fill(0);
  const deviations = decided(event, own);
  const done = Math.round(host.epochs);
  const roundsAfter = (epochs: number): number => Math.floor((epochs * rounds) / totalEpochs);
  if (roundsAfter(done) === roundsAfter(done - 1)) return;
  const counter = own.get('rounds')!;
  const size = deviations.length;
  for (const [name, { data }] of parameters) own.get(roundName(counter[0], name))!.set(data);
  own.get('errors')![counter[0]] = error;
  own.get('found')!.set(deviations, counter[0] * size);
  counter[0]++;
  let multipliers: ArrayLike<number> = raiseMultipliers(own.get('theta')!, deviations, {
    bound: strength,
    allow,
    rate,
  });
  if (counter[0] % 2 === 0) {
    const found = own.get('found')!;
    const judged = Array.from({ length: counter[0] }, (_, k) => ({
      error: own.get('errors')![k],
      deviations: found.subarray(k * size, (k + 1) * size),
    }));
    const { prices } = mixtureWeights(candidatesOf(judged, allow), strength);
    multipliers = Float64Array.from({ length: size }, (_, j) => prices[j] - prices[size + j]);
  }
  const columns = size / rows.length;
  own.get('costs')!.set(chargesOf(multipliers, rows, eventsOf(event, columns === 1 ? 2 : columns)));
}

/** As constraints: no group further than `allow` from all, either way. */
function candidatesOf(judged: readonly Decisions[], allow: number): Candidates {
  const size = judged[0].deviations.length;
  return {
    errors: judged.map(({ error }) => error),
    excesses: Array.from({ length: 2 * size }, (_, j) =>
      judged.map(({ deviations }) => (j < size ? deviations[j] : -deviations[j - size]) - allow),
    ),
  };
}

/** Errors and differences of a classifier's decisions on rows. */
interface Decisions {
  readonly error: number;
  /** [groups, events, columns] */
  readonly deviations: ArrayLike<number>;
}

/** The networks of all rounds as one, with weights that keep the constraints on the training rows. */
async function mix(event: ParityEvent, context: FinishContext, { allow }: ParityOptions, graph: Graph): Promise<Graph> {
  const { own, initial, train, strength, outputs, buffers } = context;
  if (strength === 0) return graph;
  const rounds = own.get('rounds')![0];
  if (rounds === 0) {
    context.tell({
      code: 'MIXTURE_EMPTY',
      severity: 'warning',
      message: 'training ended before the first round did: the model is one network, not a mixture',
      remedy: 'Remove early-stopping, or ask for fewer rounds',
    });
    return graph;
  }
  const networks: Graph[] = [];
  const judged: Decisions[] = [];
  for (let round = 0; round < rounds; round++) {
    const weights = new Map([...initial.keys()].map((name) => [name, own.get(roundName(round, name))!]));
    const statistics = buffers.size === 0 ? new Map<string, Float32Array>() : await context.statistics(weights);
    const network = withValues(graph, new Map([...weights, ...statistics]));
    networks.push(network);
    judged.push(judge(event, context, train, oneHot(await context.run(network, train), outputs)));
  }
  const { weights } = mixtureWeights(candidatesOf(judged, allow), strength);
  const kept = [...weights.keys()].filter((k) => weights[k] > LEAST_WEIGHT);
  const total = kept.reduce((sum, k) => sum + weights[k], 0);
  const mixture = mixtureGraph(
    kept.map((k) => networks[k]),
    kept.map((k) => weights[k] / total),
    outputs,
  );
  context.tell(await findingOf(event, context, mixture, { allow, rounds, kept: kept.length }));
  return mixture;
}

/** What the mixture comes to on validation rows (training rows where there are none): drawn by its votes, and decided by its mean. */
async function findingOf(
  event: ParityEvent,
  context: FinishContext,
  mixture: Graph,
  { allow, rounds, kept }: { allow: number; rounds: number; kept: number },
): Promise<Finding> {
  const { outputs } = context;
  const [rows, part] =
    context.validation.length === 0
      ? ([context.train, 'training'] as const)
      : ([context.validation, 'validation'] as const);
  const votes = judge(event, context, rows, await context.run(mixture, rows, VOTES));
  const mean = judge(event, context, rows, oneHot(await context.run(mixture, rows), outputs));
  const worst = ({ deviations }: Decisions): number =>
    Array.from(deviations).reduce((a, d) => Math.max(a, Math.abs(d)), 0);
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const far = worst(votes) > 2 * allow + 0.01 || worst(mean) > 2 * allow + 0.01;
  return {
    code: far ? 'MIXTURE_GAP' : 'MIXTURE',
    severity: far ? 'warning' : 'info',
    message: `mixture of ${kept} of ${rounds} networks, on ${part} rows: a class drawn by its votes is wrong in ${percent(votes.error)} with a group up to ${percent(worst(votes))} from the mean of all; its own decision in ${percent(mean.error)} with up to ${percent(worst(mean))} (${percent(allow)} is allowed)`,
    remedy: far
      ? 'Give it more epochs and rounds, or more rows of each group; where only its own decision is far, draw by the output votes'
      : 'Nothing to do; draw by the output votes where the promise is to hold for the draw',
  };
}

/** @param shares of each class in the decision, [rows, classes] */
function judge(event: ParityEvent, context: FinishContext, rows: Int32Array, shares: Float32Array): Decisions {
  const { outputs, target } = context;
  const codes = context.codes('sensitive');
  const columns = columnsOf(outputs);
  const events = eventsOf(event, outputs);
  const groups = groupsOf(context);
  const selected = new Float64Array(groups * events * columns);
  const counts = new Float64Array(groups * events);
  let wrong = 0;
  rows.forEach((row, i) => {
    const label = Number(target.data[row]);
    wrong += 1 - shares[i * outputs + label];
    const group = codes?.[row] ?? -1;
    if (group < 0) return;
    const line = group * events + (event === 'all' ? 0 : label);
    counts[line]++;
    for (let c = 0; c < columns; c++) selected[line * columns + c] += shares[i * outputs + c + (outputs - columns)];
  });
  return { error: wrong / rows.length, deviations: countedDeviations(selected, counts, events) };
}

/** The largest score of each row, the first of equals, as 1 among zeros. */
function oneHot(scores: Float32Array, classes: number): Float32Array {
  const hot = new Float32Array(scores.length);
  for (let from = 0; from < scores.length; from += classes) {
    let winner = 0;
    for (let c = 1; c < classes; c++) if (scores[from + c] > scores[from + winner]) winner = c;
    hot[from + winner] = 1;
  }
  return hot;
}

function withValues(graph: Graph, values: ReadonlyMap<string, Float32Array>): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, data] of values) initializers.set(name, { ...initializers.get(name)!, type: 'float32', data });
  return { ...graph, initializers };
}

/** Errors where there is nothing to compare, or a mixture cannot be made. */
export function parityConflicts(
  type: string,
  { options, regularizer }: Active<ParityOptions>,
  { columns, active, epochs }: Pick<Setting, 'columns' | 'active' | 'epochs'>,
): Conflict[] {
  const found: Conflict[] = [];
  const sensitive = columns.find(({ role }) => role === 'sensitive');
  const refuse = (code: string, message: string, remedy: string): void => {
    found.push({ code: `${type.toUpperCase().replaceAll('-', '_')}_${code}`, severity: 'error', message, remedy });
  };
  if (sensitive !== undefined && sensitive.values.length < 2) {
    refuse(
      'NEEDS_GROUPS',
      `${type} compares groups, and the column "${sensitive.name}" has one value only`,
      'Name a column of several values in data.columns.sensitive',
    );
  }
  const { mode, rounds } = options;
  if (mode !== 'mixture') return found;
  if (rounds > epochs) {
    refuse(
      'ROUNDS',
      `${type} mixes ${rounds} rounds of training, and there are ${epochs} epochs`,
      'Set rounds to at most the epochs; several epochs a round are better',
    );
  }
  for (const other of active) {
    const { hooks } = other.regularizer;
    if (other.regularizer === regularizer) continue;
    const keeps = hooks.weight ?? hooks.finish ?? hooks.evaluated ?? hooks.memberLosses;
    if (keeps === undefined) continue;
    refuse(
      'MIXTURE_WITH',
      `${type} mixes networks by the weights that were trained, and ${other.regularizer.type} puts others in their place`,
      `Remove ${other.regularizer.type}, or use mode: constraint`,
    );
  }
  return found;
}
