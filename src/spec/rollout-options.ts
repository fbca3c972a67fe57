import { z } from 'zod';
import { DURATION } from './duration-text.js';

const duration = z.string().regex(DURATION, 'a whole number and one of s, m, h, d, w, such as 30m');
const share = z.number().gt(0).lt(1);
const weight = z.number().gt(0).max(1).optional().describe('Weight of its evidence among the SLIs; equal unless given');
const required = z
  .enum(['shown', 'unrefuted', 'none'])
  .describe(
    'What promotion takes: shown to be within what is allowed; enough samples and not shown to be beyond it; or nothing',
  );

const sli = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z
        .literal('error')
        .describe('Share of wrong answers (of numbers: error as a share of `scale`), where labels are'),
      allowed: z.number().min(0).lt(1).default(0.01).describe('How much worse the candidate may be'),
      scale: z.number().positive().optional().describe('Of numbers: an error of this much or more counts as 1'),
      required: required.default('shown'),
      slices: z.boolean().default(true).describe('Also each slice of its own'),
      weight,
    }),
    z.strictObject({
      type: z.literal('recall').describe('Of each class: share of its rows that are answered otherwise'),
      allowed: z.number().min(0).lt(1).default(0.05),
      required: required.default('unrefuted'),
      weight,
    }),
    z.strictObject({
      type: z.literal('calibration').describe('Expected calibration error, in 15 bins of confidence'),
      allowed: share.default(0.05).describe('Its limit'),
      required: required.default('unrefuted'),
      weight,
    }),
    z.strictObject({
      type: z.literal('failures').describe('Share of requests that failed'),
      allowed: z.number().min(0).lt(1).default(0.005),
      required: required.default('shown'),
      slices: z.boolean().default(true).describe('Also each slice of its own'),
      weight,
    }),
    z.strictObject({
      type: z
        .literal('latency')
        .describe(
          'Share of answers beyond the bound of a quantile: of what users wait; in shadow, of the time in the process',
        ),
      quantile: share.default(0.99),
      allowed: z.number().min(0).default(0.25).describe('How much longer the quantile may be, as a share of it'),
      withinMs: z
        .number()
        .positive()
        .optional()
        .describe('The bound of what users wait; from the traffic before the rollout unless given'),
      runWithinMs: z
        .number()
        .positive()
        .optional()
        .describe('In shadow: the bound of the time in the process; from the traffic before unless given'),
      required: required.default('shown'),
      weight,
    }),
    z.strictObject({
      type: z.literal('memory').describe('Growth of what the model’s process holds, once warm'),
      allowed: share.default(0.05).describe('How much it may grow in 1,000 answers, as a share of what it held'),
      required: required.default('none'),
      weight: weight.unwrap().default(0.25),
    }),
    z.strictObject({
      type: z.literal('disagreement').describe('In shadow: share of requests that are answered otherwise'),
      allowed: share.default(0.1).describe('Its limit'),
      required: required.default('unrefuted'),
      weight,
    }),
    z.strictObject({
      type: z.literal('answers').describe('Difference of the shares in which each class is answered'),
      allowed: share.default(0.1),
      required: required.default('unrefuted'),
      weight,
    }),
  ])
  .describe('What is compared');

const step = z
  .strictObject({
    weight: z.number().min(0).max(1).describe('Share of the traffic that the candidate answers; 0 is shadow'),
    watch: duration.default('1h').describe('At least so long'),
    atMost: duration.default('2d').describe('Inconclusive after so long'),
    samples: z.int().min(1).default(500).describe('At least so many answers of the candidate'),
    labels: z.int().min(0).default(100).describe('At least so many labelled ones, for SLIs that need labels'),
  })
  .describe('A stage of the rollout');

/** How a candidate comes into traffic. */
export const rolloutOptions = z.strictObject({
  mode: z
    .enum(['canary', 'ab'])
    .default('canary')
    .describe('canary: promoted or rolled back; ab: the difference is measured, the split stays until it is known'),
  steps: z
    .array(step)
    .min(1)
    .refine(
      (steps) => steps.every(({ weight: each }, i) => i === 0 || each > steps[i - 1].weight),
      'each step has more weight than the one before',
    )
    .default(() => [0, 0.05, 0.5, 1].map((each) => step.parse({ weight: each })))
    .describe('Shadow, then 5 %, 50 %, 100 % unless given'),
  slis: z
    .array(sli)
    .min(1)
    .refine(
      (slis) => new Set(slis.map(({ type }) => type)).size === slis.length,
      'the same type of SLI stands there twice',
    )
    .optional()
    .describe('Unless given: failures, latency, answers, disagreement; with labels error, recall, calibration too'),
  alpha: share.default(0.05).describe('Probability of rolling back a candidate that is within what is allowed'),
  promotionError: share.default(0.05).describe('Probability of promoting one that is not, at any step'),
  every: duration.default('5s').describe('How often the evidence is looked at'),
  sticky: z
    .string()
    .min(1)
    .optional()
    .describe('A key of the metadata: the same version answers its value; random unless given'),
  representative: z
    .strictObject({
      tolerance: share.default(0.05).describe('Difference of the share of a slice that does not matter'),
      alpha: share.default(0.05),
    })
    .prefault({})
    .describe('Whether the canary sees the traffic that the live version sees'),
  budget: z
    .strictObject({
      share: share.default(0.2).describe('Of the error budget, what the rollout may spend'),
      pauseAbove: z.number().positive().default(3).describe('Burn rate that pauses and pages'),
    })
    .prefault({})
    .describe('What the rollout may cost users'),
  onInconclusive: z.enum(['hold', 'roll-back']).default('hold').describe('What is done where a step ends undecided'),
  guard: duration
    .default('1d')
    .describe('After the last step: rolled back on a breach or severe drift within this time'),
});

export type RolloutOptions = z.output<typeof rolloutOptions>;
export type RolloutStep = RolloutOptions['steps'][number];
export type RolloutSli = NonNullable<RolloutOptions['slis']>[number];
