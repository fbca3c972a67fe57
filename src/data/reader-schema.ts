import { z } from 'zod';

/** The keys of the spec's `data` section that say how a source is read; they mean what `ReadOptions` says. */

export const COLUMN_TYPES = ['number', 'integer', 'boolean', 'category', 'text', 'time'] as const;

const character = z.string().max(1);

const delimited = z.strictObject({
  delimiter: z.string().length(1).optional().describe('Default: found among comma, tab, semicolon and bar.'),
  quote: character.optional().describe('Default: " for CSV, none for most TSV. "" means none.'),
  escape: character.optional().describe('Character that escapes a quote within quotes. Default: the quote, doubled.'),
  skip: z.int().min(0).optional().describe('Lines passed over before the header, or before the first row.'),
  encoding: z.string().min(1).optional().describe('utf-8 (default), latin1, windows-1252, utf-16le, ...'),
  duplicateNames: z
    .enum(['error', 'rename'])
    .optional()
    .describe('What to do where two columns have one name. Default: error.'),
  timeFormat: z.string().min(1).optional().describe('strptime format of dates and times, e.g. %m/%d/%Y.'),
});

const image = z.strictObject({
  size: z
    .union([z.int().min(1), z.tuple([z.int().min(1), z.int().min(1)])])
    .optional()
    .describe('Side, or [height, width], in pixels that images are resized to. Default: the size of the first image.'),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .optional()
    .describe('1: grey; 3: red, green, blue. Default: what the first image has.'),
  unreadable: z
    .enum(['error', 'skip'])
    .optional()
    .describe('What to do with images that cannot be decoded. Default: error.'),
});

const audio = z.strictObject({
  sampleRate: z
    .int()
    .min(100)
    .max(384_000)
    .optional()
    .describe('Samples a second that recordings are resampled to. Default: that of the first.'),
  seconds: z
    .number()
    .positive()
    .optional()
    .describe('Length that recordings are cut or padded to. Default: the longest.'),
  samples: z.int().min(1).optional().describe('That length in samples.'),
});

const text = z.strictObject({
  unit: z
    .enum(['line', 'document', 'window'])
    .optional()
    .describe('What a row of a text source is: a line, a file, or a window of `length` characters.'),
  length: z.int().min(1).optional().describe('Characters of a window.'),
  stride: z.int().min(1).optional().describe('Characters between the starts of windows. Default: length.'),
});

const files = z.strictObject({
  pattern: z
    .string()
    .min(1)
    .optional()
    .describe('Regular expression on the path below the folder; each named group becomes a category column.'),
  path: z.boolean().optional().describe('Adds the text column `file`: the path below the folder.'),
});

export const readerFields = {
  format: z
    .enum([
      'csv',
      'tsv',
      'parquet',
      'jsonl',
      'idx',
      'npz',
      'npy',
      'svmlight',
      'json-classes',
      'images',
      'audio',
      'text',
    ])
    .optional()
    .describe('Default: by the extension, or by what a folder holds.'),
  header: z
    .union([z.boolean(), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe('Delimited files: whether the first line names the columns, or the names where it does not.'),
  missing: z.array(z.string()).optional().describe('Strings that stand for a missing value, e.g. ["", "NA", "?"].'),
  precision: z
    .enum(['exact', 'float32'])
    .optional()
    .describe('float32: fractional numbers are read as float32 (half the memory). Default: exact.'),
  delimited: delimited.optional().describe('How a delimited file is written, where that is not found by looking.'),
  image: image.optional().describe('How images are read.'),
  audio: audio.optional().describe('How recordings are read.'),
  text: text.optional().describe('How text sources become rows.'),
  files: files.optional().describe('What the paths of a folder of files say.'),
};
