/** Rows of the source drawn unevenly: adult's young, to serve all ages. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { derive } from '../../../src/numeric/random.js';
import { ADULT } from '../labels/adult.js';
import type { ResultsSetting } from '../page.js';
import { fixed, overStrengths } from '../support/tuned.js';
import { shiftLines } from './shift.js';

const ROWS = 3000;
const USED = ['age', 'educationNum', 'marital', 'sex', 'hours'];

export async function covariatesPart(
  { datasets, tell }: ResultsSetting,
  folder: string,
  seeds: number,
): Promise<string> {
  const { header } = ADULT.data;
  const stream = derive(1, 'covariate shift');
  const people = gunzipSync(readFileSync(join(datasets, 'adult/adult-train.csv.gz')))
    .toString()
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .filter((cells) => cells.length === header.length);
  const order = Array.from(stream.permutation(people.length), (row) => people[row]);
  const column = (name: string): number => header.indexOf(name);
  const columns = USED.map(column);
  const line = (cells: readonly string[], domain: string, labelled: boolean): string =>
    [...columns.map((i) => cells[i]), domain, labelled ? cells[column('income')] : ''].join(',');
  const write = (name: string, lines: readonly string[]): string => {
    const file = join(folder, `ages-${name}.csv`);
    writeFileSync(file, `${[...USED, 'domain', 'income'].join(',')}\n${lines.join('\n')}\n`);
    return file;
  };
  const half = order.slice(0, 16_000);
  const rest = order.slice(16_000);
  const young = half.filter((cells) => stream.uniform() < 1 / (1 + Math.exp((Number(cells[0]) - 30) / 4)));
  const source = write('train', [
    ...young.slice(0, ROWS).map((cells) => line(cells, 'young', true)),
    ...rest.slice(0, ROWS).map((cells) => line(cells, 'all', false)),
  ]);
  const validation = write(
    'validation',
    rest.slice(ROWS, ROWS + 500).map((cells) => line(cells, 'all', true)),
  );
  const test = write(
    'test',
    rest.slice(ROWS + 500).map((cells) => line(cells, 'all', true)),
  );
  const lines: string[] = [];
  for (const [name, hidden] of [
    ['logistic', undefined],
    ['perceptron, 32 units', [32]],
  ] as const) {
    const spec = {
      name: 'ages',
      task: 'classification',
      data: {
        source,
        target: 'income',
        unlabelled: 'keep',
        columns: { domain: 'domain' },
        split: { validation: 300, holdout: 700 },
      },
      model: hidden === undefined ? { type: 'logistic' } : { type: 'mlp', hidden },
      training: { epochs: 15, batchSize: 64, optimizer: { type: 'adamw', learningRate: 0.005 }, trainMetricsRows: 100 },
    };
    const techniques = [
      fixed({ name: 'source alone', regularizers: [] }),
      overStrengths('importance-weighting', [0.25, 0.5, 1], (strength) => [
        { type: 'importance-weighting', strength, target: 'all' },
      ]),
    ];
    lines.push(...(await shiftLines(name, { spec, techniques, validation, test, metric: 'logLoss' }, { tell }, seeds)));
  }
  return `## Covariate shift: the young of adult, to serve all ages

${ROWS} labelled people of adult, the young likelier drawn (even odds at 30, a twelfth at 40); ${ROWS} others of all ages without labels. Log loss on ${rest.length - ROWS - 500}
people of all ages; ${USED.join(', ')} are used. A logistic model cannot bend: it has to choose which ages to fit. A network can fit all of
them.

| model | technique and strength | log loss on the target | gain over source alone | log loss on the source |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}
