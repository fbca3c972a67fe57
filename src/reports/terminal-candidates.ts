import type { Figure } from '../evaluation/figure.js';
import { metricDisplay, metricText, signedText } from './metric-display.js';
import { styles } from './terminal-style.js';
import { type TerminalColumn, type TerminalOptions, terminalTable } from './terminal-table.js';

/** Models that were compared on the same rows, with how far each is behind the best (null). */
export function candidatesTable(
  {
    metric,
    rows,
    candidates,
  }: {
    readonly metric: string;
    readonly rows: number;
    readonly candidates: readonly {
      readonly model: string;
      readonly value: number;
      readonly difference: Figure | null;
    }[];
  },
  options: TerminalOptions = {},
): string {
  const style = styles(options);
  const columns: TerminalColumn[] = [
    { label: `on the same ${rows} rows`, shrinkTo: 16 },
    { label: metricDisplay(metric).label, align: 'right' },
    { label: 'best minus it', align: 'right' },
    { label: 'interval, all at 95%', align: 'right' },
  ];
  const lines = candidates.map(({ model, value, difference }) => [
    model,
    metricText(metric, value),
    difference === null ? { text: 'best', style: style.good } : signedText(metric, difference.value),
    difference === null
      ? ''
      : { text: difference.interval.map((end) => signedText(metric, end)).join(' to '), style: style.dim },
  ]);
  return terminalTable(columns, lines, style.dim, options.width);
}
