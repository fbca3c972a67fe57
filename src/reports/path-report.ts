import { join } from 'node:path';
import { type Child, element, formatNumber } from '../charts/index.js';
import { isChain } from '../paths/selection/penalized.js';
import type { RunResult } from '../tuning/run-result.js';
import { intervalText, metricDisplay } from './metric-display.js';
import { figure, grid, navigation, page, type Section, sectionMarkup, table } from './page.js';
import { listedCoefficients, listedIntercepts } from './path-coefficients.js';
import type { PathReportInput } from './path-report-input.js';
import { coefficientPlot, crossValidationPlot, sparsityPlot } from './plots/path.js';
import { intervalsPlot, knockoffPlot, stabilityPlot } from './plots/selection.js';
import { selectionSections, selectionSentence } from './sections/selection.js';
import { type WrittenReport, writeFiles } from './write-report.js';

const PLOTS = {
  'coefficient-path': coefficientPlot,
  'cross-validation': crossValidationPlot,
  sparsity: sparsityPlot,
} as const;

/** Drawn where columns were selected so, or intervals were asked for. */
const FURTHER = {
  stability: stabilityPlot,
  knockoffs: knockoffPlot,
  intervals: intervalsPlot,
} as const;

/** Coefficients that the page lists. */
const LISTED = 200;

/**
 * Writes the page of a path as `report.html` and each of its plots as an SVG file beside it.
 *
 * @throws BallastError REPORT_NOT_WRITTEN (environment)
 */
export async function writePathReport(input: PathReportInput, directory: string): Promise<WrittenReport> {
  const plots = Object.entries({ ...PLOTS, ...FURTHER }).flatMap(([name, draw]) => {
    const drawn = draw(input, true);
    return drawn === undefined ? [] : [{ path: join(directory, `${name}.svg`), content: `${drawn}\n` }];
  });
  const report = { path: join(directory, 'report.html'), content: pathReport(input) };
  await writeFiles(directory, [...plots, report]);
  return { report: report.path, plots: plots.map(({ path }) => path) };
}

/** The page of one path: which model was chosen and why, the path itself, coefficients, figures, the record. */
function pathReport(input: PathReportInput): string {
  const sections = sectionsOf(input);
  const { title, dataset, path, createdAt } = input;
  const facts: [string, string][] = [
    ['Family', path.family],
    ['Penalty', penaltyText(input)],
    ['Alpha', String(path.alpha)],
    ['Data', `${dataset.name} ${dataset.version.slice(0, 20)}`],
    ['Training rows', formatNumber(dataset.rows, 'integer')],
    ['Features', formatNumber(path.features, 'integer')],
    ['Made', `${createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`],
  ];
  return page(
    `${title} \u2013 Ballast`,
    element(
      'header',
      {},
      element('div', { class: 'brand' }, element('i', { 'aria-hidden': 'true' }), 'Ballast regularization path'),
      element('h1', {}, title),
      element(
        'dl',
        { class: 'facts' },
        facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
      ),
    ),
    element('p', { class: 'lead' }, chosenText(input)),
    navigation(sections),
    sections.map(sectionMarkup),
  );
}

const RULES: Readonly<Record<string, string>> = {
  min: 'least cross-validated error',
  '1se': 'sparsest within one standard error of the least',
  relaxed: 'least cross-validated error of relaxed models',
};

function penaltyText({ path, shape }: PathReportInput): string {
  if (shape === undefined) {
    const grouped = path.groups !== undefined || path.grouped === true ? 'grouped ' : '';
    return path.alpha === 0 ? 'ridge' : `${grouped}${path.alpha === 1 ? 'lasso' : 'elastic net'}`;
  }
  if (isChain(shape)) return `${shape.type}: ${path.differences === 2 ? 'second' : 'first'} differences of neighbours`;
  if (shape.type === 'adaptive') return `adaptive, pilot at lambda ${shape.pilot.toPrecision(4)}`;
  return `${shape.type.toUpperCase()}${shape.gamma === undefined ? '' : `, gamma ${shape.gamma}`}`;
}

