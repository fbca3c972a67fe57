import picocolors from 'picocolors';
import { formatNumber } from '../charts/index.js';
import type { Figure } from '../evaluation/figure.js';
import { type differenceFormat, intervalText, metricDisplay, metricText } from './metric-display.js';
import type { CellStyle, TerminalCell, TerminalOptions } from './terminal-table.js';

/** The options for a stream: its width, and colours only when it is a terminal and NO_COLOR is not set. */
export function terminalOptions(
  stream: { isTTY?: boolean; columns?: number } = process.stdout,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Required<TerminalOptions> {
  const forbidden = environment.NO_COLOR !== undefined && environment.NO_COLOR !== '';
  const color = stream.isTTY === true && !forbidden && environment.TERM !== 'dumb';
  return { width: stream.isTTY === true ? (stream.columns ?? 80) : 100, color };
}

/** A figure and its interval, as two cells. */
export function figureCells(
  metric: string,
  figure: Figure | undefined,
  format: ReturnType<typeof differenceFormat>,
  style?: CellStyle,
): TerminalCell[] {
  if (figure === undefined) return [{ text: '\u2013' }, { text: '' }];
  const text =
    format === metricDisplay(metric).format ? metricText(metric, figure.value) : formatNumber(figure.value, format);
  return [{ text }, { text: intervalText(figure.interval, format), ...(style === undefined ? {} : { style }) }];
}

export interface Styles {
  bold: CellStyle;
  dim: CellStyle;
  good: CellStyle;
  bad: CellStyle;
  baseline: CellStyle;
  model: CellStyle;
  ablation: CellStyle;
}

/** What each meaning looks like; nothing is coloured unless asked. */
export function styles({ color = false }: TerminalOptions): Styles {
  const colors = picocolors.createColors(color);
  return {
    bold: colors.bold,
    dim: colors.dim,
    good: colors.green,
    bad: colors.red,
    baseline: colors.yellow,
    model: colors.cyan,
    ablation: colors.dim,
  };
}
