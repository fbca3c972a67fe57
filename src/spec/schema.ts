import { z } from 'zod';
import { dataOptionsSchema } from '../data/options.js';
import { modelOptions } from '../models/options.js';
import { listRegularizers } from '../regularizers/registry.js';
import { entrySchema } from '../regularizers/resolve.js';
import { trainingOptions } from '../training/options.js';
import { compressionOptions } from './compression-options.js';
import { pathOptions } from './path-options.js';
import { rolloutOptions } from './rollout-options.js';
import { searchOptions } from './search-options.js';
import { sloOptions } from './slo-options.js';

/** One entry of the `regularizers` list; its options are checked by the regularizer itself. */
const regularizer = z
  .looseObject({ type: z.string() })
  .describe('A regularizer: its type, strength and options (ballast regularizers lists them)');

const objectives = z.strictObject({
  primary: z
    .string()
    .optional()
    .describe('Metric that models are compared by; accuracy for classification, rmse for regression unless given'),
  constraints: z
    .strictObject({
      gap: z.number().optional().describe('Largest gap of the primary metric between train and validation'),
      ece: z.number().min(0).max(1).optional().describe('Largest expected calibration error on validation'),
    })
    .prefault({})
    .describe('Limits that the report marks as met or not'),
});

/** The spec file: what `ballast train` runs. */
export const specSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'a name of letters, digits, dot, dash and underscore')
    .describe('Name of the model and of its experiment'),
  description: z.string().optional(),
  data: dataOptionsSchema,
  task: z.enum(['classification', 'regression']).describe('What is predicted'),
  model: modelOptions.describe('Architecture'),
  training: trainingOptions.prefault({}).describe('Optimizer, schedule, epochs, seeds'),
  regularizers: z.array(regularizer).default([]).describe('Every regularizer and its strength'),
  objectives: objectives.prefault({}).describe('What a good model is'),
  search: searchOptions.optional().describe('What ballast sweep varies; train takes the values that stand in the spec'),
  path: pathOptions.optional().describe('What ballast path does with single columns; training knows nothing of it'),
  compression: compressionOptions
    .optional()
    .describe('How ballast compress makes it smaller; training knows nothing of it'),
  slo: z
    .array(sloOptions)
    .refine((slos) => new Set(slos.map(({ name }) => name)).size === slos.length, 'two objectives have the same name')
    .optional()
    .describe('What is promised of the model in production'),
  rollout: rolloutOptions.optional().describe('How a version of it comes into traffic'),
  owner: z
    .string()
    .optional()
    .describe('Who answers for the model: its owner in the registry, unless one is set there'),
});

/** A validated spec with every default filled in; regularizers still as written. */
export type Spec = z.output<typeof specSchema>;

/** The JSON Schema (2020-12) of the spec file, regularizers and their options included. */
export function specJsonSchema(): Record<string, unknown> {
  const entries = z.union(
    listRegularizers().map((regularizer) => entrySchema(regularizer)) as [z.ZodObject, z.ZodObject],
  );
  const complete = specSchema.extend({ regularizers: z.array(entries).default([]) });
  return {
    $id: 'ballast-spec.schema.json',
    title: 'Ballast spec',
    ...z.toJSONSchema(complete, { io: 'input', unrepresentable: 'any' }),
  };
}