/** Which model was taken, and what it costs against the best. */
export function chosenText(input: PathReportInput): string {
  const { path, cv, chosen } = input;
  const { index, model, relaxed } = chosen;
  const stopped = path.stopped === undefined ? '' : ` The path ends early: ${path.stopped.message}.`;
  const selection = selectionSentence(input);
  const size =
    model.outputs === undefined
      ? `${model.columns.length} of ${path.features} coefficients`
      : `${model.columns.length} of ${path.features} features`;
  if (index === undefined) return `Chosen: ${size}, without penalty. ${selection ?? ''}${stopped}`;
  const rule = RULES[chosen.by] ?? `least ${chosen.by.toUpperCase()}`;
  const misfit = (relaxed?.mean ?? cv.mean[index]).toPrecision(4);
  const quality =
    cv.concordance === undefined
      ? `cross-validated deviance ${misfit} against ${path.nullDeviance.toPrecision(4)} of the null model on all of these rows`
      : `cross-validated deviance ${misfit} an event, concordance ${cv.concordance.mean[index].toFixed(3)}`;
  return (
    `Chosen: lambda ${chosen.lambda.toPrecision(4)} (${rule}), ${size}, ` +
    `${quality}.${luckText(input)}${selection === undefined ? '' : ` ${selection}`}${stopped}`
  );
}

/** What was chosen for its figure has a figure that flatters it, unless the choice itself was scored on other rows. */
function luckText({ path, chosen, nested }: PathReportInput): string {
  if ((chosen.by !== 'min' && chosen.by !== 'relaxed') || nested !== undefined || path.family === 'cox') return '';
  return ` As the least of ${path.points.length} on the folds it was chosen by, that is not corrected for luck: --nested 5 scores the choice on rows that it did not see.`;
}

function sectionsOf(input: PathReportInput): Section[] {
  const { path, cv, named, result, primary } = input;
  const entries = listedCoefficients(named);
  const intercepts = path.family === 'cox' ? [] : listedIntercepts(named);
  const number = (value: number): string => String(Number(value.toPrecision(5)));
  const metricsTable = (title: string, parts: Pick<RunResult, 'train' | 'validation'>): Child => {
    const names = Object.keys(parts.validation.metrics).sort((a, b) => Number(b === primary) - Number(a === primary));
    return table(
      title,
      [{ label: 'Metric' }, { label: 'Train', number: true }, { label: 'Validation', number: true }],
      names.map((name) => {
        const { label, format } = metricDisplay(name);
        const cell = (part: 'train' | 'validation'): Child => {
          const found = parts[part].metrics[name];
          if (found === undefined) return '\u2013';
          return [formatNumber(found.value, format), element('small', {}, intervalText(found.interval, format))];
        };
        return [label, cell('train'), cell('validation')];
      }),
    );
  };
  const of = result.targets === undefined ? '' : ` of ${input.target}`;
  return [
    {
      id: 'path',
      title: 'Path',
      lead: 'Every model of the path, from the largest penalty on the left to the least. Hover a line for its name.',
      content: [grid(Object.values(PLOTS).map((draw) => figure(draw(input, false))))],
    },
    ...selectionSections(input),
    {
      id: 'coefficients',
      title: 'Coefficients',
      lead: 'Of the chosen model, in the units of the raw columns.',
      content: [
        table(
          entries.length > LISTED ? `The ${LISTED} largest of ${entries.length} coefficients` : 'Coefficients',
          [{ label: 'Feature' }, { label: 'Coefficient', number: true }],
          [...[...intercepts, ...entries.slice(0, LISTED)].map(([name, value]) => [name, number(value)])],
        ),
      ],
    },
    {
      id: 'figures',
      title: 'Figures',
      lead: 'The chosen model on the rows it was fitted to, and on validation rows that neither it nor its choice has seen.',
      content: [
        metricsTable(`Metrics${of}, with 95% intervals`, result),
        ...Object.entries(result.targets ?? {}).map(([name, parts]) => metricsTable(`Metrics of ${name}`, parts)),
      ],
    },
    {
      id: 'models',
      title: 'Models',
      lead: 'The duality gap bounds how far the objective is above its minimum, relative to the null deviance.',
      content: [
        element(
          'details',
          {},
          element('summary', {}, `${path.points.length} models`),
          table(
            'Models of the path',
            ['Lambda', 'Nonzero', 'Explained', 'Cross-validated', 'Standard error', 'Gap', 'Conditions'].map(
              (label) => ({
                label,
                number: true,
              }),
            ),
            path.points.map(({ lambda, columns, explained, dualityGap, kkt }, k) => [
              number(lambda),
              String(columns.length),
              formatNumber(explained, 'percent'),
              number(cv.mean[k]),
              number(cv.se[k]),
              dualityGap.toExponential(1),
              kkt.toExponential(1),
            ]),
          ),
        ),
      ],
    },
    {
      id: 'reproduce',
      title: 'Reproduce',
      content: [
        element('pre', {}, input.command),
        element(
          'p',
          {},
          'Run ',
          element('code', {}, input.runId),
          ', regularizer ',
          element('code', {}, result.regularizerId),
        ),
        element(
          'details',
          {},
          element('summary', {}, 'Spec, every default written back'),
          element('pre', {}, input.spec),
        ),
      ],
    },
  ];
}
