import { formatBytes, formatSeconds } from '../charts/index.js';
import type { Figures } from '../compression/pipeline/figures.js';
import type { PipelineResult } from '../compression/pipeline/verdict.js';
import { metricDisplay, metricText } from './metric-display.js';
import { styles } from './terminal-style.js';
import { type TerminalColumn, type TerminalOptions, terminalTable } from './terminal-table.js';

/** Every candidate of a compression in a line, the original first. */
export function compressionTable(result: PipelineResult, primary: string, options: TerminalOptions = {}): string {
  const style = styles(options);
  const columns: TerminalColumn[] = [
    { label: 'candidate', shrinkTo: 12 },
    { label: metricDisplay(primary).label, align: 'right' },
    { label: 'ECE', align: 'right' },
    { label: 'worst class', align: 'right', optional: 1 },
    { label: 'p99', align: 'right' },
    { label: 'time', align: 'right', optional: 2 },
    { label: 'cold', align: 'right', optional: 3 },
    { label: 'size', align: 'right' },
    { label: '' },
  ];
  const row = (name: string, f: Figures, mark: string): string[] => [
    name,
    metricText(primary, f.quality.value),
    f.ece === null ? '\u2013' : metricText('ece', f.ece.value),
    f.worstClass === null ? '\u2013' : metricText('recall', f.worstClass.value),
    formatSeconds(f.p99Ms / 1000),
    `${f.timeRatio.value.toFixed(2)} x`,
    f.coldStartMs === null ? '\u2013' : formatSeconds(f.coldStartMs / 1000),
    formatBytes(f.bytes),
    mark,
  ];
  const rows = result.tried.map(({ id, figures, misses, onFront }) => {
    const missed = Object.keys(misses);
    const mark =
      id === result.chosen
        ? 'chosen'
        : id === result.bestMiss
          ? 'best miss'
          : missed.length > 0
            ? `misses ${missed[0]}`
            : onFront
              ? 'front'
              : '';
    return row(id, figures, mark);
  });
  return terminalTable(columns, [row('original', result.baseline, ''), ...rows], style.dim, options.width);
}
