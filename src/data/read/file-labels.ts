import { relative, sep } from 'node:path';
import { BallastError } from '../../errors.js';
import type { Column } from '../table.js';
import type { FilesOptions } from './options.js';
import { encodeCategories } from './strings.js';

const PARTS = new Set(['train', 'training', 'val', 'valid', 'validation', 'dev', 'test', 'holdout']);

/**
 * Columns that the places of files give, a row a file: the named groups of `pattern`; without one, `label` (the folder
 * that a file is in, if that is below the source) and `split` (the top folder, where all of those are called train,
 * test and the like). With `path`, the text column `file`.
 */
export function fileColumns(files: readonly string[], root: string, options: FilesOptions, place: string): Column[] {
  const paths = files.map((file) => relative(root, file).split(sep).join('/'));
  const columns =
    options.pattern === undefined ? folderColumns(paths, place) : patternColumns(paths, options.pattern, place);
  return options.path === true
    ? [...columns, { kind: 'text', name: 'file', values: paths, provenance: true }]
    : columns;
}

function folderColumns(paths: readonly string[], place: string): Column[] {
  const folders = paths.map((path) => path.split('/').slice(0, -1));
  const columns: Column[] = [];
  const parts = folders.every((names) => names.length > 0 && PARTS.has(names[0].toLowerCase()));
  const labels = parts ? folders.map((names) => names.slice(1)) : folders;
  const labelled = labels.some((names) => names.length > 0);
  // One folder for all files says nothing about any of them.
  const alike = labels.every((names) => names.join('/') === labels[0].join('/'));
  if (labelled && !alike) {
    const bare = labels.findIndex((names) => names.length === 0);
    if (bare >= 0) {
      throw new BallastError('some files are in folders of classes, this one is in none', {
        code: 'DATA_LABEL_MISSING',
        place: `${place}: ${paths[bare]}`,
        remedy: 'Move it, or say with files.pattern where labels come from.',
      });
    }
    columns.push(
      encodeCategories(
        'label',
        labels.map((names) => names.at(-1) ?? ''),
      ),
    );
  }
  if (parts) {
    const names = folders.map(([name]) => name);
    columns.push({ ...encodeCategories('split', names), provenance: true });
  }
  return columns;
}

function patternColumns(paths: readonly string[], pattern: string, place: string): Column[] {
  const expression = compile(pattern, place);
  const values = new Map<string, string[]>();
  for (const path of paths) {
    const groups = expression.exec(path)?.groups;
    if (groups === undefined) {
      throw new BallastError("the file's name does not match files.pattern, or the pattern has no named group", {
        code: 'DATA_LABEL_MISSING',
        place: `${place}: ${path}`,
        value: pattern,
        remedy: 'Write it like (?<label>[a-z]+)_\\d+\\.wav.',
      });
    }
    for (const [name, value] of Object.entries(groups)) {
      const column = values.get(name) ?? [];
      column.push(value ?? '');
      values.set(name, column);
    }
  }
  return [...values].map(([name, texts]) => encodeCategories(name, texts));
}

function compile(pattern: string, place: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    throw new BallastError('files.pattern is not a regular expression', {
      code: 'DATA_PATTERN',
      place,
      value: pattern,
      cause: error,
    });
  }
}
