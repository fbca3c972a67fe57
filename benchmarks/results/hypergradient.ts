/** A strength learned while training, against the best of a grid. */
import { type Arm, show, summary, type Trial, trainArms, valuesOf } from './arms.js';
import type { Results } from './page.js';
import { digitsData } from './support/digits-table.js';

interface Case {
  readonly type: string;
  readonly grid: readonly number[];
  /** Where learning starts: too weak and too strong. */
  readonly starts: readonly number[];
}

const CASES: readonly Case[] = [
  { type: 'l2', grid: [1e-5, 1e-4, 1e-3, 0.003, 0.01, 0.03, 0.1], starts: [1e-4, 0.1] },
  { type: 'label-smoothing', grid: [0.01, 0.03, 0.1, 0.2, 0.4], starts: [0.02, 0.4] },
];

/** `unrolled` looks a step ahead, `implicit` takes a Neumann series. */
const METHODS = ['unrolled', 'implicit'];

/** The strength that a run ended with, out of its finding. */
function learned({ findings }: Trial): number {
  const told = findings.find(({ code }) => code.includes('LEARNED'))?.message;
  const [, last] = told?.match(/-> ([\d.e-]+)/) ?? [];
  if (last === undefined) throw new Error(`no strength was told: ${findings.map(({ code }) => code).join(', ')}`);
  return Number(last);
}

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const seeds = quick ? 2 : 5;
    const spec = {
      name: 'digits',
      task: 'classification',
      data: digitsData(datasets, { validation: 300, holdout: 1000 }),
      model: { type: 'mlp', hidden: [64, 64] },
      training: { epochs: 80, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.003 }, trainMetricsRows: 100 },
    };
    const sections: string[] = [];
    for (const { type, grid, starts } of CASES) {
      const fixedArms = grid.map(
        (strength): Arm => ({ name: `${type} ${strength}`, regularizers: [{ type, strength }] }),
      );
      const learning = METHODS.flatMap((method) =>
        starts.map(
          (strength): Arm => ({
            name: `learned, ${method}, from ${strength}`,
            regularizers: [
              { type, strength },
              { type: 'hypergradient', learn: [type], method },
            ],
          }),
        ),
      );
      const arms: readonly Arm[] = [{ name: 'plain', regularizers: [] }, ...fixedArms, ...learning];
      const trials = await trainArms(spec, arms, { seeds, tell });
      const of = (arm: string, part: 'validation' | 'holdout', metric: string): number[] =>
        valuesOf(trials, arm, (trial) => trial[part][metric]);
      const validation = ({ name }: Arm): number => summary(of(name, 'validation', 'logLoss')).mean.value;
      const best = fixedArms.reduce((found, arm) => (validation(arm) < validation(found) ? arm : found));
      const losses = (arm: string): number[] => of(arm, 'holdout', 'logLoss').map((value) => -value);
      const lines = arms.map(({ name }) => {
        const ends = learning.some((arm) => arm.name === name) ? valuesOf(trials, name, learned) : [];
        const gain = name === best.name ? undefined : summary(losses(name), losses(best.name)).gain;
        const cells = [
          name === best.name ? `${name}, best on validation` : name,
          ends.length === 0 ? '' : show(summary(ends).mean, 4),
          show(summary(of(name, 'holdout', 'logLoss')).mean, 3),
          gain === undefined ? '' : show(gain, 3),
          show(summary(of(name, 'holdout', 'accuracy')).mean, 4),
        ];
        return `| ${cells.join(' | ')} |`;
      });
      sections.push(`## ${type}

| strength | where it ended | log loss | gain over the best of the grid | accuracy |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`);
    }
    return `# Strengths learned by hypergradients

Handwritten digits (497 rows to train on, 300 to choose from the grid by, 1,000 held out), a perceptron of twice 64 units, 80 epochs. Learning holds a fifth of the training rows
back, does not see the validation rows, and needs one run where the grid needs one a strength. Means over ${seeds} seeds **on the holdout** with 95 % intervals (Student's t); gains
in log loss are paired by seed, above 0 is better.

${sections.join('\n')}`;
  },
};
