/** Parity by a mixture of networks, against fairlearn's reduction. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textOf } from '../../src/data/column-values.js';
import { readTable } from '../../src/data/read/read.js';
import { findColumn } from '../../src/data/table.js';
import { openRuntime } from '../../src/graph/index.js';
import { groupColumn } from '../../src/tuning/judge.js';
import { type Arm, scoreRows, show, summary, type Trial, trainArms } from './arms.js';
import { ADULT } from './labels/adult.js';
import type { Results, ResultsSetting } from './page.js';

/** Random splits. */
const SEEDS = 5;

/** Figures of one model on the holdout. */
interface Parity {
  readonly accuracy: number;
  readonly 'demographic-parity': number;
  readonly 'equalized-odds': number;
  readonly members?: number;
}

interface Peer {
  readonly fairlearn: string;
  readonly cases: Readonly<Record<string, Readonly<Record<string, readonly Parity[]>>>>;
}

const CRITERIA = ['demographic-parity', 'equalized-odds'] as const;
type Criterion = (typeof CRITERIA)[number];

const TRAINING = { epochs: 30, batchSize: 256, optimizer: { type: 'adamw', learningRate: 0.01 } };

const COMPAS_FEATURES = [
  'age',
  'juv_fel_count',
  'juv_misd_count',
  'juv_other_count',
  'priors_count',
  'c_charge_degree',
] as const;

/** The same columns, rows and model as `reductions/fairlearn_peer.py` has them. */
const CASES = [
  {
    source: 'adult/adult-train.csv.gz',
    group: 'sex',
    spec: { ...ADULT, model: { type: 'logistic' }, training: TRAINING },
  },
  {
    source: 'compas/compas-scores-two-years.noname.csv.gz',
    group: 'sex',
    spec: {
      name: 'compas',
      task: 'classification',
      data: {
        target: 'two_year_recid',
        columns: { sensitive: 'sex' },
        split: { validation: 0.2, holdout: 0.5 },
      },
      model: { type: 'logistic' },
      training: { ...TRAINING, batchSize: 64 },
    },
  },
] as const;

const ARMS: readonly Arm[] = [
  { name: 'plain', regularizers: [] },
  ...CRITERIA.flatMap((type): Arm[] => [
    { name: `${type} constraint`, regularizers: [{ type, mode: 'constraint', allow: 0.01 }] },
    { name: `${type} mixture`, regularizers: [{ type, mode: 'mixture', allow: 0.01 }] },
  ]),
];

/** Accuracy, and the largest difference between groups, of decisions given as shares of the second class. */
function parityOf({ scored, data }: Trial, group: string, shares: (row: number) => number): Parity {
  const { codes } = groupColumn(data.table, group, scored.rows);
  const groups = Math.max(...Array.from(codes)) + 1;
  let right = 0;
  const sums = new Float64Array(groups * 2);
  const rows = new Float64Array(groups * 2);
  scored.target.forEach((label, i) => {
    const share = shares(i);
    right += label === 1 ? share : 1 - share;
    if (codes[i] < 0) return;
    sums[2 * codes[i] + label] += share;
    rows[2 * codes[i] + label]++;
  });
  const known = Array.from({ length: groups }, (_, g) => g).filter((g) => rows[2 * g] + rows[2 * g + 1] > 0);
  const spread = (of: (g: number) => number): number => Math.max(...known.map(of)) - Math.min(...known.map(of));
  return {
    accuracy: right / scored.target.length,
    'demographic-parity': spread((g) => (sums[2 * g] + sums[2 * g + 1]) / (rows[2 * g] + rows[2 * g + 1])),
    'equalized-odds': Math.max(...[0, 1].map((c) => spread((g) => sums[2 * g + c] / rows[2 * g + c]))),
  };
}

/** A copy of compas with these columns only: the file has two names twice, and columns that are empty for most people. */
async function compasCopy(path: string, folder: string): Promise<string> {
  const table = await readTable(path, {
    delimited: { duplicateNames: 'rename' },
    target: 'two_year_recid',
    baseDirectory: folder,
  });
  const columns = [...COMPAS_FEATURES, 'sex', 'two_year_recid'].map((name) => textOf(findColumn(table, name)!));
  const lines = Array.from({ length: table.rows }, (_, row) => columns.map((text) => text(row)).join(','));
  const copy = join(folder, 'compas.csv');
  await writeFile(copy, `${[...COMPAS_FEATURES, 'sex', 'two_year_recid'].join(',')}\n${lines.join('\n')}\n`);
  return copy;
}

