import { z } from 'zod';
import { ascent, detachedCopy, mapped, type Perturbed } from '../../evaluation/attacks/perturb.js';
import type { Value } from '../../graph/builder.js';
import { gradients } from '../../graph/gradients.js';
import { CONTINUOUS } from '../needs.js';
import { defineRegularizer, type StepContext } from '../regularizer.js';
import { divergence, floatInputs } from '../threat.js';

const options = z.strictObject({
  epsilon: z
    .number()
    .positive()
    .default(1)
    .describe('Length (l2) of the perturbation of a row, in the unit of the encoded inputs'),
  iterations: z.int().min(1).max(10).default(1).describe('Power iterations towards the most sensitive direction'),
  xi: z.number().positive().default(1e-2).describe('Length of the probe that a power iteration differentiates at'),
});

type Options = z.infer<typeof options>;

/**
 * The perturbation of length epsilon along which the answers change most: power iterations d <- grad_r KL(p(x) ||
 * p(x + xi d)) / ||.||, which approach the dominant eigenvector of the Hessian of the divergence at x.
 */
export function virtualAdversarial(
  { b, network }: Pick<StepContext, 'b' | 'network'>,
  { epsilon, iterations, xi }: Options,
  inputs: Perturbed,
  logits: Value,
  first: Perturbed,
): Perturbed {
  let direction = b.detached(() => ascent(b, first, 'l2'));
  const center = floatInputs(inputs);
  for (let i = 0; i < iterations; i++) {
    const probe = detachedCopy(
      b,
      b.detached(() => mapped(direction, (d) => b.mul(d, xi))),
    );
    const at = mapped(probe, (r, name) => b.add(center[name], r));
    const loss = b.reduceSum(divergence(b, logits, network({ ...inputs, ...at }).logits));
    direction = b.detached(() => {
      const names = Object.keys(probe);
      const found = gradients(
        b,
        loss,
        names.map((name) => probe[name]),
      );
      const known = Object.fromEntries(
        names.map((name, n) => [name, found[n] ?? b.scalar(0, probe[name].type, probe[name].shape)]),
      );
      return ascent(b, known, 'l2');
    });
  }
  return b.detached(() => mapped(direction, (d, name) => b.add(center[name], b.mul(d, epsilon))));
}

export const virtualAdversarialTraining = defineRegularizer({
  type: 'virtual-adversarial',
  title: 'Virtual adversarial training',
  technique: 'T17',
  summary:
    'Smooths the answers: adds their divergence along the direction in which they change most, found without labels.',
  strength: { unit: 'coefficient alpha', default: 1, range: [0.1, 10], scale: 'log', limits: [0, 1000] },
  options,
  hooks: {
    objective: (context, given, _weights, view) => {
      const { b, strength, random, network } = context;
      const { inputs } = view.batch;
      // The answers on the rows themselves are what is aimed at, and no gradient flows through them.
      const { logits } = detachedCopy(b, { logits: view.logits });
      const first = mapped(floatInputs(inputs), (value, name) => b.cast(random(name).normal(value.shape), value.type));
      const near = virtualAdversarial(context, given, inputs, logits, first);
      const there = network({ ...inputs, ...near }, { disturbed: true }).logits;
      return b.mul(b.reduceMean(divergence(b, logits, there)), strength);
    },
  },
  needs: { classes: true, content: CONTINUOUS },
  cost: { training: 'iterations + 1 more passes: 3 times a plain step with the defaults', inference: 'none' },
  fails: [
    'Epsilon beyond the distance to the next class: it smooths across the boundary it should find.',
    'Columns on unlike scales: the direction is that of the largest column, so standardise first.',
    'One-hot columns are moved to values that do not exist.',
  ],
  dataSize: 'Strongest with few labels and many rows without (give those the weight 0).',
  references: [
    'Miyato et al., Virtual Adversarial Training, IEEE TPAMI 2019 (and takerum/vat_tf, whose one power iteration, alpha of 1 and constant answers on the rows themselves are the defaults)',
  ],
});
