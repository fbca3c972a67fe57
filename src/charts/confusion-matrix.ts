import { type ChartOptions, chartWidth, emptyChart, frame, header, hover, PADDING } from './frame.js';
import { element, type Markup } from './markup.js';
import { formatNumber } from './number-format.js';
import { textWidth, truncate } from './text.js';
import { FONT_SIZE } from './theme.js';

export interface ConfusionOptions extends ChartOptions {
  classes: readonly string[];
  /** `counts[i][j]`: rows of class i that were predicted as class j. */
  counts: readonly (readonly number[])[];
  /** Beyond this many classes the rarest are drawn as one. Default: a twentieth of the width. */
  limit?: number;
}

interface Matrix {
  classes: readonly string[];
  counts: readonly (readonly number[])[];
}

/** A heat map of true class by predicted class: counts, and the share of each true class; errors in another hue. */
export function confusionMatrix(options: ConfusionOptions): string {
  const width = chartWidth(options);
  const { classes, counts } = collapse(clean(options), options.limit ?? Math.max(2, Math.floor(width / 20)));
  const total = counts.flat().reduce((sum, count) => sum + count, 0);
  if (total === 0) return emptyChart(options, 'Nothing to show: no predictions.');

  const top = header(options);
  const names = classes.map((name) => textWidth(name, FONT_SIZE.tick));
  const left = PADDING + Math.min(width * 0.25, Math.max(28, ...names)) + 24;
  const cell = Math.min(76, (width - PADDING - left) / classes.length);
  const upright = Math.max(...names) > cell - 4;
  const nameRoom = upright ? Math.min(90, Math.max(...names)) + 6 : 16;
  const gridTop = top.bottom + 20 + nameRoom;
  const height = gridTop + cell * classes.length + PADDING;
  const side = cell * classes.length;
  return frame(
    options,
    { width, height },
    describe(classes, counts, total),
    top.markup,
    element('text', { class: 'bc-label bc-muted', x: left, y: top.bottom + 10 }, 'predicted'),
    element(
      'text',
      {
        class: 'bc-label bc-muted',
        x: PADDING + 10,
        y: gridTop + side / 2,
        'text-anchor': 'middle',
        transform: `rotate(-90 ${PADDING + 10} ${Math.round(gridTop + side / 2)})`,
      },
      'true',
    ),
    classes.map((name, index) => columnName(name, left + (index + 0.5) * cell, gridTop - 6, upright, nameRoom, cell)),
    classes.map((name, index) =>
      rowName(name, left - 6, gridTop + (index + 0.5) * cell + 4, left - PADDING - 24, cell),
    ),
    counts.map((row, i) => {
      const sum = row.reduce((all, count) => all + count, 0);
      return row.map((count, j) =>
        heatCell(
          { count, share: sum === 0 ? 0 : count / sum, right: i === j },
          left + j * cell,
          gridTop + i * cell,
          cell,
          [classes[i] ?? '', classes[j] ?? ''],
        ),
      );
    }),
  );
}

/** A square matrix of finite, non-negative counts as large as the list of classes. */
function clean({ classes, counts }: Matrix): Matrix {
  return {
    classes,
    counts: classes.map((_, i) =>
      classes.map((__, j) => {
        const count = counts[i]?.[j] ?? 0;
        return Number.isFinite(count) && count > 0 ? Math.min(count, 1e15) : 0;
      }),
    ),
  };
}

/** Keeps the `limit - 1` most frequent classes in their order and adds up the others. */
function collapse(matrix: Matrix, limit: number): Matrix {
  const { classes, counts } = matrix;
  if (classes.length <= limit) return matrix;
  const support = counts.map((row, i) => row.reduce((sum, count) => sum + count, 0) + (counts[i]?.[i] ?? 0) * 1e-9);
  const kept = [...classes.keys()]
    .sort((a, b) => support[b]! - support[a]! || a - b)
    .slice(0, Math.max(1, limit - 1))
    .sort((a, b) => a - b);
  const slot = new Map(kept.map((index, place) => [index, place]));
  const merged = Array.from({ length: kept.length + 1 }, () => new Array<number>(kept.length + 1).fill(0));
  for (const [i, row] of counts.entries()) {
    const target = merged[slot.get(i) ?? kept.length]!;
    for (const [j, count] of row.entries()) target[slot.get(j) ?? kept.length]! += count;
  }
  return {
    classes: [...kept.map((index) => classes[index] ?? ''), `${classes.length - kept.length} others`],
    counts: merged,
  };
}

function heatCell(
  value: { count: number; share: number; right: boolean },
  x: number,
  y: number,
  cell: number,
  [truth, predicted]: [string, string],
): Markup {
  const { count, share, right } = value;
  const opacity = count === 0 ? 0.05 : 0.1 + 0.9 * share;
  const ink = opacity > 0.66 ? 'bc-inverse' : '';
  const middle = { x: x + cell / 2, 'text-anchor': 'middle' };
  const percent = formatNumber(share, 'percent');
  const short =
    share >= 0.9995 || share === 0 ? `${Math.round(share * 100)}%` : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`;
  const both = cell >= 40;
  return element(
    'g',
    { class: right ? 'bc-blue' : 'bc-orange' },
    hover(`True ${truth}, predicted ${predicted}: ${formatNumber(count, 'integer')} (${percent} of ${truth})`),
    element('rect', {
      class: count === 0 ? 'bc-empty' : 'bc-fill',
      x: x + 0.75,
      y: y + 0.75,
      rx: cell > 12 ? 3 : 0,
      width: cell - 1.5,
      height: cell - 1.5,
      'fill-opacity': opacity,
    }),
    count === 0 || cell < 20
      ? null
      : element(
          'text',
          { class: `bc-strong ${ink}`, y: y + cell / 2 + (both ? -1 : 4), ...middle },
          formatNumber(count, 'integer', cell < 40 ? 2 : 3),
        ),
    count === 0 || !both ? null : element('text', { class: `bc-small ${ink}`, y: y + cell / 2 + 13, ...middle }, short),
  );
}

function columnName(name: string, x: number, y: number, upright: boolean, room: number, cell: number): Markup | null {
  if (cell < FONT_SIZE.tick) return null;
  const short = truncate(name, FONT_SIZE.tick, upright ? room : cell);
  const turn = upright
    ? { transform: `rotate(-90 ${x.toFixed(1)} ${y.toFixed(1)})`, dy: 4 }
    : { 'text-anchor': 'middle' };
  return element('text', { x, y, ...turn }, short, short === name ? null : hover(name));
}

function rowName(name: string, x: number, y: number, room: number, cell: number): Markup | null {
  if (cell < FONT_SIZE.tick) return null;
  const short = truncate(name, FONT_SIZE.tick, room);
  return element('text', { x, y, 'text-anchor': 'end' }, short, short === name ? null : hover(name));
}

function describe(classes: readonly string[], counts: readonly (readonly number[])[], total: number): string {
  const right = counts.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  let worst = { count: 0, text: '' };
  for (const [i, row] of counts.entries()) {
    for (const [j, count] of row.entries()) {
      if (i !== j && count > worst.count) worst = { count, text: `${classes[i]} predicted as ${classes[j]}` };
    }
  }
  const confusion =
    worst.count === 0 ? '' : ` Most frequent error: ${worst.text}, ${formatNumber(worst.count, 'integer')}.`;
  return (
    `Confusion matrix of ${classes.length} classes: ${formatNumber(right, 'integer')} of ` +
    `${formatNumber(total, 'integer')} right.${confusion}`
  );
}
