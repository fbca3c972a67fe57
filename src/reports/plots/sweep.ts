import { barChart, lineChart, paretoPlot, scatter } from '../../charts/index.js';
import { metricDisplay } from '../metric-display.js';
import type { ReportedTrial, SweepReportInput } from '../sweep-report-input.js';

/** Trials of the front whose numbers are written beside their points. */
const MOST_NAMES = 12;

/** A parameter's key without what all of them share. */
export const parameterTitle = (name: string): string => name.replace(/^regularizers\./, '');

/** A value of a spec, as it is written. */
export function valueText(value: unknown): string {
  if (value === undefined) return '\u2013';
  return typeof value === 'number' ? String(Number(value.toPrecision(3))) : JSON.stringify(value);
}

const completeOf = ({ trials }: SweepReportInput): ReportedTrial[] =>
  trials.filter(({ state }) => state === 'complete');

/** How the first objective answers to each parameter: points with their trend, or means of the values of a choice. */
export function responsePlots(input: SweepReportInput): string[] {
  const {
    parameters,
    objectives: [objective],
  } = input;
  const complete = completeOf(input);
  if (complete.length === 0) return [];
  const { label, format } = metricDisplay(objective.name);
  return parameters.map(({ name, log }) => {
    const own = complete.filter(({ values }) => name in values);
    const numeric = own.every(({ values }) => typeof values[name] === 'number');
    const categories = [...new Set(own.map(({ values }) => valueText(values[name])))];
    const title = parameterTitle(name);
    if (numeric) {
      return scatter({
        title,
        points: own.map(({ values, figures }) => ({ x: values[name] as number, y: figures[objective.name] })),
        x: { label: name, scale: log ? 'log' : 'linear' },
        y: { label, format },
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
      x: { format },
      standalone: false,
    });
  });
}

/** Which parameters decide whether a trial is among the best. */
export function importancePlot({ importance }: SweepReportInput): string | undefined {
  const entries = Object.entries(importance).sort(([, a], [, b]) => b - a);
  if (!entries.some(([, share]) => share > 0)) return undefined;
  return barChart({
    title: 'Importance',
    categories: entries.map(([name]) => parameterTitle(name)),
    series: [{ name: 'share', values: entries.map(([, share]) => share) }],
    x: { domain: [0, 1], format: 'percent' },
    width: 640,
    standalone: false,
  });
}

/** Complete trials by the first objective over each other one, with those that no other is better than in everything. */
export function frontPlots(input: SweepReportInput): string[] {
  const { front, objectives, best } = input;
  const [first, ...others] = objectives;
  if (front.length === 0) return [];
  const onFront = new Set(front);
  const complete = completeOf(input);
  return others.map((other) =>
    paretoPlot({
      title: `${metricDisplay(first.name).label} and ${metricDisplay(other.name).label}`,
      description: `${front.length} of ${complete.length} trials are on the front: ${front.slice(0, MOST_NAMES).join(', ')}${front.length > MOST_NAMES ? ', ...' : ''}.`,
      points: complete.map(({ number, figures }) => {
        const role = !onFront.has(number) ? 'other' : number === best?.trial ? 'chosen' : 'front';
        const isNamed = role === 'chosen' || (role === 'front' && front.length <= MOST_NAMES);
        return { name: isNamed ? String(number) : '', x: figures[other.name], y: figures[first.name], role };
      }),
      x: {
        label: metricDisplay(other.name).label,
        format: metricDisplay(other.name).format,
        scale: scaleOf(other.name),
      },
      y: { label: metricDisplay(first.name).label, format: metricDisplay(first.name).format },
      standalone: false,
    }),
  );
}

/** Counts and times differ by factors, metrics by points. */
const scaleOf = (objective: string): 'log' | 'linear' =>
  objective === 'parameters' || objective === 'seconds' ? 'log' : 'linear';

/** The best so far after each trial, beside each trial's own figure. */
export function coursePlot(input: SweepReportInput): string | undefined {
  const [objective] = input.objectives;
  const complete = completeOf(input);
  if (complete.length === 0) return undefined;
  let best = Number.NaN;
  const better = (a: number, b: number): boolean => (objective.direction === 'higher' ? a > b : a < b);
  const points = complete.map(({ number, figures }) => {
    const value = figures[objective.name];
    if (Number.isNaN(best) || better(value, best)) best = value;
    return { x: number, y: best };
  });
  const { label, format } = metricDisplay(objective.name);
  return lineChart({
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
    y: { label, format },
    width: 640,
    standalone: false,
  });
}
