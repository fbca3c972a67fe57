import { z } from 'zod';

const schedule = z.strictObject({
  type: z.enum(['constant', 'step', 'cosine', 'one-cycle', 'plateau']).default('constant'),
  warmUp: z.number().min(0).default(0).describe('Epochs of linear warm-up before the schedule'),
  every: z.int().min(1).default(10).describe('step: epochs between drops; plateau: epochs without improvement'),
  factor: z.number().gt(0).lt(1).default(0.1).describe('Factor of each drop (step, plateau)'),
  floor: z.number().min(0).max(1).default(0).describe('Lowest rate as a share of the first (cosine, plateau)'),
});

const tasks = z
  .strictObject({
    column: z
      .enum(['domain', 'group', 'sensitive'])
      .optional()
      .describe('Role of the column whose values are the tasks'),
    order: z
      .array(z.string())
      .min(2)
      .optional()
      .describe('Values of that column in the order in which they are learnt'),
    classes: z
      .array(z.array(z.union([z.string(), z.int()])).min(1))
      .min(2)
      .optional()
      .describe('Groups of classes that are the tasks, in order'),
    heads: z
      .enum(['shared', 'own'])
      .default('shared')
      .describe("own: only the classes of a row's task compete in its loss and in its task's metrics"),
  })
  .refine(({ column, classes }) => (column === undefined) !== (classes === undefined), 'give either column or classes')
  .refine(({ column, order }) => order === undefined || column !== undefined, 'order goes with column')
  .refine(({ classes, heads }) => heads === 'shared' || classes !== undefined, 'own heads go with classes');

const rate = z.number().gt(0).max(100);
const weightDecayHint = 'weight decay is the regularizer weight-decay, so that it is tuned and tracked';

const optimizer = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('sgd'),
    learningRate: rate.default(0.05),
    momentum: z.number().min(0).lt(1).default(0.9),
    nesterov: z.boolean().default(false),
    schedule: schedule.prefault({}),
  }),
  ...(['adam', 'adamw'] as const).map((type) =>
    z.strictObject({
      type: z.literal(type),
      learningRate: rate.default(1e-3),
      beta1: z.number().min(0).lt(1).default(0.9),
      beta2: z.number().min(0).lt(1).default(0.999),
      epsilon: z.number().gt(0).default(1e-8),
      schedule: schedule.prefault({}),
    }),
  ),
]);

/** The spec's `training` section. Every default is written back into the run's record. */
export const trainingOptions = z.strictObject({
  epochs: z.int().min(1).max(100_000).default(50).describe('Most epochs; early stopping may end before'),
  batchSize: z.int().min(1).max(65_536).default(128),
  optimizer: optimizer.prefault({ type: 'adamw' }).describe(`Optimizer and its schedule; ${weightDecayHint}`),
  seed: z.int().min(0).default(1).describe('Seed of initial weights, order, dropout and augmentation'),
  repeats: z.int().min(1).max(1000).default(1).describe('Runs of each role under seeds seed, seed + 1, ...'),
  crossValidation: z
    .strictObject({ folds: z.int().min(2).max(50) })
    .optional()
    .describe('Train each role once a fold of the rows outside the holdout'),
  gradientClip: z.number().gt(0).optional().describe('Largest global norm of the gradient'),
  classWeights: z
    .union([z.enum(['none', 'balanced']), z.record(z.string(), z.number().min(0))])
    .default('none')
    .describe('Weight of each class in the loss; balanced is rows / (classes * rows of the class)'),
  sampler: z.enum(['shuffle', 'balanced']).default('shuffle').describe('balanced draws every class equally often'),
  tasks: tasks
    .optional()
    .describe('Tasks that are learnt one after the other, epochs shared evenly between them (continual learning)'),
  trainMetricsRows: z
    .int()
    .min(1)
    .default(20_000)
    .describe('Training rows on which the train metrics of an epoch are computed'),
  checkpointSeconds: z.number().min(0).default(10).describe('Least time between checkpoints'),
  device: z
    .string()
    .min(1)
    .default('auto')
    .describe('auto: the fastest provider that the runtime offers on this machine; or cpu, cuda'),
  threads: z.int().min(1).max(256).default(1).describe('Threads of one operator; 1 is bit-reproducible'),
});

export type TrainingOptions = z.infer<typeof trainingOptions>;
