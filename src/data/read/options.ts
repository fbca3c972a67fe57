/** What a caller may say about a source, beside where it is. */

export type ColumnType = 'number' | 'integer' | 'boolean' | 'category' | 'text' | 'time';

export type Format =
  | 'csv'
  | 'tsv'
  | 'parquet'
  | 'jsonl'
  | 'idx'
  | 'npz'
  | 'npy'
  | 'svmlight'
  | 'json-classes'
  | 'images'
  | 'audio'
  | 'text';

/** How a delimited file is written, where that is not what is found by looking. */
export interface DelimitedOptions {
  /** One character. Default: found among comma, tab, semicolon and bar. */
  delimiter?: string;
  /** Default `"` for CSV; none for TSV, unless every name in its first line is quoted. '' means none. */
  quote?: string;
  /** Character that escapes a quote within quotes. Default: the quote itself, doubled. */
  escape?: string;
  /** Lines before the header (or before the first row) that are passed over. */
  skip?: number;
  /** Any encoding the platform's TextDecoder knows: `latin1`, `windows-1252`, `utf-16le`. Default `utf-8`. */
  encoding?: string;
  /** Two columns of one name are an error, unless renamed to `name_1`, `name_2`. */
  duplicateNames?: 'error' | 'rename';
  /** strptime format of dates and times, where the inferred one (day before month) is wrong: `%m/%d/%Y`. */
  timeFormat?: string;
}

export interface ImageOptions {
  /** Side, or [height, width], in pixels. Default: the size of the first image. */
  size?: number | readonly [number, number];
  /** 1: grey; 3: red, green, blue. Default: 1 if the first image is grey, else 3. */
  channels?: 1 | 3;
  /** `skip` leaves out images that cannot be decoded and says so by {@link ReadOptions.notice}. */
  unreadable?: 'error' | 'skip';
}

export interface AudioOptions {
  /** Hz. Default: that of the first recording. */
  sampleRate?: number;
  /** Length in seconds to which recordings are cut or padded with silence. Default: the longest. */
  seconds?: number;
  /** Length in samples; instead of `seconds`. */
  samples?: number;
}

export interface TextOptions {
  /**
   * What a row is: a line (empty ones are left out), a whole file, or a window of `length` characters that starts every
   * `stride` characters (default: `length`, so that windows do not overlap).
   */
  unit?: 'line' | 'document' | 'window';
  length?: number;
  stride?: number;
}

export interface FilesOptions {
  /**
   * Regular expression on the file's path below the source folder (with `/`); every named group becomes a category
   * column, e.g. `(?<digit>\d)_(?<speaker>[a-z]+)_\d+\.wav`. Default: the sub-folder's name becomes `label`.
   */
  pattern?: string;
  /** Adds the text column `file`: each row's path below the source folder. */
  path?: boolean;
}

/** Something that was done to the data and that the reader should know. */
export interface Notice {
  readonly code: 'IMAGES_SKIPPED' | 'TYPES_REINFERRED' | 'TARGET_UNLABELLED';
  readonly message: string;
  readonly count: number;
}

export interface ReadOptions {
  /** Types by column name, where the inferred one is wrong. */
  columns?: Readonly<Record<string, ColumnType>>;
  /** Must be there; a target of strings is always a category. */
  target?: string;
  /** Default: by the extension, or by what a folder holds. */
  format?: Format;
  /** Where relative paths and `npm:` packages are looked up. Default: the working directory. */
  baseDirectory?: string;
  /** Most bytes that are downloaded, decompressed or held as a table. Default: half of the machine's memory. */
  maxBytes?: number;
  /** A download that is silent for so long is given up. Default 30 000. */
  timeoutMs?: number;
  /** Threads of the columnar reader. Default: one per processor. */
  threads?: number;
  /**
   * `exact`: float64 unless every value of the column is a float32 (the default). `float32`: fractional numbers are
   * rounded to float32, what models train on; half the memory. Integers beyond 2^24 and instants stay float64.
   */
  precision?: 'exact' | 'float32';
  /** Strings that stand for a missing value. Default {@link MISSING}. */
  missing?: readonly string[];
  /** Whether the first line names the columns, or the names where it does not. Default: found by looking. */
  header?: boolean | readonly string[];
  delimited?: DelimitedOptions;
  image?: ImageOptions;
  audio?: AudioOptions;
  text?: TextOptions;
  files?: FilesOptions;
  notice?: (notice: Notice) => void;
}

/** What stands for a missing value in delimited files, besides the empty field. */
export const MISSING: readonly string[] = ['', 'NA', 'N/A', '#N/A', 'NaN', 'nan', 'NULL', 'null', '?'];