interface Row {
  readonly arm: string;
  readonly decision: string;
  readonly figures: readonly Parity[];
}

async function rowsOf(
  { spec, source, group }: (typeof CASES)[number],
  { datasets, tell }: ResultsSetting,
  seeds: number,
): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-reductions-'));
  let trials: Trial[];
  try {
    const path = spec.name === 'compas' ? await compasCopy(join(datasets, source), folder) : join(datasets, source);
    trials = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const data = { ...spec.data, source: path, split: { ...spec.data.split, seed } };
      trials.push(...(await trainArms({ ...spec, data }, ARMS, { seeds: 1, tell })));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  const runtime = await openRuntime();
  const rows: Row[] = [];
  for (const { name } of ARMS) {
    const own: Parity[] = [];
    const drawn: Parity[] = [];
    for (const trial of trials.filter(({ arm }) => arm === name)) {
      const { outputs } = trial.scored;
      own.push(parityOf(trial, group, (row) => (outputs[2 * row + 1] > outputs[2 * row] ? 1 : 0)));
      for (const { code, message } of trial.findings) if (code.startsWith('MIXTURE')) tell(message);
      if (!name.endsWith('mixture')) continue;
      const held = trial.data.preprocessor.transform(trial.data.table, trial.data.split.holdout);
      const all = Int32Array.from(trial.data.split.holdout, (_, i) => i);
      const inputs = trial.data.preprocessor.outputs;
      const votes = await scoreRows(
        runtime,
        trial.graph,
        inputs as Parameters<typeof scoreRows>[2],
        held,
        all,
        'votes',
      );
      drawn.push(parityOf(trial, group, (row) => votes[2 * row + 1]));
    }
    if (drawn.length > 0) rows.push({ arm: name, decision: 'drawn by its votes', figures: drawn });
    rows.push({ arm: name, decision: 'its own', figures: own });
  }
  return rows;
}

const line = ({ arm, decision, figures }: Row): string => {
  const of = (key: 'accuracy' | Criterion): string => show(summary(figures.map((figure) => figure[key])).mean, 3);
  return `| ${arm} | ${decision} | ${of('accuracy')} | ${of('demographic-parity')} | ${of('equalized-odds')} |`;
};

export const results: Results = {
  async page(setting) {
    const seeds = setting.quick ? 2 : SEEDS;
    const peer = JSON.parse(readFileSync(new URL('./reductions/fairlearn.json', import.meta.url), 'utf8')) as Peer;
    const parts: string[] = [];
    for (const entry of CASES) {
      const ours = await rowsOf(entry, setting, seeds);
      const theirs = Object.entries(peer.cases[entry.spec.name]).map(
        ([arm, figures]): Row => ({
          arm: `fairlearn ${arm}`,
          decision: arm === 'plain' ? 'its own' : 'drawn',
          figures,
        }),
      );
      parts.push(`## ${entry.spec.name}, by ${entry.group}

| arm | decision | accuracy | demographic-parity gap | equalized-odds gap |
| --- | --- | --- | --- | --- |
${[...ours, ...theirs].map(line).join('\n')}
`);
    }
    return `# Parity by reduction

Logistic regression under \`demographic-parity\` and \`equalized-odds\`, as one network under a constraint and as a mixture of ten
(\`mode: mixture\`, Agarwal et al. 2018), beside fairlearn ${peer.fairlearn}'s ExponentiatedGradient over scikit-learn's logistic
regression with the same columns, allowance (0.01) and shares of rows. Figures are of the half held out: accuracy; the largest
difference between groups in the share that is predicted positive; the larger of the differences in true and false positive rates.
Means over ${seeds} random splits of ours and five of theirs, with 95 % intervals (Student's t over splits). Nothing was chosen on these
rows: every strength and option is the default, and the sensitive column is no feature. A mixture decides by its mean
probability, or is drawn from by its votes, which is what the reduction promises for.

${parts.join('\n')}`;
  },
};
