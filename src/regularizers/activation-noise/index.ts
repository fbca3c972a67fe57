import { z } from 'zod';
import { gaussianNoise, NOISE_KINDS } from '../gaussian-noise.js';
import { placeNumber, placesBeyond, placesOf } from '../places.js';
import { type Active, type Conflict, defineRegularizer, type SiteDescription } from '../regularizer.js';
import { varianceShift } from '../variance-shift.js';

const WHERE = ['hidden', 'embedding', 'branch'] as const;

const options = z.strictObject({
  kind: z
    .enum(NOISE_KINDS)
    .default('multiplicative')
    .describe(
      'multiplicative: each activation times a normal number about 1 (Gaussian dropout; the strength for a drop probability p is sqrt(p / (1 - p))); additive: plus a normal number',
    ),
  where: z
    .array(z.enum(WHERE))
    .min(1)
    .default([...WHERE])
    .describe('After what it acts: hidden activations, embeddings, residual branches'),
  layers: z
    .array(z.int().min(1))
    .min(1)
    .optional()
    .describe('Numbers of these places, 1 being the first after the input; all of them unless given'),
  per: z
    .enum(['element', 'channel'])
    .default('element')
    .describe('channel: all positions of a feature map or sequence get the same number'),
});
type Options = z.infer<typeof options>;

/** Sites that the options name. */
function chosen({ where, layers }: Options, sites: readonly SiteDescription[]): SiteDescription[] {
  const accepts = ({ kind }: SiteDescription): boolean => (where as readonly string[]).includes(kind);
  const places = placesOf(sites, accepts);
  return sites.filter((site) => accepts(site) && (layers?.includes(placeNumber(places, site.name)) ?? true));
}

/** One number a row and channel: of feature maps [batch, channels, ...], else of [batch, ..., features]. */
function perChannel(shape: readonly number[], map: boolean): number[] {
  const channelAxis = map ? 1 : shape.length - 1;
  return shape.map((extent, axis) => (axis === 0 || axis === channelAxis ? extent : 1));
}

/** What keeps weights from growing. */
const HOLDS_WEIGHTS: ReadonlySet<string> = new Set([
  'elastic-net',
  'group-lasso',
  'l1',
  'l2',
  'l2-sp',
  'max-norm',
  'nuclear-norm',
  'orthogonality',
  'prior',
  'spectral-norm',
  'weight-decay',
]);

function outgrown({ kind }: Options, active: readonly Active[]): Conflict[] {
  const held = active.some(({ regularizer: { type }, strength }) => strength > 0 && HOLDS_WEIGHTS.has(type));
  if (kind === 'multiplicative' || held) return [];
  return [
    {
      code: 'ADDITIVE_ACTIVATION_NOISE_OUTGROWN',
      severity: 'warning',
      message: 'additive activation-noise has a fixed size, and nothing keeps activations from growing beyond it',
      remedy: 'Add weight-decay, or use kind: multiplicative, which grows with them',
    },
  ];
}

function misplaced(own: Options, sites: readonly SiteDescription[]): Conflict[] {
  const { where, layers } = own;
  return [
    ...placesBeyond(
      'activation-noise',
      layers,
      placesOf(sites, ({ kind }) => (where as readonly string[]).includes(kind)),
    ),
    ...varianceShift('activation-noise', chosen(own, sites)),
  ];
}

export const activationNoise = defineRegularizer({
  type: 'activation-noise',
  title: 'Activation noise',
  technique: 'T12',
  summary: 'Multiplies hidden activations by normal numbers about 1 while training (Gaussian dropout), or adds noise.',
  strength: {
    unit: 'standard deviation of the noise',
    default: 0.5,
    range: [0.05, 2],
    scale: 'log',
    limits: [0, 100],
  },
  options,
  hooks: {
    forward: ({ b, strength, random, sites }, own, { name, value }) => {
      const site = chosen(own, sites).find((candidate) => candidate.name === name);
      if (site === undefined) return value;
      const shape = own.per === 'channel' ? perChannel(value.shape, site.map === true) : value.shape;
      return gaussianNoise(b, value, own.kind, strength, random(name), shape);
    },
  },
  conflicts: ({ options: own }, { sites, active }) => [
    ...outgrown(own, active),
    ...(sites === undefined ? [] : misplaced(own, sites)),
  ],
  cost: {
    training: 'one normal number and two passes an activation: about six times what dropout takes',
    inference: 'none',
  },
  fails: [
    'Before batch normalization: training and inference variance differ (X14).',
    'Additive: a network whose weights nothing holds makes its activations large beside the noise, and loses it.',
    'Small networks, or data plentiful for the capacity: it underfits.',
  ],
  dataSize: 'Helps with few rows for the capacity, as dropout does; costs epochs otherwise.',
  references: [
    'Srivastava et al., Dropout, JMLR 2014, section 10 (multiplicative Gaussian noise of variance p / (1 - p))',
    'Keras GaussianDropout(rate) and GaussianNoise(stddev)',
    'Poole, Sohl-Dickstein and Ganguli, Analyzing Noise in Autoencoders and Deep Networks, 2014 (additive and multiplicative, at hidden units)',
    'Li et al., Understanding the Disharmony between Dropout and Batch Normalization, CVPR 2019 (scaled by a uniform factor instead)',
  ],
});
