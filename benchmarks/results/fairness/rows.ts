/** Adult and compas as files of training, validation and test rows; make_fairlearn.py takes the same. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ADULT } from '../labels/adult.js';

export interface FairnessData {
  readonly name: 'adult' | 'compas';
  readonly sensitive: string;
  /** The class whose shares are compared. */
  readonly favourable: string;
  readonly features: Readonly<Record<string, unknown>>;
  readonly training: string;
  readonly validation: string;
  readonly test: string;
}

const linesOf = (file: string): string[][] =>
  gunzipSync(readFileSync(file))
    .toString()
    .split('\n')
    .map((line) => cellsOf(line));

/** Cells of a line of CSV, quoted ones too. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    (quoted ?? plain ?? '').trim(),
  );
}

/** Every fourth row of adult's training file, every fourth from the second on to choose by, and its test file. */
export function adultRows(datasets: string, folder: string): FairnessData {
  const { header } = ADULT.data;
  const read = (name: string): string[][] =>
    linesOf(join(datasets, 'adult', name))
      .filter((cells) => cells.length === header.length)
      .map((cells) => cells.map((cell) => cell.replace(/\.$/, '')));
  const training = read('adult-train.csv.gz');
  return {
    name: 'adult',
    sensitive: 'sex',
    favourable: '>50K',
    features: { exclude: ['fnlwgt'] },
    ...written(folder, 'adult', header, {
      training: training.filter((_, i) => i % 4 === 0),
      validation: training.filter((_, i) => i % 4 === 1),
      test: read('adult-test.csv.gz'),
    }),
  };
}

const COMPAS = [
  'age',
  'sex',
  'juv_fel_count',
  'juv_misd_count',
  'juv_other_count',
  'priors_count',
  'c_charge_degree',
  'race',
  'two_year_recid',
];

/** The two largest groups of compas: of six rows three to train on, one to choose by, two to report. */
export function compasRows(datasets: string, folder: string): FairnessData {
  const [header, ...all] = linesOf(join(datasets, 'compas/compas-scores-two-years.noname.csv.gz'));
  const places = COMPAS.map((name) => header.indexOf(name));
  const race = COMPAS.indexOf('race');
  const rows = all
    .filter((cells) => cells.length === header.length)
    .map((cells) => places.map((i) => cells[i]))
    .filter((cells) => ['African-American', 'Caucasian'].includes(cells[race]));
  return {
    name: 'compas',
    sensitive: 'race',
    favourable: '1',
    features: {},
    ...written(folder, 'compas', [...COMPAS.slice(0, -1), 'income'], {
      training: rows.filter((_, i) => i % 6 < 3),
      validation: rows.filter((_, i) => i % 6 === 3),
      test: rows.filter((_, i) => i % 6 > 3),
    }),
  };
}

type Parts<T> = Readonly<Record<'training' | 'validation' | 'test', T>>;

function written(folder: string, name: string, header: readonly string[], parts: Parts<string[][]>): Parts<string> {
  const write = (part: keyof Parts<string>): string => {
    const file = join(folder, `${name}-${part}.csv`);
    // The target has one name in both.
    const names = header.map((column) => (column === 'income' ? 'label' : column));
    writeFileSync(file, `${names.join(',')}\n${parts[part].map((cells) => cells.join(',')).join('\n')}\n`);
    return file;
  };
  return { training: write('training'), validation: write('validation'), test: write('test') };
}
