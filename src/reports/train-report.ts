import { element, formatNumber, type Markup } from '../charts/index.js';
import { differenceFormat, intervalText, metricDisplay, signedText } from './metric-display.js';
import { figure, grid, masthead, navigation, page, type Section, sectionMarkup } from './page.js';
import { leadRuns, type Plot, type PlotSection } from './plots/plot.js';
import { trainPlots } from './plots/train-plots.js';
import { fairnessTables } from './sections/fairness.js';
import { groupTable, intervalMethods, metricsTable, weightsTable } from './sections/figures.js';
import { manifestTables } from './sections/manifest.js';
import { dataContent, reproduceContent, runsTable } from './sections/record.js';
import { tiles, verdictCard } from './sections/verdict.js';
import type { TrainReportInput } from './train-report-input.js';
import { worthTableMarkup } from './worth.js';

export type * from './train-report-input.js';

/**
 * The page of one `train` command: one HTML file that needs nothing else. The first screen says whether
 * regularization helped, what became of the gap, whether the model is calibrated and where it is; the rest is the
 * evidence: curves, errors, weights, what regularized each run, and how to do it again.
 */
export function trainReport(input: TrainReportInput): string {
  const sections = trainSections(input).filter(({ content }) => content.some((part) => part !== null));
  return page(
    `${input.title} \u2013 Ballast`,
    masthead('Ballast training report', input.title, facts(input)),
    verdictCard(input),
    tiles(input),
    navigation(sections),
    sections.map(sectionMarkup),
    element('footer', {}, `Intervals at 95%: ${intervalMethods(input)}. A gap above zero is quality lost.`),
  );
}

function facts({ dataset, task, createdAt }: TrainReportInput): [string, string][] {
  const count = (rows: number): string => formatNumber(rows, 'integer');
  return [
    ['Task', task],
    ['Data', dataset.name],
    ['Version', dataset.version.length > 20 ? `${dataset.version.slice(0, 19)}\u2026` : dataset.version],
    [
      'Rows',
      `${count(dataset.rows.train)} train, ${count(dataset.rows.validation)} validation, ${count(dataset.rows.holdout)} holdout`,
    ],
    [
      'Made',
      Number.isNaN(createdAt.getTime()) ? '\u2013' : `${createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    ],
  ];
}

function trainSections(input: TrainReportInput): Section[] {
  const plots = trainPlots(input);
  const runs = leadRuns(input);
  const drawn = (section: PlotSection): Markup | null => plotGrid(plots.filter((plot) => plot.section === section));
  const { label } = metricDisplay(input.primaryMetric);
  return [
    {
      id: 'metrics',
      title: 'Figures',
      content: [element('div', { class: 'stack' }, metricsTable(input))],
      lead: 'Measured on the rows the model was fitted to, and on validation rows it was not.',
    },
    {
      id: 'curves',
      title: 'Learning curves',
      content: [drawn('curves')],
      lead: 'Both runs on the same axes. The shaded area between training (dashed) and validation (solid) is the gap.',
    },
    {
      id: 'gap',
      title: 'Gap',
      content: [drawn('gap'), drawn('ledger')],
      lead: `How much ${label} is lost between training and validation rows. A gap that grows is overfitting.`,
    },
    {
      id: 'seeds',
      title: 'Seeds',
      content: [drawn('seeds')],
      lead: seedsLead(input),
    },
    {
      id: 'worth',
      title: 'Worth',
      content: [drawn('worth'), stacked(worthTableMarkup(input))],
      lead: 'The model against the model without one regularizer, on the same rows. Intervals are 95% each: of many, some seem to help by luck.',
    },
    {
      id: 'calibration',
      title: 'Calibration',
      content: [drawn('calibration')],
      lead: 'Whether predicted probabilities can be taken at their word: on the diagonal, of all predictions of 80%, 80% are right.',
    },
    {
      id: 'errors',
      title: 'Errors',
      content: [drawn('errors')],
      lead:
        input.task === 'regression'
          ? 'What is left over at each prediction. A pattern along the axis is structure the model has missed.'
          : 'True class by row, predicted class by column; shares are of the true class.',
    },
    { id: 'classes', title: 'Classes', content: [drawn('classes'), stacked(groupTable(input, 'classes'))] },
    {
      id: 'slices',
      title: 'Slices',
      content: [drawn('slices'), stacked(groupTable(input, 'slices'))],
      lead: 'The same figures on parts of the validation rows: an average can hide who pays for it.',
    },
    {
      id: 'fairness',
      title: 'Fairness',
      content: [drawn('fairness'), ...fairnessTables(runs)],
      lead: 'Whether the groups of a sensitive column get the favourable prediction alike, and rightly so alike.',
    },
    {
      id: 'weights',
      title: 'Weights',
      content: [drawn('weights'), stacked(weightsTable(runs))],
      lead: 'Penalties pull weights together, L1 to exactly zero.',
    },
    {
      id: 'manifest',
      title: 'Regularizers',
      content: manifestTables(runs),
      lead: 'All that acted on each run, defaults included. The identifier is made from this list and travels with the model.',
    },
    { id: 'data', title: 'Data', content: dataContent(input) },
    {
      id: 'reproduce',
      title: 'Reproduce',
      content: [element('div', { class: 'stack' }, runsTable(input.runs)), ...stackAll(reproduceContent(input))],
    },
  ];
}

function seedsLead({ seeds }: TrainReportInput): string {
  if (seeds === undefined) return '';
  const { metric, difference, rows } = seeds;
  const interval = intervalText(difference.interval, differenceFormat(metric));
  return (
    `Trained ${rows.length} times from different seeds, baseline and model paired: the mean difference in ` +
    `${metricDisplay(metric).label} is ${signedText(metric, difference.value)} (95% interval ${interval}).`
  );
}

function plotGrid(plots: readonly Plot[]): Markup | null {
  if (plots.length === 0) return null;
  return grid(plots.map((plot) => figure(plot.draw(false))));
}

function stacked(content: Markup | null): Markup | null {
  return content === null ? null : element('div', { class: 'stack' }, content);
}

function stackAll(contents: readonly Markup[]): Markup[] {
  return contents.map((content) => element('div', { class: 'stack' }, content));
}
