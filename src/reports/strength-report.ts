import { join } from 'node:path';
import { element, type LinePoint, lineChart } from '../charts/index.js';
import type { Spread, StrengthPoint, StrengthResponse } from '../tuning/strength-path.js';
import { figure, grid, page, table } from './page.js';
import { writeFiles } from './write-report.js';

export interface StrengthReportInput {
  readonly title: string;
  readonly runId: string;
  readonly response: StrengthResponse;
}

const SIZE = { width: 560, height: 360 };

/**
 * Writes the page of a path along a strength as `report.html`, and its plots as SVG files beside it.
 *
 * @returns the page's path
 * @throws BallastError REPORT_NOT_WRITTEN (environment)
 */
export async function writeStrengthReport(input: StrengthReportInput, directory: string): Promise<string> {
  const plots = { 'strength-response': responsePlot, 'bias-variance': biasVariancePlot };
  const report = { path: join(directory, 'report.html'), content: strengthReport(input, Object.values(plots)) };
  await writeFiles(directory, [
    ...Object.entries(plots).map(([name, draw]) => ({
      path: join(directory, `${name}.svg`),
      content: `${draw(input.response, true)}\n`,
    })),
    report,
  ]);
  return report.path;
}

function strengthReport(
  { title, runId, response }: StrengthReportInput,
  plots: readonly ((response: StrengthResponse, standalone: boolean) => string)[],
): string {
  const { along, points, best, strongest, knee, loss } = response;
  const number = (value: number): string => String(Number(value.toPrecision(4)));
  const at = (place: number): string => number(points[place].strength);
  return page(
    `${title} \u2013 Ballast`,
    element(
      'header',
      {},
      element('div', { class: 'brand' }, element('i', { 'aria-hidden': 'true' }), 'Ballast path along a strength'),
      element('h1', {}, `${title}: ${along}`),
    ),
    element(
      'p',
      { class: 'lead' },
      `Least validation loss at ${along} ${at(best)}; the strongest within one standard error of it is ${at(strongest)}.` +
        (knee === undefined ? '' : ` From ${at(knee)} on, more strength costs training loss ever faster.`),
    ),
    grid(plots.map((draw) => figure(draw(response, false)))),
    table(
      'Strengths',
      [along, `train ${loss}`, `validation ${loss}`, 'standard error', 'gap', 'bias squared', 'variance'].map(
        (label) => ({
          label,
          number: true,
        }),
      ),
      points.map(({ strength, train, validation, gap, biasSquared, variance }) =>
        [strength, train.mean, validation.mean, validation.se, gap.mean, biasSquared, variance].map(number),
      ),
    ),
    element('p', {}, 'Run ', element('code', {}, runId)),
  );
}

/** Loss on both parts as the strength grows. */
function responsePlot({ along, unit, loss, points, best, knee }: StrengthResponse, standalone: boolean): string {
  const curve = (of: (point: StrengthPoint) => Spread): LinePoint[] =>
    points.map((point, x) => {
      const { mean, se } = of(point);
      return { x, y: mean, lo: mean - se, hi: mean + se };
    });
  return lineChart({
    title: `Response to ${along}`,
    subtitle: `${unit}; one standard error to both sides`,
    series: [
      { name: 'validation', points: curve(({ validation }) => validation) },
      { name: 'training', dash: 'dashed', points: curve(({ train }) => train) },
    ],
    x: { label: stepsLabel(points) },
    y: { label: loss },
    rules: [
      { x: best, label: `best: ${label(points[best])}` },
      ...(knee === undefined || knee === best ? [] : [{ x: knee, label: `knee: ${label(points[knee])}` }]),
    ],
    standalone,
    ...SIZE,
  });
}

/** What the error on validation rows is made of. */
function biasVariancePlot({ along, points }: StrengthResponse, standalone: boolean): string {
  return lineChart({
    title: `Bias and variance along ${along}`,
    subtitle: 'of predictions on validation rows, over members trained on other rows and seeds',
    series: [
      { name: 'bias squared + noise', points: points.map(({ biasSquared }, x) => ({ x, y: biasSquared })) },
      { name: 'variance', points: points.map(({ variance }, x) => ({ x, y: variance })) },
    ],
    x: { label: stepsLabel(points) },
    y: { label: 'mean square' },
    standalone,
    ...SIZE,
  });
}

const label = ({ strength }: StrengthPoint): string => String(Number(strength.toPrecision(3)));
const stepsLabel = (points: readonly StrengthPoint[]): string =>
  `step of the path, strengths ${label(points[0])} to ${label(points[points.length - 1])}`;
