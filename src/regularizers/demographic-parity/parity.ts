import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { int } from '../../graph/model.js';
import type { Batch, HostView, OwnContext, Setting, StepContext, StepView } from '../regularizer.js';

/** Within what predictions are compared between groups: all rows, or those of each true class. */
export type ParityEvent = 'all' | 'class';

export const parityOptions = z.strictObject({
  mode: z
    .enum(['penalty', 'constraint', 'mixture'])
    .default('penalty')
    .describe(
      'penalty: adds the squares of the differences; constraint: multipliers that rise until the differences are within `allow`; mixture: a network a round on rows relabelled by the multipliers, mixed so that their decisions keep within `allow` on average',
    ),
  allow: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('constraint, mixture: how far a group may be from the mean of all, in shares of rows'),
  rate: z
    .number()
    .positive()
    .max(1000)
    .default(0.2)
    .describe(
      "constraint, mixture: step size of the multipliers, taken after each epoch or round; the default is fairlearn's: 2 over the bound of 10",
    ),
  rounds: z
    .int()
    .min(2)
    .max(100)
    .default(10)
    .describe('mixture: networks that are trained one after the other, each from where the last ended'),
});

export type ParityOptions = z.infer<typeof parityOptions>;

/** Sums of predictions over the rows of each group within each event, [groups * events, columns], and their rows, [.., 1]. */
export interface ParitySums {
  readonly sums: Value;
  readonly counts: Value;
}

/**
 * Sums over groups and events of a batch.
 *
 * @param predictions [batch, columns]
 * @param members [batch, groups]: 1 where a row is of the group; rows of no group are in none
 * @param events [batch, events]
 */
export function paritySums(b: GraphBuilder, predictions: Value, members: Value, events: Value): ParitySums {
  const [batch, groups] = members.shape;
  const count = events.shape[1];
  const both = b.reshape(b.mul(b.reshape(members, [batch, groups, 1]), b.reshape(events, [batch, 1, count])), [
    batch,
    groups * count,
  ]);
  return {
    sums: b.gemm(both, predictions, undefined, { transA: true }),
    counts: b.reshape(b.reduceSum(both, [0]), [groups * count, 1]),
  };
}

/**
 * Mean prediction of each group within each event, minus that of all groups together: [groups, events * columns]. 0 for a group
 * without a row.
 */
export function deviations(b: GraphBuilder, { sums, counts }: ParitySums, groups: number): Value {
  const columns = sums.shape[1];
  const events = sums.shape[0] / groups;
  const flat = [groups, events, columns];
  const total = b.div(
    b.reduceSum(b.reshape(sums, flat), [0], true),
    b.maximum(b.reduceSum(b.reshape(counts, [groups, events, 1]), [0], true), 1e-12),
  );
  const rates = b.reshape(b.div(sums, b.maximum(counts, 1e-12)), flat);
  const present = b.reshape(b.cast(b.greater(counts, 0), sums.type), [groups, events, 1]);
  return b.reshape(b.mul(b.sub(rates, total), present), [groups, events * columns]);
}

/**
 * Multipliers of the constraints "no group further than `allow` from all, either way" after exponentiated-gradient steps
 * (Agarwal et al., algorithm 1): bound * exp(theta) / (1 + sum exp(theta)), theta += rate * (violation - allow). What the network
 * sees is the difference between those of the two ways.
 *
 * @param theta [2 * constraints], updated in place: first those against too much, then against too little
 */
export function raiseMultipliers(
  theta: Float32Array,
  found: ArrayLike<number>,
  { bound, allow, rate }: { readonly bound: number; readonly allow: number; readonly rate: number },
): Float32Array {
  const count = found.length;
  for (let k = 0; k < count; k++) {
    theta[k] += rate * (found[k] - allow);
    theta[count + k] += rate * (-found[k] - allow);
  }
  // exp(theta) / (1 + sum) without overflow.
  const largest = theta.reduce((a, b) => Math.max(a, b), 0);
  const raised = Float64Array.from(theta, (value) => Math.exp(value - largest));
  const sum = raised.reduce((a, b) => a + b, Math.exp(-largest));
  return Float32Array.from({ length: count }, (_, k) => (bound * (raised[k] - raised[count + k])) / sum);
}

/** Of two classes the second says all; of more, each counts. */
export const columnsOf = (outputs: number): number => (outputs === 2 ? 1 : outputs);

export const groupsOf = ({ columns }: Pick<Setting, 'columns'>): number =>
  columns.find(({ role }) => role === 'sensitive')?.values.length ?? 0;

export const eventsOf = (event: ParityEvent, outputs: number): number => (event === 'all' ? 1 : outputs);

