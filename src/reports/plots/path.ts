import { type LineSeries, lineChart } from '../../charts/index.js';
import type { PathReportInput } from '../path-report-input.js';

/** Columns that are drawn: those of the largest coefficients. */
const DRAWN = 60;
const SIZE = { width: 560, height: 360 };

type Input = Pick<PathReportInput, 'path' | 'cv' | 'chosen' | 'features'>;

/** Minus the logarithm, so that models grow to the right. */
const axis = { label: '-log10(lambda)' };
const at = (lambda: number): number => -Math.log10(lambda);

/** Each coefficient, of standardised features, as the penalty falls; the name of each line is told by hovering. */
export function coefficientPlot({ path, features, cv }: Input, standalone: boolean): string {
  const { points } = path;
  const largest = new Map<number, number>();
  for (const { columns, coefficients } of points) {
    columns.forEach((column, k) => {
      largest.set(column, Math.max(largest.get(column) ?? 0, Math.abs(coefficients[k])));
    });
  }
  const drawn = [...largest.keys()].sort((a, b) => (largest.get(b) ?? 0) - (largest.get(a) ?? 0)).slice(0, DRAWN);
  const series = drawn.map(
    (column): LineSeries => ({
      name: features[column] ?? String(column),
      points: points.map(({ lambda, columns, coefficients }) => {
        const k = columns.indexOf(column);
        return { x: at(lambda), y: k === -1 ? 0 : coefficients[k] };
      }),
    }),
  );
  return lineChart({
    title: 'Coefficient path',
    subtitle:
      largest.size > DRAWN ? `the ${DRAWN} largest of ${largest.size} coefficients` : `${largest.size} coefficients`,
    series,
    x: axis,
    y: {
      label:
        path.outputs === undefined
          ? 'coefficient of the encoded feature'
          : 'length of the encoded feature\u2019s coefficients over classes',
    },
    rules: rulesOf(cv),
    names: series.length <= 12 ? 'direct' : 'legend',
    standalone,
    ...SIZE,
  });
}

/** Error of each model in cross-validation, one standard error to both sides. */
export function crossValidationPlot({ path, cv }: Input, standalone: boolean): string {
  return lineChart({
    title: 'Cross-validation',
    subtitle: `mean over ${cv.folds.length / cv.repeats} folds${cv.repeats > 1 ? `, ${cv.repeats} times` : ''}, one standard error to both sides`,
    series: [
      {
        name: 'cross-validated',
        points: path.points.map(({ lambda }, k) => ({
          x: at(lambda),
          y: cv.mean[k],
          lo: cv.mean[k] - cv.se[k],
          hi: cv.mean[k] + cv.se[k],
        })),
      },
      // Of events left out of all, no training row has a like.
      ...(path.family === 'cox'
        ? []
        : [
            {
              name: 'training',
              dash: 'dashed' as const,
              points: path.points.map(({ lambda, deviance }) => ({ x: at(lambda), y: deviance })),
            },
          ]),
    ],
    x: axis,
    y: { label: misfitOf(path.family) },
    rules: rulesOf(cv),
    standalone,
    ...SIZE,
  });
}

/** What a coefficient more buys. */
export function sparsityPlot({ path, cv, chosen }: Input, standalone: boolean): string {
  const seen = new Map<number, number>();
  path.points.forEach(({ columns }, k) => {
    seen.set(columns.length, Math.min(seen.get(columns.length) ?? Number.POSITIVE_INFINITY, cv.mean[k]));
  });
  const points = [...seen].sort(([a], [b]) => a - b).map(([x, y]) => ({ x, y }));
  return lineChart({
    title: 'Sparsity against quality',
    subtitle: `least cross-validated deviance with so many ${path.outputs === undefined ? 'coefficients' : 'features'}`,
    series: [{ name: 'deviance', points }],
    x: { label: path.outputs === undefined ? 'coefficients that are not 0' : 'features with a coefficient' },
    y: { label: misfitOf(path.family) },
    rules: [{ x: chosen.model.columns.length, label: 'chosen' }],
    standalone,
    ...SIZE,
  });
}

const misfitOf = (family: string): string => (family === 'cox' ? 'deviance an event' : 'deviance a row');

function rulesOf({ lambdaMin, lambda1se }: Input['cv']): { x: number; label: string }[] {
  if (lambdaMin === lambda1se) return [{ x: at(lambdaMin), label: 'min = 1se' }];
  return [
    { x: at(lambda1se), label: '1se' },
    { x: at(lambdaMin), label: 'min' },
  ];
}
