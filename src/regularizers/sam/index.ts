import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { int } from '../../graph/model.js';
import { defineRegularizer, type Gradient } from '../regularizer.js';

/**
 * The point in the neighbourhood of the weights where a linear objective is largest.
 *
 * SAM: w + rho g / ||g||. ASAM: w + rho T^2 g / ||T g|| with T = |w| + eta for weights and 1 for all else, so that the
 * neighbourhood does not change when layers are rescaled. Norms are over all tensors; a network's own weights only.
 */
function sharpest(
  b: GraphBuilder,
  gradients: readonly Gradient[],
  rho: Operand,
  { adaptive, eta }: { adaptive: boolean; eta: number },
): Value[] {
  const scaled = gradients.map(({ parameter, value, gradient }) => {
    if (parameter.role === 'auxiliary') return undefined;
    if (!adaptive || parameter.role !== 'weight') return { once: gradient, twice: gradient };
    const scale = b.add(b.abs(value), eta);
    const once = b.mul(gradient, scale);
    return { once, twice: b.mul(once, scale) };
  });
  const squares = scaled.flatMap((entry) =>
    entry === undefined ? [] : [b.op('ReduceSumSquare', [entry.once], { keepdims: int(0) })],
  );
  const step = b.div(rho, b.add(b.sqrt(squares.reduce(b.add)), 1e-12));
  return gradients.map(({ value }, i) => {
    const direction = scaled[i]?.twice;
    return direction === undefined ? value : b.add(value, b.mul(direction, step));
  });
}

export const sam = defineRegularizer({
  type: 'sam',
  title: 'Sharpness-aware minimization',
  technique: 'T27',
  summary:
    'Takes the gradient at the worst point within rho of the weights, so that training prefers minima whose neighbourhood is low too.',
  strength: { unit: 'radius rho', default: 0.05, range: [0.01, 2], scale: 'log', limits: [0, 100] },
  options: z.strictObject({
    adaptive: z
      .boolean()
      .default(false)
      .describe('ASAM: the radius is relative to the size of each weight; use a rho about ten times larger'),
    eta: z.number().min(0).max(1).default(0.01).describe('ASAM: added to the size of each weight'),
  }),
  hooks: {
    gradients: ({ b, strength }, options, gradients, at) => {
      const found = at(b.detached(() => sharpest(b, gradients, strength, options)));
      return gradients.map(({ gradient }, i) => found[i] ?? gradient);
    },
  },
  conflicts: ({ strength, options }) =>
    options.adaptive && strength < 0.1
      ? [
          {
            code: 'ASAM_RADIUS_SMALL',
            severity: 'warning' as const,
            message: `the radius of adaptive sam is relative to the weights, and ${strength} hardly moves them`,
            remedy: 'Start from strength 0.5, as its paper does',
          },
        ]
      : [],
  cost: { training: 'a second forward and backward pass a step: 2 x', inference: 'none' },
  fails: [
    'Too large a radius underfits: train and validation are both poor.',
    'Small networks that are far from fitting the rows have no sharp minima to avoid.',
    'Batches that are very large: the worst point of the mean is less sharp (the gain falls as batches grow).',
  ],
  dataSize: 'Helps most with few rows for the capacity, and with noisy labels.',
  references: [
    'Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization, ICLR 2021 (rho 0.05)',
    'Kwon et al., ASAM: Adaptive Sharpness-Aware Minimization, ICML 2021 (rho 0.5, eta 0.01)',
    'davda54/sam and SamsungLabs/ASAM (PyTorch): running statistics are those of the first pass; the norm is over all tensors',
  ],
});
