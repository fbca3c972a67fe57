import { element, formatNumber } from '../../charts/index.js';
import { intervalText, metricDisplay } from '../metric-display.js';
import { figure, grid, type Section, table } from '../page.js';
import type { PathReportInput } from '../path-report-input.js';
import { intervalsPlot, knockoffPlot, stabilityPlot } from '../plots/selection.js';

/** Rows that tables of columns list. */
const LISTED = 200;

const number = (value: number): string => String(Number(value.toPrecision(5)));

/** How columns were selected, where that was not by the path alone; intervals; what the choice comes to. */
export function selectionSections(input: PathReportInput): Section[] {
  return [stabilitySection, knockoffSection, intervalSection, nestedSection].flatMap((section) => section(input) ?? []);
}

/** What was selected, in a sentence; undefined where the path alone was chosen from. */
export function selectionSentence({ chosen, path, features }: PathReportInput): string | undefined {
  const { stability, knockoffs, relaxed, stopped } = chosen;
  const named = (columns: readonly number[]): string =>
    columns.length === 0 ? '' : `: ${columns.map((column) => features[column]).join(', ')}`;
  const ends = stopped === undefined ? '' : ` Fitted to where its penalty can fall: ${stopped.message}.`;
  if (stability !== undefined) {
    const { selected, candidates, pairs, perHalf, threshold, expectedFalse, expectedFalseUnimodal } = stability;
    return (
      `Stability selection: ${selected.length} of ${candidates} columns are among the first ${perHalf} to enter in at least ` +
      `${100 * threshold}% of ${2 * pairs} halves${named(selected)}. Wrong ones expected: at most ${number(expectedFalse)} ` +
      `(${number(expectedFalseUnimodal)} where their frequencies have a single peak).${ends}`
    );
  }
  if (knockoffs !== undefined) {
    const { selected, rate, leftOut } = knockoffs;
    const rest = leftOut.length === 0 ? '' : ` Without a knockoff, as what others say already${named(leftOut)}.`;
    return (
      `Knockoffs: ${selected.length} of ${path.features - leftOut.length} columns are selected; of them at most ` +
      `${100 * rate}% are wrong on average${named(selected)}.${rest}${ends}`
    );
  }
  if (relaxed !== undefined) {
    return `Relaxed: ${100 * relaxed.share}% of the penalised coefficients and ${100 * (1 - relaxed.share)}% of the unpenalised ones; cross-validated deviance ${number(relaxed.mean)}.`;
  }
  return undefined;
}

function stabilitySection(input: PathReportInput): Section | undefined {
  const { stability } = input.chosen;
  const drawn = stabilityPlot(input, false);
  if (stability === undefined || drawn === undefined) return undefined;
  const { frequencies, selected } = stability;
  const order = [...stability.paths.keys()].sort((a, b) => frequencies[b] - frequencies[a]);
  return {
    id: 'stability',
    title: 'Stability',
    lead: selectionSentence(input) ?? '',
    content: [
      grid([figure(drawn)]),
      table(
        'How often each column is selected',
        [{ label: 'Feature' }, { label: 'Share of halves', number: true }, { label: '' }],
        order
          .slice(0, LISTED)
          .map((column) => [
            input.features[column],
            formatNumber(frequencies[column], 'percent'),
            selected.includes(column) ? 'selected' : '',
          ]),
      ),
    ],
  };
}

function knockoffSection(input: PathReportInput): Section | undefined {
  const drawn = knockoffPlot(input, false);
  if (drawn === undefined) return undefined;
  return {
    id: 'knockoffs',
    title: 'Knockoffs',
    lead: selectionSentence(input) ?? '',
    content: [grid([figure(drawn)])],
  };
}

function intervalSection(input: PathReportInput): Section | undefined {
  const { intervals } = input;
  const drawn = intervalsPlot(input, false);
  if (intervals === undefined || drawn === undefined) return undefined;
  return {
    id: 'intervals',
    title: 'Intervals',
    lead: 'Coefficients freed of the shrinkage of the lasso of least cross-validated error, in the units of the raw columns. Each interval holds for itself, not for all of them at once.',
    content: [
      grid([figure(drawn)]),
      table(
        'De-biased coefficients',
        [
          { label: 'Feature' },
          { label: 'Coefficient', number: true },
          { label: `${100 * intervals.level}% interval`, number: true },
          { label: 'p', number: true },
        ],
        intervals.coefficients
          .slice(0, LISTED)
          .map(({ name, value, interval: [low, high], pValue }) => [
            name,
            number(value),
            `${number(low)} to ${number(high)}`,
            pValue < 1e-4 ? '<0.0001' : pValue.toFixed(4),
          ]),
      ),
    ],
  };
}

function nestedSection({ nested, primary }: PathReportInput): Section | undefined {
  if (nested === undefined) return undefined;
  const { folds, deviance, metrics, chosen } = nested;
  const names = Object.keys(metrics).sort((a, b) => Number(b === primary) - Number(a === primary));
  return {
    id: 'nested',
    title: 'Nested estimate',
    lead: `The whole way to the model, its choice included, was gone again in each of ${folds} outer folds, and its model scored on the rows that had no part in it: deviance ${number(deviance.mean)}, standard error ${number(deviance.se)}.`,
    content: [
      table(
        'Metrics with 95% intervals',
        [{ label: 'Metric' }, { label: 'Nested', number: true }],
        names.map((name) => {
          const { label, format } = metricDisplay(name);
          const { value, interval } = metrics[name];
          return [label, [formatNumber(value, format), element('small', {}, intervalText(interval, format))]];
        }),
      ),
      table(
        'Features by the share of folds whose model has them',
        [{ label: 'Feature' }, { label: 'Folds', number: true }],
        Object.entries(chosen)
          .slice(0, LISTED)
          .map(([name, share]) => [name, formatNumber(share, 'percent')]),
      ),
    ],
  };
}
