import {
  element,
  formatBytes,
  formatNumber,
  formatSeconds,
  type Markup,
  type ParetoPoint,
  paretoPlot,
} from '../charts/index.js';
import type { Machine } from '../compression/measure/bench.js';
import type { Figures } from '../compression/pipeline/figures.js';
import type { PipelineResult, Tried } from '../compression/pipeline/verdict.js';
import { intervalText, metricDisplay, metricText } from './metric-display.js';
import { figure, grid, navigation, page, type Section, sectionMarkup, table } from './page.js';

/** What the page of a compression shows. */
export interface CompressionReportInput {
  readonly model: string;
  readonly primary: string;
  readonly constraints: readonly string[];
  readonly rows: { readonly fit: number; readonly tune: number; readonly judge: number };
  readonly machine: Machine;
  readonly result: PipelineResult;
}

/** A page of one compression: the verdict, the front in three views, every candidate with its figures and misses. */
export function compressionReport(input: CompressionReportInput): string {
  const sections: Section[] = [
    { id: 'verdict', title: 'Verdict', content: [element('p', {}, compressionVerdict(input))] },
    {
      id: 'front',
      title: 'The front',
      lead: 'A candidate is on the front where no other is as good in everything and better in something: quality, calibration error, worst class, p99, cold start, bytes.',
      content: [grid(paretoPlots(input).map(figure))],
    },
    { id: 'candidates', title: 'Candidates', content: [candidateTable(input), failures(input)].flat() },
    { id: 'record', title: 'How it was measured', content: [record(input)] },
  ];
  const title = `Compression of ${input.model}`;
  return page(title, element('h1', {}, title), navigation(sections), sections.map(sectionMarkup));
}

/** One sentence: what was chosen, and what it costs and keeps; or why nothing was. */
export function compressionVerdict(input: CompressionReportInput): string {
  const { result, primary, constraints } = input;
  const { baseline, chosen, bestMiss, tried } = result;
  const id = chosen ?? bestMiss;
  const one = tried.find((each) => each.id === id);
  if (one === undefined) return 'No candidate could be made.';
  const { figures } = one;
  const what = `${one.id}: ${(baseline.bytes / figures.bytes).toFixed(2)} times smaller, ${(1 / figures.timeRatio.value).toFixed(2)} times as fast, ${metricDisplay(primary).label} ${metricText(primary, figures.quality.value)} against ${metricText(primary, baseline.quality.value)}`;
  const doubts = doubtsOf(one).join(', ');
  const unsure = `${input.rows.judge} rows do not show (95 %, of ${tried.length} candidates together) that it keeps to ${doubts}`;
  if (chosen !== null) {
    return `Chosen is ${what}. It meets ${constraints.join(', ')}.${doubts === '' ? '' : ` But ${unsure}.`}`;
  }
  const misses = Object.keys(one.misses).join(', ');
  if (misses === '') return `Nothing shows that it meets every constraint. Nearest is ${what}; ${unsure}.`;
  return `Nothing meets every constraint. The best miss is ${what}; it misses ${misses}.`;
}

/** Constraints that a candidate keeps to on its rows and perhaps not on others, each with what the rows do not exclude. */
function doubtsOf({ misses, notShown }: Pick<Tried, 'misses' | 'notShown'>): string[] {
  return Object.entries(notShown)
    .filter(([constraint]) => misses[constraint] === undefined)
    .map(([constraint, end]) => `${constraint} (may be ${Number(end.toPrecision(2))})`);
}

