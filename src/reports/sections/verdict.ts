import { type Child, element, formatBytes, type Markup, verbatim } from '../../charts/index.js';
import type { Verdict } from '../../evaluation/index.js';
import { claim } from '../claim.js';
import {
  differenceFormat,
  differenceText,
  figureText,
  intervalText,
  metricDisplay,
  metricText,
} from '../metric-display.js';
import { verdictPlots } from '../plots/comparison.js';
import { capital, leadRuns } from '../plots/plot.js';
import type { ReportRun, TrainReportInput } from '../train-report-input.js';

const BADGE: Readonly<Record<Verdict, { text: string; style: string }>> = {
  helped: { text: 'Regularization helped', style: 'helped' },
  hurt: { text: 'Regularization hurt', style: 'hurt' },
  'no clear difference': { text: 'No clear difference', style: 'open' },
};
const NO_BADGE = { text: 'No comparison', style: 'open' };

/** The answer first: did it help, by how much, and what is left of the gap. */
export function verdictCard(input: TrainReportInput): Markup {
  const { comparison } = input;
  const runs = leadRuns(input);
  const [plot] = verdictPlots(input);
  const badge = comparison === undefined ? NO_BADGE : BADGE[comparison.verdict];
  return element(
    'div',
    { class: `card verdict ${badge.style}` },
    element(
      'div',
      {},
      element('span', { class: 'badge' }, badge.text),
      element(
        'p',
        { class: 'claim' },
        comparison === undefined
          ? 'There is no baseline to compare with, so whether regularization helped is unknown.'
          : claim(comparison),
      ),
      element('p', {}, gapSentence(runs, input.primaryMetric)),
    ),
    plot === undefined ? null : element('div', {}, verbatim(plot.draw(false))),
  );
}

function gapSentence(runs: readonly ReportRun[], metric: string): string {
  const [baseline, model] = (['baseline', 'model'] as const).map((role) => runs.find((run) => run.role === role));
  if (model === undefined) return '';
  const after = differenceText(metric, model.gap.value);
  if (baseline === undefined) return `The gap between training and validation is ${after}.`;
  const before = differenceText(metric, baseline.gap.value);
  const verb =
    model.gap.value < baseline.gap.value ? 'shrank' : model.gap.value > baseline.gap.value ? 'grew' : 'stayed';
  return verb === 'stayed'
    ? `The gap between training and validation stayed at ${after}.`
    : `The gap between training and validation ${verb} from ${before} to ${after}.`;
}

/** Four figures: the primary metric, the gap, calibration (or a second error) and the model file. */
export function tiles(input: TrainReportInput): Markup {
  const runs = leadRuns(input);
  const baseline = runs.find((run) => run.role === 'baseline');
  const main = runs.find((run) => run.role === 'model') ?? baseline;
  if (main === undefined) return element('div', { class: 'tiles' });
  const before = main === baseline ? undefined : baseline;
  const second = ['ece', 'r2', 'mae', 'rmse'].find(
    (metric) => metric !== input.primaryMetric && main.validation.metrics[metric] !== undefined,
  );
  return element(
    'div',
    { class: 'tiles' },
    metricTile(input.primaryMetric, main, before),
    gapTile(input.primaryMetric, main, before),
    second === undefined ? null : metricTile(second, main, before),
    tile('Model file', fileName(main.modelPath), [
      [element('b', {}, formatBytes(main.modelBytes)), `, run `, element('code', {}, main.runId)],
      [element('code', {}, main.modelPath)],
      ['regularizers ', element('code', {}, main.regularizerId)],
    ]),
  );
}

function metricTile(metric: string, main: ReportRun, before: ReportRun | undefined): Markup | null {
  const after = main.validation.metrics[metric];
  if (after === undefined) return null;
  const first = before?.validation.metrics[metric];
  const { label } = metricDisplay(metric);
  const { interval } = after;
  return tile(
    metric === 'ece' ? capital(label) : `Validation ${label}`,
    change(first && metricText(metric, first.value), metricText(metric, after.value)),
    [
      [`95% interval ${intervalText(interval, metricDisplay(metric).format)}`],
      first === undefined ? [] : [`baseline ${figureText(metric, first)}`],
      metric === 'ece' ? [calibrationNote(after.interval)] : [],
    ],
  );
}

/** The usual limit of an acceptable calibration error is 5 %. */
function calibrationNote([low, high]: readonly [number, number]): Child {
  if (high < 0.05) return element('span', { class: 'good' }, 'Well calibrated: below 5%.');
  if (low > 0.05) return element('span', { class: 'bad' }, 'Miscalibrated: above 5%. Calibrate before use.');
  return 'Around 5%: more rows would tell.';
}

function gapTile(metric: string, main: ReportRun, before: ReportRun | undefined): Markup {
  const format = differenceFormat(metric);
  return tile(
    'Gap, train to validation',
    change(before && differenceText(metric, before.gap.value), differenceText(metric, main.gap.value)),
    [
      [`95% interval ${intervalText(main.gap.interval, format)}`],
      before === undefined ? [] : [`baseline ${intervalText(before.gap.interval, format)}`],
    ],
  );
}

function change(before: string | undefined, after: string): Child {
  return before === undefined ? after : [element('span', { class: 'before' }, `${before} \u2192 `), after];
}

function tile(title: string, value: Child, notes: readonly (readonly Child[])[]): Markup {
  return element(
    'div',
    { class: 'card tile' },
    element('h3', {}, title),
    element('div', { class: 'figure' }, value),
    notes.filter((note) => note.length > 0).map((note) => element('p', {}, note)),
  );
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
