import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { domainConflicts, domainMasks } from '../domains.js';
import { defineRegularizer } from '../regularizer.js';

/**
 * Derivative of each row's loss by a factor of its outputs, at 1: sum_c (p_c - t_c) z_c, or (z - t) z. [batch].
 */
function byScale(b: GraphBuilder, task: 'classification' | 'regression', outputs: Value, targets: Value): Value {
  const predicted = task === 'classification' ? b.softmax(outputs) : outputs;
  return b.reduceSum(b.mul(b.sub(predicted, targets), outputs), [1]);
}

/**
 * Mean over domains of (d loss of the domain / d factor of the outputs)^2 at factor 1: IRMv1. Domains without a row in the
 * batch do not count.
 *
 * @param masks of each domain 1 for its rows, else 0, [batch]
 */
export function invariancePenalty(
  b: GraphBuilder,
  masks: readonly Value[],
  given: { readonly task: 'classification' | 'regression'; readonly outputs: Value; readonly targets: Value },
): Value {
  const slopes = byScale(b, given.task, given.outputs, given.targets);
  const parts = masks.map((mask) => {
    const count = b.reduceSum(mask);
    const slope = b.div(b.reduceSum(b.mul(slopes, mask)), b.maximum(count, 1));
    return { square: b.mul(slope, slope), present: b.minimum(count, 1) };
  });
  const present = parts.map((part) => part.present).reduce(b.add);
  return b.div(parts.map((part) => part.square).reduce(b.add), b.maximum(present, 1));
}

export const irm = defineRegularizer({
  type: 'irm',
  title: 'Invariant risk minimization',
  technique: 'T24',
  summary:
    'Asks that one last scaling of the outputs be best in every domain at once (IRMv1), so that what holds in some only is not used.',
  strength: { unit: 'coefficient lambda', default: 100, range: [0.1, 1e5], scale: 'log', limits: [0, 1e8] },
  options: z.strictObject({}),
  hooks: {
    objective(context, _options, _weights, { logits, targets }) {
      const { b, task, strength } = context;
      // The loss of a row without a label says nothing of its domain.
      const labelled = context.labelled();
      const masks = domainMasks(context, undefined).map((mask) =>
        labelled === undefined ? mask : b.mul(mask, labelled),
      );
      if (masks.length === 0) return undefined;
      return b.mul(invariancePenalty(b, masks, { task, outputs: logits, targets }), strength);
    },
  },
  needs: { column: 'domain' },
  // Domains are not paired here: any number of them will do.
  conflicts: (_self, setting) =>
    domainConflicts('irm', undefined, setting).filter(({ code }) => code === 'IRM_NEEDS_DOMAINS'),
  cost: { training: 'three passes over the outputs a step, and a sum a domain', inference: 'none' },
  fails: [
    'From the first step on: a constant prediction is invariant; give it a schedule that begins at 0.',
    'Networks that fit every row: the penalty is zero without any invariance.',
    'Fewer domains than ways in which they differ: what it keeps need not be what causes.',
    'Small batches: the square of a noisy mean is not the square of the mean.',
  ],
  dataSize:
    'Needs many rows in each of several domains; on most published benchmarks plain training with a good choice of epoch is as good.',
  references: [
    'Arjovsky et al., Invariant Risk Minimization, 2019 (IRMv1)',
    'Gulrajani and Lopez-Paz, In Search of Lost Domain Generalization, ICLR 2021; DomainBed (lambda 100 after 500 steps)',
  ],
});
