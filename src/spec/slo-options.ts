import { z } from 'zod';
import { DURATION } from './duration-text.js';

const duration = z.string().regex(DURATION, 'a whole number and one of s, m, h, d, w, such as 30d');
const share = z.number().gt(0).lt(1);

const sli = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('availability').describe('Requests that were answered, of all that were valid') }),
    z.strictObject({
      type: z.literal('latency').describe('Answers that came within a time'),
      withinMs: z.number().positive(),
    }),
    z.strictObject({
      type: z.literal('correctness').describe('Answers that were right, of those whose label is known'),
    }),
    z.strictObject({
      type: z.literal('calibration').describe('Slices of time whose expected calibration error is within a bound'),
      ece: z.number().gt(0).lt(1).default(0.05),
      every: duration.default('1h'),
    }),
    z.strictObject({
      type: z.literal('drift').describe('Slices of time in which nothing drifted'),
      every: duration.default('1d'),
    }),
    z.strictObject({
      type: z.literal('training').describe('Trainings that finished, of those that ended'),
      experiment: z.string().min(1).optional().describe('Whose; the one that the model came from unless given'),
    }),
    z.strictObject({
      type: z.literal('custom').describe('Counts of good and of all events that an application reports'),
      name: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'a name of small letters, digits and underscore'),
    }),
  ])
  .describe('What is measured');

const burnRule = z
  .strictObject({
    severity: z.enum(['page', 'ticket']),
    factor: z.number().positive().describe('How many times faster than allowed the budget is spent'),
    long: duration,
    short: duration,
  })
  .describe('Fires while the budget burns this fast over both windows');

/** What the rows of the holdout tell. */
const OF_HOLDOUT: readonly string[] = ['correctness', 'calibration'];

const objective = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name of letters, digits, dot, dash and underscore'),
  description: z.string().optional(),
  sli,
  objective: share.describe('Share of good events that is promised'),
  window: duration.default('30d').describe('Rolling time that the promise is about'),
  stage: z
    .enum(['production', 'canary', 'shadow', 'holdout'])
    .default('production')
    .describe('Whose answers count: of the holdout those that the version was judged by'),
  per: z.string().min(1).optional().describe('A column or key of metadata: each of its slices keeps the objective'),
  mix: z
    .strictObject({
      by: z.string().min(1).describe('A column or key of metadata'),
      shares: z.record(z.string(), z.number().positive()).describe('Reference share of each of its values'),
    })
    .refine(({ shares }) => Object.keys(shares).length > 0, 'name at least one value')
    .optional()
    .describe('Re-weights the slices to a reference mix, so that a change of the traffic alone changes nothing'),
  labels: z
    .strictObject({
      delay: duration.default('1d').describe('How late labels may come'),
      coverage: z.number().min(0).max(1).default(0.5).describe('Least share of labels; pending with fewer'),
    })
    .prefault({})
    .describe('Of SLIs that need ground truth'),
  lowTraffic: z
    .strictObject({
      events: z.int().min(1).default(2).describe('Fewer bad events alert nobody'),
      level: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.001)
        .describe('Chance that a service which holds its promise is this bad'),
    })
    .prefault({})
    .describe('Protection from alarms by a few requests'),
  burn: z
    .union([z.enum(['workbook', 'pyrra']), z.array(burnRule).min(1)])
    .default('workbook')
    .describe('Multi-window burn-rate rules'),
  runbook: z.string().optional().describe('Where on-call reads what to do'),
});

/** One service level objective. */
export const sloOptions = objective.refine(
  ({ stage, sli }) => (stage === 'holdout' ? OF_HOLDOUT.includes(sli.type) : true),
  { path: ['stage'], message: 'of the holdout correctness and calibration are known' },
);

/** A validated service level objective. */
export type Slo = z.output<typeof sloOptions>;
export type Sli = Slo['sli'];
