import { barChart, element, formatNumber, lineChart, type Markup, scatter } from '../charts/index.js';
import { metricDisplay, metricText } from './metric-display.js';
import { figure, grid, navigation, page, type Section, sectionMarkup, table } from './page.js';

/** A trial as the report shows it. */
export interface ReportedTrial {
  readonly number: number;
  readonly state: string;
  /** By name of the parameter, as they stand in the spec. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Objectives and other figures, where it is complete. */
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
}

export interface SweepReportInput {
  readonly title: string;
  readonly sweepId: string;
  /** The first is what the best is chosen by. */
  readonly objectives: readonly { readonly name: string; readonly direction: 'higher' | 'lower' }[];
  readonly parameters: readonly { readonly name: string; readonly log: boolean }[];
  readonly trials: readonly ReportedTrial[];
  readonly importance: Readonly<Record<string, number>>;
  readonly best:
    | {
        readonly trial: number;
        readonly values: Readonly<Record<string, unknown>>;
        readonly metric: number;
        readonly interval?: readonly [number, number];
        readonly correctedMetric?: { readonly value: number; readonly interval: readonly [number, number] };
        readonly tied: number;
        readonly insteadOf?: { readonly trial: number; readonly metric: number; readonly because: string };
      }
    | undefined;
  /** Numbers of the trials on the Pareto front. */
  readonly front: readonly number[];
  readonly createdAt: Date;
  readonly seconds: number;
}

const MOST_ROWS = 50;

/**
 * The page of a sweep: what it recommends and what that is worth once the luck of the best is taken off, how the metric
 * answers to each strength, which strengths decide, the front between objectives, the trials.
 */
export function sweepReport(input: SweepReportInput): string {
  const sections = sectionsOf(input).filter(({ content }) => content.some((part) => part !== null));
  const complete = input.trials.filter(({ state }) => state === 'complete').length;
  const pruned = input.trials.filter(({ state }) => state === 'pruned').length;
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
      content: [responses(input)],
    },
    {
      id: 'importance',
      title: 'What decides',
      lead: 'Share of each parameter in whether a trial is among the best fifth.',
      content: [importancePlot(input)],
    },
    {
      id: 'front',
      title: 'The front between objectives',
      lead: 'Trials that no other is at least as good as in everything.',
      content: [frontPlot(input), frontTable(input)],
    },
    { id: 'course', title: 'Course of the sweep', content: [coursePlot(input)] },
    { id: 'trials', title: 'Trials', content: [trialTable(input)] },
  ];
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

function responses({ parameters, trials, objectives: [objective] }: SweepReportInput): Markup | null {
  const complete = trials.filter(({ state }) => state === 'complete');
  const plots = parameters.map(({ name, log }) => {
    const own = complete.filter(({ values }) => name in values);
    const numeric = own.every(({ values }) => typeof values[name] === 'number');
    const categories = [...new Set(own.map(({ values }) => valueText(values[name])))];
    const title = name.replace(/^regularizers\./, '');
    const label = metricDisplay(objective.name).label;
    if (numeric) {
      return scatter({
        title,
        points: own.map(({ values, figures }) => ({ x: values[name] as number, y: figures[objective.name] })),
        x: { label: name, scale: log ? 'log' : 'linear' },
        y: { label },
        trend: true,
        standalone: false,
      });
    }
    const mean = (category: string): number => {
      const values = own.filter((trial) => valueText(trial.values[name]) === category);
      return values.reduce((sum, { figures }) => sum + figures[objective.name], 0) / values.length;
    };
    return barChart({
      title,
      subtitle: `mean ${label} of its trials`,
      categories,
      series: [{ name: label, values: categories.map(mean) }],
      standalone: false,
    });
  });
  return complete.length === 0 ? null : grid(plots.map(figure));
}

function importancePlot({ importance }: SweepReportInput): Markup | null {
  const entries = Object.entries(importance).sort(([, a], [, b]) => b - a);
  if (entries.length === 0) return null;
  return figure(
    barChart({
      title: 'Importance',
      categories: entries.map(([name]) => name.replace(/^regularizers\./, '')),
      series: [{ name: 'share', values: entries.map(([, share]) => share) }],
      x: { domain: [0, 1], format: 'percent' },
      width: 640,
      standalone: false,
    }),
  );
}

function frontPlot({ front, objectives, trials }: SweepReportInput): Markup | null {
  const [first, second] = objectives;
  if (second === undefined || front.length === 0) return null;
  const complete = trials.filter(({ state }) => state === 'complete');
  const point = ({ figures }: ReportedTrial) => ({ x: figures[second.name], y: figures[first.name] });
  const onFront = complete.filter(({ number }) => front.includes(number)).map(point);
  return grid([
    figure(
      scatter({
        title: 'All trials',
        points: complete.map(point),
        x: { label: second.name },
        y: { label: first.name },
        standalone: false,
      }),
    ),
    figure(
      lineChart({
        title: 'Pareto front',
        series: [{ name: 'front', points: onFront.sort((a, b) => a.x - b.x) }],
        x: { label: second.name },
        y: { label: first.name },
        standalone: false,
      }),
    ),
  ]);
}

function frontTable({ front, objectives, trials, parameters }: SweepReportInput): Markup | null {
  if (front.length === 0) return null;
  const own = trials.filter(({ number }) => front.includes(number));
  return table(
    'Trials on the front',
    [
      { label: 'Trial' },
      ...objectives.map(({ name }) => ({ label: name, number: true })),
      ...parameters.map(({ name }) => ({ label: name.replace(/^regularizers\./, '') })),
    ],
    own.map(({ number, figures, values }) => [
      String(number),
      ...objectives.map(({ name }) => figureText(figures[name])),
      ...parameters.map(({ name }) => valueText(values[name])),
    ]),
  );
}

function coursePlot({ trials, objectives: [objective] }: SweepReportInput): Markup | null {
  const complete = trials.filter(({ state }) => state === 'complete');
  if (complete.length === 0) return null;
  let best = Number.NaN;
  const better = (a: number, b: number): boolean => (objective.direction === 'higher' ? a > b : a < b);
  const points = complete.map(({ number, figures }) => {
    const value = figures[objective.name];
    if (Number.isNaN(best) || better(value, best)) best = value;
    return { x: number, y: best };
  });
  const label = metricDisplay(objective.name).label;
  return figure(
    lineChart({
      title: 'Best so far',
      series: [
        { name: 'best so far', points },
        {
          name: 'each trial',
          dash: 'dotted',
          points: complete.map(({ number, figures }) => ({ x: number, y: figures[objective.name] })),
        },
      ],
      x: { label: 'trial' },
      y: { label },
      width: 640,
      standalone: false,
    }),
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
      ...parameters.map(({ name }) => ({ label: name.replace(/^regularizers\./, '') })),
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

function valueText(value: unknown): string {
  if (value === undefined) return '\u2013';
  return typeof value === 'number' ? String(Number(value.toPrecision(3))) : JSON.stringify(value);
}