/** Views of the front: quality against bytes, against p99, and calibration error against bytes. */
export function paretoPlots({ result, primary }: CompressionReportInput, standalone = false): string[] {
  const points = (x: (figures: Figures) => number, y: (figures: Figures) => number): ParetoPoint[] => [
    { name: 'original', x: x(result.baseline), y: y(result.baseline), role: 'original' },
    ...result.tried.map((each): ParetoPoint => {
      const role = each.id === result.chosen ? 'chosen' : each.onFront ? 'front' : 'other';
      return { name: each.id, x: x(each.figures), y: y(each.figures), role };
    }),
  ];
  const { label, format } = metricDisplay(primary);
  const size = ({ bytes }: Figures): number => bytes / 1000;
  const options = { standalone, width: 560, height: 360 };
  const bytes = { label: 'size, kB', scale: 'log' as const };
  return [
    paretoPlot({
      ...options,
      title: `${label} and size`,
      points: points(size, ({ quality }) => quality.value),
      x: bytes,
      y: { label, format },
    }),
    paretoPlot({
      ...options,
      title: `${label} and p99`,
      points: points(
        ({ p99Ms }) => p99Ms,
        ({ quality }) => quality.value,
      ),
      x: { label: 'p99 of one request, ms', scale: 'log' },
      y: { label, format },
    }),
    paretoPlot({
      ...options,
      title: 'calibration error and size',
      points: points(size, ({ ece }) => ece?.value ?? Number.NaN),
      x: bytes,
      y: { label: 'ECE', format: 'percent' },
    }),
  ];
}

const ABSENT = '\u2013';

function candidateTable({ result, primary }: CompressionReportInput): Markup {
  const row = (name: string, steps: string, f: Figures, [misses, doubts]: readonly [string, string]): string[] => [
    name,
    steps,
    `${metricText(primary, f.quality.value)} (${intervalText(f.quality.interval, metricDisplay(primary).format)})`,
    f.ece === null ? ABSENT : metricText('ece', f.ece.value),
    f.worstClass === null ? ABSENT : `${metricText('recall', f.worstClass.value)} (${f.worstClass.class})`,
    formatSeconds(f.p99Ms / 1000),
    f.timeRatio.value.toFixed(2),
    f.coldStartMs === null ? ABSENT : formatSeconds(f.coldStartMs / 1000),
    f.peakMemoryBytes === null ? ABSENT : formatBytes(f.peakMemoryBytes),
    formatBytes(f.bytes),
    misses,
    doubts,
  ];
  const mark = ({ id, onFront }: Tried): string =>
    id === result.chosen ? `${id} (chosen)` : id === result.bestMiss ? `${id} (best miss)` : onFront ? `${id} *` : id;
  const { label } = metricDisplay(primary);
  return table(
    'Candidates; * on the front',
    [
      { label: 'Candidate' },
      { label: 'Steps' },
      { label: `${label} (95 % interval)`, number: true },
      { label: 'ECE', number: true },
      { label: 'worst class', number: true },
      { label: 'p99', number: true },
      { label: 'time / original', number: true },
      { label: 'cold start', number: true },
      { label: 'memory', number: true },
      { label: 'size', number: true },
      { label: 'misses' },
      { label: 'not shown' },
    ],
    [
      row('original', '', result.baseline, ['', '']),
      ...result.tried.map((each) =>
        row(mark(each), each.steps.join(' → '), each.figures, [
          Object.keys(each.misses).join(', '),
          doubtsOf(each).join(', '),
        ]),
      ),
    ],
  );
}

function failures({ result }: CompressionReportInput): Markup[] {
  const failed = Object.entries(result.failed);
  if (failed.length === 0) return [];
  return [
    element('h3', {}, 'Could not be made'),
    element(
      'ul',
      {},
      failed.map(([id, reason]) => element('li', {}, element('b', {}, `${id}: `), reason)),
    ),
  ];
}

function record({ machine, rows, result }: CompressionReportInput): Markup {
  const count = (value: number): string => formatNumber(value, 'integer');
  return element(
    'p',
    {},
    `Fitted on ${count(rows.fit)} rows; epoch and temperature chosen on ${count(rows.tune)}; every figure is of ${count(rows.judge)} further rows, on which ${result.tried.length} candidates were compared: the best of many looks a little better than it is. Times are of one request on ${machine.processor} (${machine.platform}), ${machine.runtime}, one thread, the ratio in turns with the original.`,
  );
}
