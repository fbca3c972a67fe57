import { PADDING } from './frame.js';
import { element, fragment, type Markup } from './markup.js';
import type { ValueScale } from './scale.js';
import { textWidth } from './text.js';
import { FONT_SIZE } from './theme.js';

/** The rectangle that data is drawn in. */
export interface PlotArea {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const TICK_GAP = 7;

/** The plot area below a header, with room for the labels of both axes and for `rightMargin` beside it. */
export function plotArea(
  size: { width: number; height: number },
  headerBottom: number,
  x: ValueScale,
  y: ValueScale,
  rightMargin = 0,
): PlotArea {
  const labels = y.ticks.map((tick) => textWidth(tick.label, FONT_SIZE.tick));
  const lastTick = x.ticks.at(-1);
  const overhang = lastTick === undefined ? 0 : textWidth(lastTick.label, FONT_SIZE.tick) / 2;
  return {
    left: PADDING + Math.max(14, ...labels) + TICK_GAP,
    right: size.width - PADDING - Math.max(rightMargin, overhang),
    top: headerBottom + (y.label === undefined ? 6 : 24),
    bottom: size.height - PADDING - 14 - (x.label === undefined ? 0 : 18),
  };
}

/** Grid lines, tick labels and axis labels; the label of the vertical axis stands above it, upright. */
export function axes(area: PlotArea, x: ValueScale, y: ValueScale): Markup {
  return fragment(verticalAxis(area, y), horizontalAxis(area, x));
}

export function verticalAxis(area: PlotArea, y: ValueScale): Markup {
  const position = y.project(area.bottom, area.top);
  const parts: Markup[] = [];
  let previous = Number.POSITIVE_INFINITY;
  for (const tick of y.ticks) {
    const at = position(tick.value);
    parts.push(element('line', { class: 'bc-grid', x1: area.left, y1: at, x2: area.right, y2: at }));
    if (previous - at < FONT_SIZE.tick + 2) continue;
    previous = at;
    parts.push(
      element(
        'text',
        { class: 'bc-muted', x: area.left - TICK_GAP, y: at + FONT_SIZE.tick * 0.35, 'text-anchor': 'end' },
        tick.label,
      ),
    );
  }
  if (y.label !== undefined) {
    parts.push(element('text', { class: 'bc-label bc-muted', x: PADDING, y: area.top - 12 }, y.label));
  }
  return fragment(parts);
}

/** Tick labels and the label of the horizontal axis; with `grid`, vertical grid lines instead of a base line. */
export function horizontalAxis(area: PlotArea, x: ValueScale, grid = false): Markup {
  const position = x.project(area.left, area.right);
  const parts: Markup[] = [];
  let previousEnd = Number.NEGATIVE_INFINITY;
  for (const tick of x.ticks) {
    const at = position(tick.value);
    const half = textWidth(tick.label, FONT_SIZE.tick) / 2;
    if (grid) parts.push(element('line', { class: 'bc-grid', x1: at, y1: area.top, x2: at, y2: area.bottom }));
    if (at - half < previousEnd + 4) continue;
    previousEnd = at + half;
    parts.push(element('text', { class: 'bc-muted', x: at, y: area.bottom + 16, 'text-anchor': 'middle' }, tick.label));
  }
  if (!grid) {
    parts.push(element('line', { class: 'bc-axis', x1: area.left, y1: area.bottom, x2: area.right, y2: area.bottom }));
  }
  if (x.label !== undefined) {
    parts.push(
      element(
        'text',
        { class: 'bc-label bc-muted', x: area.right, y: area.bottom + 34, 'text-anchor': 'end' },
        x.label,
      ),
    );
  }
  return fragment(parts);
}
