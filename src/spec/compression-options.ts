import { z } from 'zod';

const step = z.enum(['prune', 'drop', 'distil', 'static-int8', 'dynamic-int8', 'fp16']);

/** The `compression` section of a spec: what `ballast compress` does unless its options say otherwise. */
export const compressionOptions = z.strictObject({
  constraints: z
    .array(z.string().regex(/^\s*[A-Za-z0-9]+\s*(<=|>=)\s*\S/, 'NAME<=VALUE or NAME>=VALUE, such as ece<=0.05'))
    .min(1)
    .optional()
    .describe('What a compressed model must keep to'),
  shown: z
    .boolean()
    .optional()
    .describe('Choose none of which the rows do not show that it keeps to the constraints; false'),
  orders: z
    .array(z.array(step).min(1).max(8))
    .min(1)
    .max(16)
    .optional()
    .describe(
      'Steps in the order in which they are done, one list for each way, tried besides the conversions; every order there is unless given',
    ),
  ratios: z
    .array(z.number().gt(0).lt(1))
    .min(1)
    .max(8)
    .optional()
    .describe('Shares of channels, neurons and heads that prune takes out, and of parameters that drop does'),
  epochs: z.int().min(1).max(1000).optional().describe('Of each training'),
  learningRate: z.number().positive().optional().describe('Of the trainings'),
  weightDecay: z
    .number()
    .min(0)
    .max(1000)
    .optional()
    .describe(
      'Share of the learning rate that weights shrink by at each step of the trainings (decoupled); 0 unless given',
    ),
  criterion: z
    .enum(['taylor', 'magnitude', 'bn-scale', 'movement'])
    .optional()
    .describe('What a channel, neuron or head is worth'),
  students: z
    .array(z.string().regex(/^(search|mlp:\d+(,\d+)*)$/, 'search, or widths of layers such as mlp:64,32'))
    .min(1)
    .optional()
    .describe('Networks of another architecture that learn from the original too'),
  classOffsets: z
    .boolean()
    .optional()
    .describe('Answer each class as often as the original does, where a constraint is on the worst class; true'),
  teacher: z
    .strictObject({
      share: z.number().min(0).max(1).optional().describe('Of the original in the loss'),
      features: z.number().min(0).optional().describe('Weight of the distance to the features before its last layer'),
      classWeighted: z.boolean().optional().describe('Let it speak up for rare classes'),
    })
    .optional()
    .describe('The original as a teacher of what is left'),
});

export type CompressionOptions = z.output<typeof compressionOptions>;
