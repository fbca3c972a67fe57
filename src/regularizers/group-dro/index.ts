import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import type { Finding } from '../finding.js';
import { type Conflict, defineRegularizer, type PreparationContext } from '../regularizer.js';
import { type GroupOptions, groupCodes, groupMembers, groupNames, groupOptions, roleOf } from './groups.js';

/** The mean loss of each group of a batch, 0 for those without a row, and the weight of their rows: [groups]. */
function groupLosses(
  b: GraphBuilder,
  losses: Value,
  weights: Value,
  members: Value,
): { losses: Value; total: Value; present: Value } {
  const [batch, groups] = members.shape;
  const sumOf = (values: Value): Value => b.reshape(b.matMul(b.reshape(values, [1, batch]), members), [groups]);
  const total = sumOf(weights);
  const present = b.cast(b.greater(total, 0), 'float32');
  return { losses: b.div(sumOf(b.mul(losses, weights)), b.maximum(total, 1e-12)), total, present };
}

/**
 * One step of the game between the network and an adversary who weighs groups (Sagawa et al., algorithm 1):
 *
 *     q <- q exp(eta loss), normalized
 *     weight of a row = q of its group / rows of its group in the batch
 *
 * @param q [groups]
 */
export function adversaryStep(
  b: GraphBuilder,
  {
    losses,
    weights,
    members,
    q,
    adjustment,
  }: {
    readonly losses: Value;
    readonly weights: Value;
    readonly members: Value;
    readonly q: Value;
    /** Added to the loss of each row before groups are compared: the price of a small group. */
    readonly adjustment?: Value | undefined;
  },
  eta: Operand,
): { q: Value; weights: Value } {
  return b.detached(() => {
    const [batch] = losses.shape;
    const charged = adjustment === undefined ? losses : b.add(losses, adjustment);
    const of = groupLosses(b, charged, weights, members);
    const raised = b.mul(q, b.exp(b.mul(of.losses, eta)));
    const next = b.div(raised, b.reduceSum(raised));
    const share = b.div(b.mul(next, of.present), b.maximum(of.total, 1e-12));
    const ofRows = b.reshape(b.matMul(members, b.reshape(share, [share.shape[0], 1])), [batch]);
    return { q: next, weights: b.mul(weights, ofRows) };
  });
}

export const groupDro = defineRegularizer({
  type: 'group-dro',
  title: 'Group DRO',
  technique: 'T24',
  summary:
    'Weighs groups by an adversary that raises those with the largest losses, so that the worst group is served.',
  strength: { unit: 'step size eta', default: 0.01, range: [0.001, 1], scale: 'log', limits: [0, 100] },
  options: z.strictObject({
    ...groupOptions,
    adjustment: z
      .number()
      .min(0)
      .default(0)
      .describe('C of the term C / sqrt(rows) added to the loss of a group: small ones generalize worse'),
  }),
  hooks: {
    state(context, options) {
      const count = groupNames(options, context).length;
      return [
        { name: 'q', shape: [count], initial: new Float32Array(count).fill(1 / count), writer: 'graph' as const },
      ];
    },
    rows(_context, options) {
      if (options.adjustment === 0) return [];
      return [{ name: 'adjustment', shape: [], compute: (context) => Promise.resolve(adjustments(context, options)) }];
    },
    rowWeights(context, options, weights, { losses, batch }) {
      const members = groupMembers(context, options, batch);
      if (members === undefined) return weights;
      const adjustment = options.adjustment === 0 ? undefined : context.row('adjustment');
      const given = { losses, weights, members, q: context.own('q'), adjustment };
      const made = adversaryStep(context.b, given, context.strength);
      context.next('q', made.q);
      return made.weights;
    },
    findings: ({ own }) => weightsOfGroups(own.get('q')!),
  },
  needs: { columnOf: (options) => roleOf(options) },
  conflicts: ({ options }, { task }) => withoutClasses('group-dro', options, task),
  cost: { training: 'a few products of the size of the batch times the groups', inference: 'none' },
  fails: [
    'Networks that fit every row: all groups have no loss, and weights say nothing; add weight-decay or early-stopping.',
    'Average quality falls a little: what the worst group gains, the largest pays.',
    'Wrong labels: a group with many of them has the largest loss for ever, and takes all the weight.',
    'Batches in which a small group is missing: raise the batch size.',
  ],
  dataSize:
    'Most with a small group of some hundred rows beside large ones; with a handful of rows it is learnt by heart.',
  references: [
    'Sagawa et al., Distributionally Robust Neural Networks for Group Shifts, ICLR 2020',
    'kohpangwei/group_DRO (step size 0.01)',
  ],
});

/** An error where groups are, or are split by, classes and the task has none. */
function withoutClasses(type: string, { by, classes }: GroupOptions, task: string): Conflict[] {
  if (task === 'classification' || (by !== 'class' && !classes)) return [];
  return [
    {
      code: `${type.toUpperCase().replaceAll('-', '_')}_NEEDS_CLASSES`,
      severity: 'error',
      message: `${type} by class needs classes, and the task is ${task}`,
      remedy: 'Set by to group, domain or sensitive, and classes to false',
    },
  ];
}

/** C / sqrt(rows of its group in the training part) for every row. */
function adjustments(
  context: PreparationContext,
  options: GroupOptions & { readonly adjustment: number },
): Float32Array {
  const role = roleOf(options);
  const values = context.columns.find((column) => column.role === role)?.values.length ?? 0;
  const sizes = { values, classes: context.classes.length };
  const codes = groupCodes(options, role === undefined ? undefined : context.codes(role), context.target.data, sizes);
  const counts = new Map<number, number>();
  for (const row of context.train) counts.set(codes[row], (counts.get(codes[row]) ?? 0) + 1);
  return Float32Array.from(codes, (code) => options.adjustment / Math.sqrt(counts.get(code) ?? 1));
}

/** A group that took nearly all of the weight is worth knowing of. */
function weightsOfGroups(q: Float32Array): Finding[] {
  const heaviest = q.indexOf(Math.max(...q));
  if (q.length < 2 || q[heaviest] < MOST_OF_ALL) return [];
  return [
    {
      code: 'GROUP_DRO_ONE_GROUP',
      severity: 'warning',
      message: `group ${heaviest + 1} of ${q.length} took ${(100 * q[heaviest]).toFixed(0)} % of the weight: the model is trained on it alone`,
      remedy: 'Lower the strength; look at its labels, which may be wrong',
    },
  ];
}

const MOST_OF_ALL = 0.99;
