import { BallastError } from '../../errors.js';
import { DEFAULT_FEATURES, type FeatureOptions } from '../options.js';
import { type Roles, requireColumn } from '../roles.js';
import type { Column, Table } from '../table.js';
import { fitArray } from './arrays.js';
import { fitCategory } from './categories.js';
import type { Unfit } from './feature-block.js';
import { fitNumber } from './numbers.js';
import { Preprocessor } from './preprocessor.js';
import { fitSparse } from './sparse.js';
import type { PreprocessorState } from './state.js';
import { type ClassLabel, fitClasses, fitNumericTarget, type TargetEncoding } from './target.js';
import { fitText } from './texts.js';
import { fitTime } from './times.js';

export interface FitOptions {
  /** How the target is encoded; 'none' where there is nothing to predict but the input itself. */
  readonly task: 'classification' | 'regression' | 'none';
  readonly features?: FeatureOptions;
  /** All classes in order (`data.classes`); default: those of the training rows, sorted. */
  readonly classes?: readonly ClassLabel[];
  /** Training rows that have a target, where not all have one. */
  readonly labelled?: Uint32Array;
}

/** What outputs of the exported model are called: a raw column of that name becomes `<name>_input`. */
export const OUTPUT_NAMES = ['logits', 'probabilities', 'label', 'labelIndex', 'prediction'] as const;

/**
 * Fits the encoding of every feature column, and of the target, on the training rows alone.
 *
 * Number columns become standardised values and missing indicators, categories one-hot features, instants calendar
 * features, text a bag of words: together the tensor `features`. Images, waveforms, series and tokens are tensors of
 * their own. Columns that are the same in every training row are left out and listed in `state.dropped`.
 *
 * @throws BallastError DATA_FEATURE_ALL_MISSING, DATA_NO_FEATURES, DATA_NO_ROWS, DATA_INFINITE, and those of the target
 */
export function fitPreprocessor(table: Table, roles: Roles, trainRows: Uint32Array, options: FitOptions): Preprocessor {
  const { features = DEFAULT_FEATURES } = options;
  if (trainRows.length === 0)
    throw new BallastError('there is no row to train on', { code: 'DATA_NO_ROWS', place: 'data' });
  const state: PreprocessorState = {
    format: 1,
    numbers: [],
    categories: [],
    times: [],
    texts: [],
    arrays: [],
    sparse: [],
    group: [...roles.group],
    dropped: [],
    ...(roles.weight === undefined ? {} : { weight: roles.weight }),
    ...(roles.offset === undefined ? {} : { offset: roles.offset }),
  };
  const target = fitTarget(table, roles, options.labelled ?? trainRows, options);
  if (target !== undefined) state.target = target;
  const empty: string[] = [];
  for (const name of roles.features) {
    const unfit = fitColumn(state, requireColumn(table, name), inputName(name, roles.features), trainRows, features);
    if (unfit === 'empty') empty.push(name);
    if (unfit === 'constant') state.dropped.push({ column: name, reason: 'the same in every training row' });
  }
  if (empty.length > 0) throw allMissing(empty);
  const preprocessor = new Preprocessor(state);
  if (preprocessor.outputs.length === 0) {
    throw new BallastError('no feature column varies in the training rows', {
      code: 'DATA_NO_FEATURES',
      place: 'data.features',
      value: state.dropped.map(({ column }) => column),
      remedy: 'Add columns that say something about the rows.',
    });
  }
  return preprocessor;
}

/** Adds the column's encoding to the state, or says why there is none. */
function fitColumn(
  state: PreprocessorState,
  column: Column,
  input: string,
  rows: Uint32Array,
  options: FeatureOptions,
): Unfit | undefined {
  const add = <E extends object>(encodings: E[], fitted: E | Unfit): Unfit | undefined => {
    if (typeof fitted === 'string') return fitted;
    encodings.push(fitted);
    return undefined;
  };
  switch (column.kind) {
    case 'number':
      return add(state.numbers, fitNumber(column, input, rows, options.scaling));
    case 'category':
      return add(state.categories, fitCategory(column, input, rows, options.categories));
    case 'time':
      return add(state.times, fitTime(column, input, rows));
    case 'text':
      return add(state.texts, fitText(column, input, rows, options.text));
    case 'array':
      return add(state.arrays, fitArray(column, input, rows, options.scaling));
    case 'sparse':
      return add(state.sparse, fitSparse(column, input, rows));
  }
}

function fitTarget(table: Table, roles: Roles, rows: Uint32Array, options: FitOptions): TargetEncoding | undefined {
  if (options.task === 'none') return undefined;
  if (roles.target === undefined) {
    throw new BallastError(`a ${options.task} needs a target`, {
      code: 'DATA_TARGET_ABSENT',
      place: 'data.target',
      remedy: `Name a column: ${table.columns
        .map(({ name }) => name)
        .slice(0, 12)
        .join(', ')}.`,
    });
  }
  const column = requireColumn(table, roles.target, 'the target column', 'data.target');
  return options.task === 'classification' ? fitClasses(column, rows, options.classes) : fitNumericTarget(column, rows);
}

/** Name of a column's input: its own, unless the model has an output of that name or values that start like it. */
function inputName(column: string, columns: readonly string[]): string {
  let name = INNER_NAME.test(column) ? `input ${column}` : column;
  const outputs: readonly string[] = OUTPUT_NAMES;
  while (name === '' || outputs.includes(name) || (name !== column && columns.includes(name))) name += '_input';
  return name;
}

/** What exported models call their inner values. */
const INNER_NAME = /^(preprocess|network|output)\//;

function allMissing(columns: readonly string[]): BallastError {
  const names = columns.map((name) => `"${name}"`).join(', ');
  return new BallastError(`no training row has a value in ${columns.length === 1 ? 'column' : 'columns'} ${names}`, {
    code: 'DATA_FEATURE_ALL_MISSING',
    place: 'data.features',
    remedy: 'Exclude what is empty in data.features.exclude.',
  });
}
