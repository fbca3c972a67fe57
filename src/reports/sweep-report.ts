import { element, formatNumber, type Markup } from '../charts/index.js';
import { metricDisplay, metricText } from './metric-display.js';
import { figure, grid, navigation, page, type Section, sectionMarkup, table } from './page.js';
import { coursePlot, frontPlots, importancePlot, parameterTitle, responsePlots, valueText } from './plots/sweep.js';
import type { ReportedTrial, SweepReportInput } from './sweep-report-input.js';

const MOST_ROWS = 50;

/**
 * The page of a sweep: what it recommends and what that is worth once the luck of the best is taken off, how the metric
 * answers to each strength, which strengths decide, the front between objectives, the trials.
 */
export function sweepReport(input: SweepReportInput): string {
  const sections = sectionsOf(input).filter(({ content }) => content.some((part) => part !== null));
  const { complete, pruned } = input.counts;
  const facts: [string, string][] = [
    ['Sweep', input.sweepId.slice(0, 8)],
    ['Trials', `${complete} complete, ${pruned} pruned, ${input.trials.length - complete - pruned} failed or open`],
    ['Time', `${formatNumber(input.seconds, 'number')} s`],
    ['Made', `${input.createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`],
  ];
  return page(
    `${input.title} sweep \u2013 Ballast`,
    element(
      'header',
      {},
      element('div', { class: 'brand' }, element('i', { 'aria-hidden': 'true' }), 'Ballast sweep'),
      element('h1', {}, input.title),
      element(
        'dl',
        { class: 'facts' },
        facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
      ),
    ),
    navigation(sections),
    sections.map(sectionMarkup),
    element('footer', {}, 'Intervals at 95 %. Judged on validation rows; the holdout was not read.'),
  );
}

function sectionsOf(input: SweepReportInput): Section[] {
  return [
    {
      id: 'best',
      title: 'What it recommends',
      lead: 'The best of many is partly luck. The corrected figure is what it is worth on other rows of the same kind.',
      content: [bestTable(input)],
    },
    {
      id: 'response',
      title: 'How the metric answers to each parameter',
      lead: 'One point a complete trial; everything else varies along with it.',
      content: [figures(responsePlots(input))],
    },
    {
      id: 'importance',
      title: 'What decides',
      lead: 'Share of each parameter in whether a trial is among the best fifth.',
      content: [figures(importancePlot(input)), flatNote(input)],
    },
    {
      id: 'front',
      title: 'The front between objectives',
      lead: 'Trials that no other is at least as good as in everything.',
      content: [figures(frontPlots(input)), frontTable(input)],
    },
    { id: 'course', title: 'Course of the sweep', content: [figures(coursePlot(input)), stopNote(input)] },
    { id: 'trials', title: 'Trials', content: [trialTable(input)] },
  ];
}

function flatNote({ importance }: SweepReportInput): Markup | null {
  const shares = Object.values(importance);
  if (shares.length === 0 || shares.some((share) => share > 0)) return null;
  return element('p', {}, 'Nothing that varied is seen to matter: the trials cannot be told from each other.');
}

/** What the last look saw that asked whether to go on. */
function stopNote({ stop, objectives: [{ name }] }: SweepReportInput): Markup | null {
  if (stop === undefined) return null;
  if ('reason' in stop) return element('p', {}, `There is no telling what was left to gain: ${stop.reason}.`);
  const { complete, left, noise, noiseFrom, enough } = stop;
  const figures = `After ${complete} complete trials another could gain ${metricText(name, left)} at most; the standard error of the best, by its ${noiseFrom}, is ${metricText(name, noise)}.`;
  return element('p', {}, enough ? `${figures} More trials would choose among chances: the sweep ended.` : figures);
}

function figures(plots: string | readonly string[] | undefined): Markup | null {
  if (plots === undefined || plots.length === 0) return null;
  return typeof plots === 'string' ? figure(plots) : grid(plots.map(figure));
}

function bestTable({ best, objectives: [objective], parameters }: SweepReportInput): Markup | null {
  if (best === undefined) return element('p', {}, 'No trial is complete.');
  const { name } = objective;
  const text = (value: number): string => metricText(name, value);
  const range = (interval: readonly [number, number] | undefined): string =>
    interval === undefined ? '\u2013' : `${text(interval[0])} to ${text(interval[1])}`;
  const rows: [string, string, string][] = [
    [`${metricDisplay(name).label}, as chosen (trial ${best.trial})`, text(best.metric), range(best.interval)],
    ...(best.correctedMetric === undefined
      ? []
      : ([
          [
            'the same, corrected for the luck of the best',
            text(best.correctedMetric.value),
            range(best.correctedMetric.interval),
          ],
        ] as [string, string, string][])),
    ...parameters.map(({ name: key }): [string, string, string] => [key, valueText(best.values[key]), '']),
  ];
  const notes = [
    ...(best.insteadOf === undefined
      ? []
      : [
          `Trial ${best.insteadOf.trial} had ${text(best.insteadOf.metric)}, which cannot be told from it on these rows: the simpler one is taken (${best.insteadOf.because}).`,
        ]),
    ...(best.tied === 0
      ? []
      : [`${best.tied} other ${best.tied === 1 ? 'trial' : 'trials'} cannot be told from the best on these rows.`]),
  ];
  return element(
    'div',
    { class: 'stack' },
    table(
      'Recommended',
      [{ label: 'What' }, { label: 'Value', number: true }, { label: 'Interval', number: true }],
      rows,
    ),
    notes.map((note) => element('p', {}, note)),
  );
}

function frontTable({ front, objectives, trials, parameters }: SweepReportInput): Markup | null {
  if (front.length === 0) return null;
  const own = trials.filter(({ number }) => front.includes(number));
  return table(
    'Trials on the front',
    [
      { label: 'Trial' },
      ...objectives.map(({ name }) => ({ label: name, number: true })),
      ...parameters.map(({ name }) => ({ label: parameterTitle(name) })),
    ],
    own.map(({ number, figures, values }) => [
      String(number),
      ...objectives.map(({ name }) => figureText(figures[name])),
      ...parameters.map(({ name }) => valueText(values[name])),
    ]),
  );
}

function trialTable({ trials, objectives, parameters }: SweepReportInput): Markup | null {
  if (trials.length === 0) return null;
  const [objective] = objectives;
  const sign = objective.direction === 'higher' ? -1 : 1;
  const rank = ({ figures }: ReportedTrial): number =>
    sign * (figures[objective.name] ?? sign * Number.POSITIVE_INFINITY);
  const shown = [...trials].sort((a, b) => rank(a) - rank(b) || a.number - b.number).slice(0, MOST_ROWS);
  const left = trials.length - shown.length;
  return table(
    'Trials, best first',
    [
      { label: 'Trial' },
      { label: 'State' },
      ...objectives.map(({ name }) => ({ label: name, number: true })),
      ...parameters.map(({ name }) => ({ label: parameterTitle(name) })),
      { label: 'Seconds', number: true },
    ],
    shown.map(({ number, state, figures, values, seconds }) => [
      String(number),
      state,
      ...objectives.map(({ name }) => figureText(figures[name])),
      ...parameters.map(({ name }) => valueText(values[name])),
      seconds.toFixed(1),
    ]),
    left > 0 ? `Trials, best first; ${left} more are in the store` : 'Trials, best first',
  );
}

function figureText(value: number | undefined): string {
  return value === undefined ? '\u2013' : String(Number(value.toPrecision(4)));
}
