import { z } from 'zod';

const name = z.string().min(1);

/** The `path` section of a spec: what `ballast path` does with single columns. */
export const pathOptions = z.strictObject({
  factors: z
    .record(name, z.number().min(0))
    .optional()
    .describe(
      'Relative penalty by column or feature, 1 where none is given; 0 is not penalised. Scaled so that their mean is 1',
    ),
  lower: z
    .record(name, z.number().max(0))
    .optional()
    .describe('Least coefficient by column or feature, in units of the raw column; 0 or below'),
  upper: z
    .record(name, z.number().min(0))
    .optional()
    .describe('Greatest coefficient by column or feature, in units of the raw column; 0 or above'),
  nonNegative: z
    .union([z.literal(true), z.array(name).min(1)])
    .optional()
    .describe('Columns or features whose coefficients are not below 0, or true: all'),
  groups: z
    .union([z.literal(true), z.record(name, z.array(name).min(1))])
    .optional()
    .describe(
      'Columns or features that come into a model together (group lasso), by the name of the group; true: all features that are made of one column',
    ),
});

export type PathSpecOptions = z.output<typeof pathOptions>;
