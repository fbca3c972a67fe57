import { z } from 'zod';
import { type Ball, climb, detachedCopy, mapped, type Perturbed } from '../../evaluation/attacks/perturb.js';
import type { Value } from '../../graph/builder.js';
import { CONTINUOUS } from '../needs.js';
import { defineRegularizer, type StepContext } from '../regularizer.js';
import { divergence, floatInputs, threatOptions } from '../threat.js';

const options = z.strictObject({
  epsilon: z.number().positive().default(0.1).describe('Radius of the ball, in the unit of the encoded inputs'),
  norm: threatOptions.norm,
  steps: z.int().min(1).max(50).default(10),
  stepSize: z
    .number()
    .positive()
    .max(10)
    .optional()
    .describe('Length of a step as a share of epsilon; 2.5 / steps unless given'),
  range: threatOptions.range,
});

type Options = z.infer<typeof options>;

/** Standard deviation of the start around the row: at the row itself the divergence has no slope. */
const START = 1e-3;

/** Points within epsilon at which the network's answer diverges most from its answer on the rows themselves. */
export function mostDivergent(
  { b, network }: Pick<StepContext, 'b' | 'network'>,
  { epsilon, norm, steps, stepSize = 2.5 / steps, range }: Options,
  inputs: Perturbed,
  startNoise: (name: string, shape: readonly number[]) => Value,
): Perturbed {
  const center = floatInputs(inputs);
  const ball: Ball = { center, epsilon, norm, range };
  const { logits } = detachedCopy(b, { logits: network(inputs).logits });
  const start = b.detached(() =>
    mapped(center, (value, name) => b.add(value, b.mul(startNoise(name, value.shape), START))),
  );
  return climb(b, ball, {
    steps,
    stepSize: epsilon * stepSize,
    start,
    lossOf: (points) => divergence(b, logits, network({ ...inputs, ...points }).logits),
  });
}

export const trades = defineRegularizer({
  type: 'trades',
  title: 'TRADES',
  technique: 'T17',
  summary:
    'Adds beta times the divergence between the answers on each row and on the worst point near it: accuracy traded for robustness.',
  strength: { unit: 'coefficient beta', default: 6, range: [0.5, 10], scale: 'log', limits: [0, 1000] },
  options,
  hooks: {
    objective: (context, given, _weights, view) => {
      const { b, strength, random, network } = context;
      const { inputs } = view.batch;
      const worst = mostDivergent(context, given, inputs, (name, shape) =>
        b.cast(random(name).normal(shape), view.logits.type),
      );
      const there = network({ ...inputs, ...worst }, { disturbed: true }).logits;
      return b.mul(b.reduceMean(divergence(b, view.logits, there)), strength);
    },
  },
  needs: { classes: true, content: CONTINUOUS },
  cost: {
    training: 'steps + 3 passes instead of one: about 12 times a plain step with the defaults',
    inference: 'none',
  },
  fails: [
    'Accuracy on unchanged rows falls with beta: that is the trade.',
    'Epsilon larger than the distance between classes: the answers go flat.',
    'Early in training it holds the network at constant answers: raise beta by a schedule.',
  ],
  dataSize:
    'Needs several times the rows that plain training needs; rows without labels (weight 0) help the divergence.',
  references: [
    'Zhang et al., Theoretically Principled Trade-off between Robustness and Accuracy, ICML 2019 (and yaodongyu/TRADES, whose beta of 6, 10 steps and start of 0.001 are the defaults)',
  ],
});
