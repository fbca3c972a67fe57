import { z } from 'zod';
import { COLUMN_TYPES, readerFields } from './reader-schema.js';

/** The `data` section of a spec file: what is read, what its columns mean, how it is split and encoded. */

const columnName = z.string().min(1);
const oneOrMore = z.union([columnName, z.array(columnName).min(1)]);

const rolesSchema = z.strictObject({
  targets: oneOrMore
    .optional()
    .describe('Further numbers that are predicted together with `target` (ballast path, family mgaussian).'),
  id: oneOrMore
    .optional()
    .describe(
      'Column(s) that identify a row. The holdout is then locked by id instead of by the content of the whole row.',
    ),
  weight: columnName.optional().describe('Column of row weights, >= 0: a weight of 2 counts as two equal rows.'),
  offset: columnName.optional().describe('Column added to the linear predictor with a fixed coefficient of 1.'),
  time: columnName
    .optional()
    .describe('Column that orders the rows: instants or numbers. Without `event` it makes `time` the default split.'),
  event: columnName.optional().describe('Column that is 1 where the event of a survival time was observed, else 0.'),
  group: oneOrMore
    .optional()
    .describe('Column(s) naming what rows belong to (a patient, a user). It makes `group` the default split.'),
  domain: columnName.optional().describe('Column naming the domain (site, device) that a row comes from.'),
  sensitive: oneOrMore.optional().describe('Column(s) by which fairness is measured.'),
});

const textFeaturesSchema = z.strictObject({
  vocabulary: z.int().min(1).max(50_000).default(2000).describe('Most frequent words (and word pairs) that are kept.'),
  ngrams: z.int().min(1).max(2).default(1).describe('1: single words; 2: pairs of neighbouring words as well.'),
  minimumRows: z.int().min(1).default(2).describe('A word that occurs in fewer training rows is dropped.'),
  weighting: z
    .enum(['tfidf', 'count', 'presence'])
    .default('tfidf')
    .describe('tfidf: counts times inverse document frequency, rows scaled to length 1; count; or presence (0 / 1).'),
});

const tokensSchema = z.strictObject({
  tokenizer: z
    .string()
    .min(1)
    .default('whitespace')
    .describe('whitespace or character (vocabulary fitted on the training part), or the path of a tokenizer.json.'),
  length: z.int().min(1).max(65_536).describe('Tokens of a row: longer texts are cut, shorter ones padded.'),
  vocabulary: z.int().min(1).max(1_000_000).default(30_000).describe('Most frequent tokens that are kept.'),
  lowercase: z.boolean().default(false).describe('Lower-case the text first (whitespace and character).'),
});

const seriesSchema = z.strictObject({
  columns: z
    .array(columnName)
    .min(1)
    .describe(
      'Number columns that are the steps of one channel, in order, or one array column; `t*` names all that begin so. ' +
        'With `past`: the channels.',
    ),
  past: z
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .describe(
      'Rows before each row whose values are its series (a forecast from the past): the source must be in the order of time. ' +
        'Before the first row values are missing.',
    ),
});

const featuresSchema = z.strictObject({
  exclude: z.array(columnName).default([]).describe('Columns that the model does not get.'),
  include: z
    .array(columnName)
    .default([])
    .describe(
      'Columns that have a role (time, domain, sensitive, ...) or say where a row is from, and that the model gets as features all the same.',
    ),
  types: z
    .record(columnName, z.enum(COLUMN_TYPES))
    .default({})
    .describe('Type by column name, where the inferred one is wrong (a postcode that looks like a number: category).'),
  scaling: z
    .enum(['standard', 'robust', 'none'])
    .default('standard')
    .describe('Numbers: (x - mean) / sd, (x - median) / (IQR / 1.349), or as they are.'),
  categories: z
    .strictObject({
      limit: z
        .int()
        .min(1)
        .max(10_000)
        .default(64)
        .describe('Most frequent categories that get a feature of their own.'),
      minimumRows: z
        .int()
        .min(1)
        .default(2)
        .describe('A category in fewer training rows shares the feature of unseen categories, which is so trained.'),
    })
    .prefault({})
    .describe('One-hot encoding of categories.'),
  text: textFeaturesSchema.prefault({}).describe('Bag of words of text columns.'),
  tokens: z
    .record(columnName, tokensSchema)
    .default({})
    .describe('Text columns that become sequences of tokens (for a transformer) instead of a bag of words.'),
  series: z
    .record(columnName, seriesSchema)
    .default({})
    .describe('Columns that become series [length, channels], by the name of the series.'),
});

const part = z
  .number()
  .min(0)
  .refine((size) => size < 1 || Number.isInteger(size), 'a share below 1, or a whole number of rows');

const splitSchema = z.strictObject({
  strategy: z
    .enum(['random', 'stratified', 'group', 'time'])
    .optional()
    .describe(
      'stratified: equal shares of each class, or of each quantile bin of a numeric target; group: no group in two parts; ' +
        'time: the holdout is last, validation before it. Default: group or time where columns have that role, else stratified.',
    ),
  validation: part.default(0.2).describe('Share of all rows (below 1), number of rows (1 and more), or 0 for none.'),
  holdout: part.default(0.2).describe('Share of all rows (below 1), number of rows (1 and more), or 0 for none.'),
  seed: z.int().min(0).default(1).describe('Another seed gives another split (the locked holdout does not allow it).'),
  bins: z.int().min(2).max(100).default(10).describe('Quantile bins by which a numeric target is stratified.'),
});

/** Schema of the spec's `data` section. Unknown keys are errors; every key is documented in the JSON Schema. */
export const dataOptionsSchema = z
  .strictObject({
    source: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .describe(
        'Path, glob, http(s):// or s3:// URL, or npm:<package>/<path>; .csv[.gz] .tsv .parquet .jsonl .npz, svmlight, idx, a folder of images or WAV files, or text lines.',
      ),
    name: z
      .string()
      .min(1)
      .optional()
      .describe('Name of the data set; the locked holdout belongs to it. Default: made from the source.'),
    target: columnName.optional().describe('Column to predict.'),
    classes: z
      .array(z.union([z.string(), z.int(), z.boolean().transform(String)]))
      .min(2)
      .optional()
      .describe(
        'All classes, in order, where the training part may lack some. Default: the sorted classes found there.',
      ),
    unlabelled: z
      .enum(['refuse', 'keep'])
      .default('refuse')
      .describe(
        'Rows whose target is missing: refuse them, or keep them in the training part, where no loss is taken of them and regularizers see them (domain adaptation, pseudo-labels).',
      ),
    columns: rolesSchema
      .prefault({})
      .describe(
        'What columns are, other than features. A column with a role, or one that says where a row is from (the part of an archive), is no feature unless features.include names it.',
      ),
    features: featuresSchema.prefault({}).describe('Which columns are features, and how they become numbers.'),
    split: splitSchema.prefault({}).describe('Training, validation and holdout parts.'),
    ...readerFields,
  })
  .describe('What is read, what its columns mean, how it is split and encoded.');

/** A validated `data` section with its defaults filled in. */
export type DataOptions = z.output<typeof dataOptionsSchema>;

/** A `data` section as it is written. */
export type DataInput = z.input<typeof dataOptionsSchema>;

export type FeatureOptions = DataOptions['features'];
export type SplitOptions = DataOptions['split'];

/** Feature options with nothing but defaults. */
export const DEFAULT_FEATURES: FeatureOptions = featuresSchema.parse({});
