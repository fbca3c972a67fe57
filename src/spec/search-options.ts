import { z } from 'zod';

const condition = z
  .record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number(), z.boolean()]))]),
  )
  .refine((when) => Object.keys(when).length === 1, 'a mapping of one key of the space to its value or values')
  .describe('Only where another key of the space, a choice, has this value or one of these');

const range = z.strictObject({
  low: z.number(),
  high: z.number(),
  scale: z.enum(['linear', 'log']).default('linear'),
  type: z.enum(['float', 'int']).default('float'),
  when: condition.optional(),
});

const choice = z.strictObject({
  choice: z.array(z.unknown()).min(1).describe('Values of any kind: numbers, names, lists such as hidden widths'),
  when: condition.optional(),
});

const dimension = z.union([
  z.literal('auto').describe("Of a strength: the sensible range of its regularizer's metadata"),
  range,
  choice,
]);

const sampler = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('auto').describe('gp for one objective and up to 200 trials without a pruner, else tpe'),
  }),
  z.strictObject({ type: z.literal('random') }),
  z.strictObject({ type: z.literal('grid'), steps: z.int().min(1).max(1000).default(5).describe('Values of a range') }),
  z.strictObject({ type: z.literal('sobol') }),
  z.strictObject({
    type: z.literal('tpe'),
    startUp: z.int().min(1).default(10).describe('Trials that fill the space evenly first'),
    candidates: z.int().min(1).max(10_000).default(24),
    multivariate: z.boolean().default(true).describe('Estimate parameters jointly'),
  }),
  z.strictObject({
    type: z.literal('gp').describe('A Gaussian process and its expected improvement: few, costly trials'),
    startUp: z.int().min(2).default(10).describe('Trials that fill the space evenly first'),
  }),
  z.strictObject({ type: z.literal('cma-es').describe('An evolution strategy over ranges: many trials') }),
  z.strictObject({
    type: z.literal('nsga-ii').describe('Evolution for several objectives: many trials'),
    population: z.int().min(4).max(10_000).default(20),
  }),
]);

const halving = {
  least: z.int().min(1).default(1).describe('Epochs at the first rung'),
  factor: z.number().gt(1).max(100).default(3).describe('Of so many trials at a rung one goes on'),
};

const pruner = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({
    type: z.literal('median'),
    startUp: z.int().min(1).default(5).describe('Trials that must have come as far'),
    warmUp: z.int().min(0).default(0).describe('Epochs in which nothing is pruned'),
  }),
  z.strictObject({ type: z.literal('successive-halving'), ...halving }),
  z.strictObject({ type: z.literal('hyperband'), ...halving }),
  z.strictObject({
    type: z.literal('asha').describe('Successive halving whose losers pause and may be called back'),
    ...halving,
  }),
  z.strictObject({
    type: z.literal('wilcoxon').describe('Between folds or seeds: worse than the best by a paired test'),
    level: z.number().gt(0).lt(1).default(0.1),
    startUp: z.int().min(1).default(3).describe('Units before the first look'),
  }),
]);

const stop = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('never') }),
  z.strictObject({
    type: z
      .literal('noise')
      .describe('What another trial could gain at most is less than the standard error of the best; one objective'),
    after: z.int().min(10).default(20).describe('Complete trials before the first look'),
  }),
]);

/** The spec's `search` section: what `ballast sweep` varies and how. */
export const searchOptions = z.strictObject({
  space: z
    .record(z.string(), dimension)
    .optional()
    .describe(
      'What varies, by key of the spec: regularizers.dropout.strength, regularizers.mixup.include, model.hidden, training.optimizer.learningRate; every declared strength unless given',
    ),
  sampler: sampler.prefault({ type: 'auto' }).describe('How points are chosen'),
  pruner: pruner.prefault({ type: 'none' }).describe('Which trials are ended before their last epoch'),
  objectives: z
    .array(z.string())
    .optional()
    .describe('Beside objectives.primary: validation metrics, or gap, parameters, seconds; the answer is then a front'),
  trials: z.int().min(1).max(1_000_000).default(30),
  stop: stop.prefault({ type: 'never' }).describe('What ends the sweep before its last trial'),
  prior: z
    .enum(['learned', 'spec', 'none'])
    .default('learned')
    .describe(
      'Trials before the first of the sampler: the spec as it stands and ordinary strengths; learned: what earlier sweeps of the store found, too',
    ),
  seed: z.int().min(0).default(1).describe('Seed of the sampler; trials are trained under training.seed'),
});

export type SearchOptions = z.output<typeof searchOptions>;
export type SearchDimension = z.output<typeof dimension>;
