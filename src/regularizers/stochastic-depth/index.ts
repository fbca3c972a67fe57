import { z } from 'zod';
import { dropElements } from '../dropout/index.js';
import { placeNumber, placesOf } from '../places.js';
import { defineRegularizer, type SiteDescription } from '../regularizer.js';
import { varianceShift } from '../variance-shift.js';

/**
 * Share of the strength with which a residual branch is dropped: l / L for the l-th of L with linear decay, so that early
 * features, which all others build on, mostly stay (Huang et al., 2016); 1 without.
 */
export function shareOf(
  sites: readonly Pick<SiteDescription, 'name' | 'kind'>[],
  name: string,
  decay: 'linear' | 'none',
): number {
  if (decay === 'none') return 1;
  const branches = placesOf(sites, ({ kind }) => kind === 'branch');
  return placeNumber(branches, name) / branches.length;
}

export const stochasticDepth = defineRegularizer({
  type: 'stochastic-depth',
  title: 'Stochastic depth',
  technique: 'T6',
  summary:
    'Leaves whole residual branches out at random while training, deeper ones more often, and scales the rest up.',
  strength: {
    unit: 'drop probability of the last branch',
    default: 0.2,
    range: [0.05, 0.5],
    scale: 'linear',
    limits: [0, 1],
    open: true,
  },
  options: z.strictObject({
    mode: z
      .enum(['row', 'batch'])
      .default('row')
      .describe('row: each example leaves out branches of its own; batch: all of a batch the same ones'),
    decay: z
      .enum(['linear', 'none'])
      .default('linear')
      .describe('linear: the first branch is dropped least and the last at the strength; none: all alike'),
  }),
  hooks: {
    forward: ({ b, strength, random, sites }, { mode, decay }, { name, kind, value }) => {
      if (kind !== 'branch') return value;
      const share = shareOf(sites, name, decay);
      const rate = share === 1 ? strength : b.mul(strength, share);
      const mask = value.shape.map((extent, axis) => (axis === 0 && mode === 'row' ? extent : 1));
      return dropElements(b, value, rate, random(name), mask);
    },
  },
  conflicts: (_self, { sites = [] }) =>
    varianceShift(
      'stochastic-depth',
      sites.filter(({ kind }) => kind === 'branch'),
    ),
  cost: {
    training:
      'one 32-bit hash a row and branch, and one pass over the branch; branches that are dropped are computed all the same',
    inference: 'none',
  },
  fails: [
    'Shallow networks: with two or three branches each is too much to lose.',
    'Before batch normalization: training and inference variance differ (X14).',
    'Few epochs: each branch is trained on a share of the steps only.',
  ],
  dataSize: 'Helps deep networks on few rows; costs epochs otherwise.',
  references: [
    'Huang et al., Deep Networks with Stochastic Depth, ECCV 2016 (linear decay; the last branch survives with 0.5 there)',
    'torchvision.ops.stochastic_depth (modes row and batch, branches scaled by 1 / survival; 0.2 in EfficientNet)',
    'Li et al., Understanding the Disharmony between Dropout and Batch Normalization, CVPR 2019',
  ],
});