/** Of the classes the columns that are compared: [batch, columns]. */
function compared(b: GraphBuilder, shares: Value): Value {
  return shares.shape[1] === 2 ? b.slice(shares, [1], [2], [1]) : shares;
}

/** Hooks of the modes `penalty` and `constraint`; {@link ./reduction.js} has those of all three. */
export const balancing = {
  objective(
    event: ParityEvent,
    context: StepContext,
    { mode }: Pick<ParityOptions, 'mode'>,
    view: StepView,
  ): Value | undefined {
    const given = givenOf(event, context, view.batch, view.rowWeights);
    if (given === undefined) return undefined;
    const { b } = context;
    const gaps = deviations(
      b,
      paritySums(b, compared(b, b.softmax(view.logits)), given.members, given.events),
      given.members.shape[1],
    );
    if (mode === 'penalty') {
      return b.mul(b.div(b.reduceSum(b.mul(gaps, gaps)), given.members.shape[1]), context.strength);
    }
    // What is constrained are decisions, which have no gradient: they are counted, and probabilities moved in their place.
    countDecisions(context, view.logits, given);
    return b.reduceSum(b.mul(gaps, context.own('multipliers')));
  },
  /** Takes the adversary's step by what was decided during the epoch, and begins to count anew. */
  afterEachEpoch(event: ParityEvent, { own, strength }: HostView, { allow, rate }: ParityOptions): void {
    const found = decided(event, own);
    own.get('multipliers')!.set(raiseMultipliers(own.get('theta')!, found, { bound: strength, allow, rate }));
  },
} as const;

/** Adds the decisions of a batch to those counted since the last look. */
export function countDecisions(
  context: StepContext,
  logits: Value,
  { members, events }: { readonly members: Value; readonly events: Value },
): void {
  const { b } = context;
  b.detached(() => {
    const winner = b.op('ArgMax', [logits], { axis: int(1), keepdims: int(0) });
    const made = compared(b, b.oneHot(winner, context.outputs));
    const { sums, counts } = paritySums(b, made, members, events);
    context.next('selected', b.add(context.own('selected'), sums));
    context.next('rows', b.add(context.own('rows'), counts));
  });
}

/** {@link deviations} of the decisions counted, which begin anew: [groups, events, columns]. */
export function decided(event: ParityEvent, own: HostView['own']): Float64Array {
  const [selected, rows] = [own.get('selected')!, own.get('rows')!];
  const columns = selected.length / rows.length;
  const found = countedDeviations(selected, rows, eventsOf(event, columns === 1 ? 2 : columns));
  selected.fill(0);
  rows.fill(0);
  return found;
}

/** What is counted and raised from step to step. */
export function constraintState(event: ParityEvent, context: OwnContext) {
  const groups = groupsOf(context);
  const events = eventsOf(event, context.outputs);
  const columns = columnsOf(context.outputs);
  const zeros = (name: string, shape: readonly number[], writer: 'graph' | 'host') => ({
    name,
    shape,
    initial: new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
    writer,
  });
  return [
    zeros('selected', [groups * events, columns], 'graph'),
    zeros('rows', [groups * events, 1], 'graph'),
    zeros('theta', [2, groups, events * columns], 'host'),
    zeros('multipliers', [groups, events * columns], 'host'),
  ];
}

/** Groups and events of a batch, rows by their weights. */
export function givenOf(
  event: ParityEvent,
  { b, column, batchSize }: Pick<StepContext, 'b' | 'column' | 'batchSize'>,
  { target }: Pick<Batch, 'target'>,
  weights: Value | undefined,
): { members: Value; events: Value } | undefined {
  const sensitive = column('sensitive');
  if (sensitive === undefined) return undefined;
  const masks = sensitive.values.map((_, code) =>
    b.reshape(b.cast(b.equal(sensitive.codes, b.scalar(code, 'int64')), 'float32'), [batchSize, 1]),
  );
  const members = b.concat(masks, 1);
  return {
    members: weights === undefined ? members : b.mul(members, b.reshape(weights, [batchSize, 1])),
    events: event === 'all' ? b.scalar(1, 'float32', [batchSize, 1]) : target,
  };
}

/** {@link deviations} of what was counted: [groups, events, columns]. */
export function countedDeviations(selected: ArrayLike<number>, rows: ArrayLike<number>, events: number): Float64Array {
  const columns = selected.length / rows.length;
  const groups = rows.length / events;
  return Float64Array.from(selected as ArrayLike<number>, (sum, at) => {
    const [line, column] = [Math.floor(at / columns), at % columns];
    if (rows[line] === 0) return 0;
    let [total, count] = [0, 0];
    for (let group = 0; group < groups; group++) {
      const other = group * events + (line % events);
      total += selected[other * columns + column];
      count += rows[other];
    }
    return sum / rows[line] - total / count;
  });
}
