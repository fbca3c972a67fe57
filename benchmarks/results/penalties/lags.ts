/** Weights of neighbouring inputs that should be alike: the days before, to tell the day's temperature. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Arm, show, summary, type Trial, trainArms, valuesOf } from '../arms.js';
import type { ResultsSetting } from '../page.js';
import { weightsOf } from '../support/matrices.js';
import { chosenArms, fixed, overStrengths, type Technique } from '../support/tuned.js';

const LAGS = 60;
const TRAINING = 200;

const fused = (name: string, strengths: readonly number[], options: Readonly<Record<string, unknown>>): Technique =>
  overStrengths(name, strengths, (strength) => [{ type: 'fused-lasso', strength, ...options }]);

const TECHNIQUES: readonly Technique[] = [
  fixed({ name: 'plain', regularizers: [] } satisfies Arm),
  overStrengths('l2', [0.01, 0.1, 1], (strength) => [{ type: 'l2', strength }]),
  overStrengths('l1', [0.003, 0.01, 0.03, 0.1], (strength) => [{ type: 'l1', strength }]),
  fused('fused-lasso, order 1, l1', [0.01, 0.03, 0.1, 0.3], {}),
  fused('fused-lasso, order 2, l1', [0.003, 0.01, 0.03, 0.1], { order: 2 }),
  fused('fused-lasso, order 2, l2', [0.1, 1, 10], { order: 2, norm: 'l2' }),
];

/** Runs of equal weights. */
function levels({ graph }: Trial): number {
  const [{ data }] = weightsOf(graph);
  return 1 + Array.from(data).filter((value, i) => i > 0 && Math.abs(value - data[i - 1]) > 1e-4).length;
}

export async function lagsPart({ datasets, tell }: ResultsSetting, folder: string, seeds: number): Promise<string> {
  const days = readFileSync(join(datasets, 'time-series-classics/daily-min-temperatures.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => Number(line.split(',')[1].replaceAll('"', '')));
  const source = join(folder, 'lags.csv');
  const lines = Array.from({ length: 1600 }, (_, i) => [
    ...Array.from({ length: LAGS }, (_lag, lag) => days[i + LAGS - 1 - lag]),
    i,
    days[i + LAGS],
  ]);
  const header = [...Array.from({ length: LAGS }, (_, lag) => `back${lag + 1}`), 'day', 'next'];
  writeFileSync(source, `${header.join(',')}\n${lines.map((cells) => cells.join(',')).join('\n')}\n`);
  const spec = {
    name: 'temperatures',
    task: 'regression',
    data: {
      source,
      target: 'next',
      columns: { time: 'day' },
      split: { strategy: 'time', validation: 400, holdout: 1600 - 400 - TRAINING },
    },
    model: { type: 'linear' },
    training: { epochs: 200, batchSize: 50, optimizer: { type: 'sgd', learningRate: 0.002, momentum: 0.9 } },
  };
  const arms = await chosenArms(spec, TECHNIQUES, ({ validation }) => -validation.rmse, { tell });
  const trials = await trainArms(spec, arms, { seeds, tell });
  const error = (arm: string): number[] => valuesOf(trials, arm, ({ holdout }) => -holdout.rmse);
  const rows = arms.map(({ name }, place) => {
    const gain = place === 0 ? undefined : summary(error(name), error('plain')).gain;
    const rmse = summary(error(name).map((value) => -value)).mean;
    const kept = summary(valuesOf(trials, name, levels)).mean;
    return `| ${name} | ${show(rmse, 3)} | ${gain === undefined ? '' : show(gain, 3)} | ${show(kept, 1)} |`;
  });
  return `## Neighbours alike: fused lasso and smoothing

The minimum temperature of a day in Melbourne from the ${LAGS} days before, a linear model fitted to ${TRAINING} days; 400 later days choose the strength (here the
best), ${1600 - 400 - TRAINING} still later ones are reported. A level is a run of equal weights.

| technique and strength | RMSE in degrees | gain over plain | levels of ${LAGS} weights |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
