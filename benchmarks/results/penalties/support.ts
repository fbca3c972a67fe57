/** The features that l1 keeps, against scikit-learn's. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { trainArms } from '../arms.js';
import type { ResultsSetting } from '../page.js';
import { weightsOf } from '../support/matrices.js';

const GOLDEN = JSON.parse(readFileSync(new URL('./l1.json', import.meta.url), 'utf8')) as {
  readonly 'scikit-learn': string;
  readonly cases: readonly { readonly lambda: number; readonly coefficients: readonly number[] }[];
};

/** Columns standardised over all rows, as make_l1.py does; the class is a word. */
function writeStandardised(datasets: string, file: string): void {
  const rows = readFileSync(join(datasets, 'breast-cancer-wisconsin/wdbc_sklearn.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number));
  const columns = Array.from({ length: 30 }, (_, j) => {
    const values = rows.map((row) => row[j]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    return values.map((value) => (value - mean) / sd);
  });
  const lines = rows.map((row, i) =>
    [...columns.map((values) => values[i]), row[30] === 1 ? 'benign' : 'a malignant'].join(','),
  );
  const header = [...columns.map((_, j) => `x${j}`), 'label'].join(',');
  writeFileSync(file, `${header}\n${lines.join('\n')}\n`);
}

export async function supportPart({ datasets, tell }: ResultsSetting, folder: string): Promise<string> {
  const source = join(folder, 'wdbc.csv');
  writeStandardised(datasets, source);
  const spec = {
    name: 'wdbc',
    task: 'classification',
    data: { source, target: 'label', features: { scaling: 'none' }, split: { validation: 20, holdout: 0 } },
    model: { type: 'logistic' },
    training: {
      epochs: 8000,
      batchSize: 1024,
      optimizer: { type: 'sgd', learningRate: 0.2, momentum: 0.97 },
      trainMetricsRows: 20,
    },
  };
  const lines: string[] = [];
  for (const { lambda, coefficients } of GOLDEN.cases) {
    const [trial] = await trainArms(
      spec,
      [{ name: `l1 ${lambda}`, regularizers: [{ type: 'l1', strength: lambda }] }],
      { seeds: 1, tell, change: onAllRows },
    );
    const [{ rows, data }] = weightsOf(trial.graph);
    // Two logits: what counts is their difference, and l1 leaves the rest at 0.
    const ours = Array.from({ length: rows }, (_, j) => data[2 * j + 1] - data[2 * j]);
    const support = (values: readonly number[]): Set<number> =>
      new Set([...values.keys()].filter((j) => values[j] !== 0));
    const [own, theirs] = [support(ours), support(coefficients)];
    const shared = [...own].filter((j) => theirs.has(j)).length;
    const apart = Math.max(...ours.map((value, j) => Math.abs(value - coefficients[j])));
    lines.push(`| ${lambda} | ${theirs.size} | ${own.size} | ${shared} | ${apart.toExponential(1)} |`);
    tell(lines.at(-1)!);
  }
  return `## l1: the same features as scikit-learn

Wisconsin breast cancer, 569 rows, 30 standardised columns, a logistic model by proximal steps (SGD with momentum, 8,000 full batches) against
scikit-learn ${GOLDEN['scikit-learn']}'s LogisticRegression (saga to 1e-9, [a script](../../benchmarks/results/penalties/make_l1.py)) of the same objective, mean log loss + lambda
times the l1 norm. Weights that are not exactly 0:

| lambda | scikit-learn | ours | in both | largest difference of a coefficient |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}

/** Every row is trained on: this is a question of optimization, not of generalization. */
const onAllRows: NonNullable<Parameters<typeof trainArms>[2]['change']> = (problem) => ({
  ...problem,
  data: { ...problem.data, train: Int32Array.from([...problem.data.train, ...problem.data.validation]) },
});
