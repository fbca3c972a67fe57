/** Suspect labels: against human votes on published probabilities, and against labels made wrong. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suspectLabels } from '../../../src/evaluation/index.js';
import { openRuntime } from '../../../src/graph/index.js';
import { derive } from '../../../src/numeric/random.js';
import { resolveSpec } from '../../../src/spec/index.js';
import { prepareData } from '../../../src/spec/prepare.js';
import { type OutOfFold, outOfFold } from '../../../src/tuning/index.js';
import { FORGETFUL } from '../arms.js';
import type { ResultsSetting } from '../page.js';
import { digitsData } from '../support/digits-table.js';

/** A row that five people looked at. */
interface Review {
  readonly id: number;
  readonly mturk: Readonly<Record<'given' | 'guessed' | 'neither', number>> & { readonly both?: number };
}

/** Fewer than three of the five see the given label: what Northcutt et al. (2021) count as an error (15 and 54). */
const isWrong = ({ mturk }: Review): boolean => mturk.given < 3;

export async function suspectsPart({ datasets, tell }: ResultsSetting): Promise<string> {
  const folder = join(datasets, 'label-errors');
  const lines: string[] = [];
  for (const name of ['mnist', 'cifar10']) {
    const labels = readNpy(join(folder, `${name}_test_set_original_labels.npy`));
    const probabilities = readNpy(join(folder, `${name}_test_set_pyx.npy`));
    const reviews = JSON.parse(readFileSync(join(folder, `${name}_mturk.json`), 'utf8')) as Review[];
    const { suspects, noiseRate } = suspectLabels({ labels, probabilities, classes: 10 });
    lines.push(
      judged(
        `${name}, published probabilities`,
        reviews,
        suspects.map(({ row }) => row),
        noiseRate,
      ),
    );
    tell(lines.at(-1)!);
    if (name === 'mnist') {
      const own = await ownDigits(datasets, tell);
      const found = suspectLabels({ ...own, classes: own.classes.length });
      const rows = found.suspects.map(({ row }) => own.rows[row]);
      lines.push(judged('mnist, `data check --labels` with a small cnn', reviews, rows, found.noiseRate));
      tell(lines.at(-1)!);
    }
  }
  const made = await madeWrong(datasets, tell);
  return `## Suspect labels

Confident learning as in \`ballast data check --labels\`, judged by people: five workers each looked at the candidates that Northcutt et
al. (2021) published (100 of MNIST's test digits, 275 of CIFAR-10's test images), and a label is wrong where fewer than three saw it
(15 and 54). Of rows that nobody reviewed nothing is known: they count neither for nor against. Precision is the share of reviewed
suspects that are wrong, recall the share of the wrong labels known that are found. The published probabilities come from large
networks; ours from a small cnn on five folds of the 10,000 test digits.

| data and probabilities | suspects | reviewed | precision | recall | estimated share wrong |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}

Labels that were made wrong, all rows known (digits, 1,797 rows, each label another one with the chance given, a perceptron on five
folds):

| wrong | suspects | precision | recall | estimated share wrong |
| --- | --- | --- | --- | --- |
${made.join('\n')}
`;
}

function judged(name: string, reviews: readonly Review[], rows: readonly number[], noiseRate: number): string {
  const chosen = new Set(rows);
  const reviewed = reviews.filter(({ id }) => chosen.has(id));
  const share = (part: readonly Review[], of: readonly Review[]): string =>
    `${((100 * part.length) / Math.max(1, of.length)).toFixed(0)} % (${part.length} of ${of.length})`;
  const wrong = reviews.filter(isWrong);
  const found = wrong.filter(({ id }) => chosen.has(id));
  return `| ${name} | ${rows.length} | ${reviewed.length} | ${share(found, reviewed)} | ${share(found, wrong)} | ${(100 * noiseRate).toFixed(2)} % |`;
}

async function ownDigits(datasets: string, tell: (line: string) => void): Promise<OutOfFold> {
  const resolved = resolveSpec({
    name: 'mnist-labels',
    task: 'classification',
    data: {
      source: join(datasets, 'mnist-t10k/t10k-images-idx3-ubyte.gz'),
      target: 'label',
      split: { strategy: 'stratified', validation: 0.2, holdout: 0 },
    },
    model: { type: 'cnn', layers: [{ conv: 16 }, { pool: 2 }, { conv: 32 }, { pool: 2 }, { dense: 64 }] },
    training: {
      epochs: 4,
      batchSize: 64,
      optimizer: { type: 'adamw', learningRate: 0.002, schedule: { type: 'cosine' } },
    },
    regularizers: [{ type: 'dropout', strength: 0.3 }],
  });
  const data = await prepareData(resolved, { register: FORGETFUL });
  return outOfFold(resolved, data, { runtime: await openRuntime(), folds: 5, tell });
}

async function madeWrong(datasets: string, tell: (line: string) => void): Promise<string[]> {
  const resolved = resolveSpec({
    name: 'digits-labels',
    task: 'classification',
    data: digitsData(datasets, { strategy: 'random', validation: 0.2, holdout: 0 }),
    model: { type: 'mlp', hidden: [64] },
    training: { epochs: 20, batchSize: 64, optimizer: { type: 'adamw', learningRate: 0.002 } },
    regularizers: [{ type: 'weight-decay', strength: 0.3 }],
  });
  const data = await prepareData(resolved, { register: FORGETFUL });
  const target = data.table.columns.find(({ name }) => name === 'label');
  if (target?.kind !== 'number') throw new Error('digits have numbers for labels');
  const lines: string[] = [];
  for (const share of [0.05, 0.2, 0.4]) {
    const stream = derive(1, 'made wrong', `${share}`);
    const wrong = new Set<number>();
    const values = Float64Array.from(target.values, (value, row) => {
      if (stream.uniform() >= share) return Number(value);
      wrong.add(row);
      return (Number(value) + 1 + Math.floor(stream.uniform() * 9)) % 10;
    });
    const columns = data.table.columns.map((column) => (column === target ? { ...target, values } : column));
    const noisy = { ...data, table: { ...data.table, columns } };
    const own = await outOfFold(resolved, noisy, { runtime: await openRuntime(), folds: 5 });
    const { suspects, noiseRate } = suspectLabels({ ...own, classes: own.classes.length });
    const hits = suspects.filter(({ row }) => wrong.has(own.rows[row])).length;
    const percent = (part: number, of: number): string => `${((100 * part) / Math.max(1, of)).toFixed(0)} %`;
    lines.push(
      `| ${100 * share} % | ${suspects.length} | ${percent(hits, suspects.length)} | ${percent(hits, wrong.size)} | ${(100 * noiseRate).toFixed(1)} % |`,
    );
    tell(lines.at(-1)!);
  }
  return lines;
}

/** Numbers of an .npy file (version 1, little-endian, C order). */
function readNpy(path: string): number[] {
  const bytes = readFileSync(path);
  const from = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, from);
  const type = /'descr': '([^']+)'/.exec(header)?.[1];
  const body = bytes.buffer.slice(bytes.byteOffset + from, bytes.byteOffset + bytes.length);
  if (type === '<f8') return Array.from(new Float64Array(body));
  if (type === '<u2') return Array.from(new Uint16Array(body));
  if (type === '<i8') return Array.from(new BigInt64Array(body), Number);
  throw new Error(`numbers of type ${type}`);
}
