import { z } from 'zod';
import { arrayEncodingSchema } from './arrays.js';
import { categoryEncodingSchema } from './categories.js';
import { numberEncodingSchema } from './numbers.js';
import { sparseEncodingSchema } from './sparse.js';
import { targetEncodingSchema } from './target.js';
import { textEncodingSchema } from './texts.js';
import { timeEncodingSchema } from './times.js';

/** Everything that fitting found out, as JSON: what a run's record and a checkpoint keep. */
export const preprocessorStateSchema = z.strictObject({
  format: z.literal(1),
  numbers: z.array(numberEncodingSchema),
  categories: z.array(categoryEncodingSchema),
  times: z.array(timeEncodingSchema),
  texts: z.array(textEncodingSchema),
  arrays: z.array(arrayEncodingSchema),
  sparse: z.array(sparseEncodingSchema).default([]),
  target: targetEncodingSchema.optional(),
  weight: z.string().optional(),
  offset: z.string().optional(),
  group: z.array(z.string()),
  /** Columns that say nothing about a row, and why. */
  dropped: z.array(z.strictObject({ column: z.string(), reason: z.string() })),
});

export type PreprocessorState = z.infer<typeof preprocessorStateSchema>;
