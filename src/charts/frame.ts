import { type Child, element, fragment, type Markup, verbatim } from './markup.js';
import { textWidth, truncate, wrap } from './text.js';
import { type ChartTheme, chartStyles, DASHES, type Dash, FONT_SIZE, type Tone } from './theme.js';

/** What every chart takes beside its data. */
export interface ChartOptions {
  /** Says what is shown; drawn above the chart and read out as its name. */
  title: string;
  /** One line below the title. */
  subtitle?: string;
  /** Read out after the title; by default a summary of the data. */
  description?: string;
  /** Width of the viewBox. Charts are drawn for about this many pixels and stay readable at three quarters of it. */
  width?: number;
  height?: number;
  /** Whether the chart carries its style sheet and background, to stand as a file of its own. Default true. */
  standalone?: boolean;
  theme?: ChartTheme;
}

/** Default size of a viewBox: two or three abreast on a desktop, one on a phone. */
export const CHART_WIDTH = 400;
export const CHART_HEIGHT = 270;

/** Below this no chart has room for its labels. */
const LEAST_WIDTH = 200;
const LEAST_PLOT_HEIGHT = 140;

/** The width of a chart's viewBox. */
export function chartWidth({ width = CHART_WIDTH }: ChartOptions): number {
  return Math.max(LEAST_WIDTH, width);
}

/** The size of a chart whose plot fills what its header leaves: as asked for, or taller when the header is tall. */
export function chartSize(options: ChartOptions, headerBottom: number): { width: number; height: number } {
  const height = Math.max(options.height ?? CHART_HEIGHT, headerBottom + LEAST_PLOT_HEIGHT);
  return { width: chartWidth(options), height };
}

/** Room around the content. */
export const PADDING = 12;

export interface LegendItem {
  name: string;
  tone: Tone;
  /** How the sample is drawn. */
  mark: 'line' | 'block' | 'dot';
  dash?: Dash;
}

export interface Header {
  markup: Markup;
  /** Where the chart below may begin. */
  bottom: number;
}

/** Title, subtitle and legend, as many rows as they need. */
export function header(options: ChartOptions, legend: readonly LegendItem[] = []): Header {
  const room = chartWidth(options) - 2 * PADDING;
  let y = PADDING + 11;
  const parts: Markup[] = [];
  for (const [index, line] of wrap(options.title, FONT_SIZE.title, room, 2).entries()) {
    if (index > 0) y += 18;
    parts.push(element('text', { class: 'bc-title', x: PADDING, y }, line));
  }
  if (options.subtitle !== undefined && options.subtitle !== '') {
    for (const line of wrap(options.subtitle, FONT_SIZE.label, room, 2)) {
      y += 17;
      parts.push(element('text', { class: 'bc-label bc-muted', x: PADDING, y }, line));
    }
  }
  if (legend.length > 0) {
    const drawn = legendRows(legend, room, y + 20);
    parts.push(drawn.markup);
    y = drawn.bottom;
  }
  return { markup: fragment(parts), bottom: y + 10 };
}

const SAMPLE = 20;

function legendRows(items: readonly LegendItem[], room: number, top: number): Header {
  let x = PADDING;
  let y = top;
  const parts: Markup[] = [];
  for (const item of items) {
    const name = truncate(item.name, FONT_SIZE.label, room - SAMPLE - 6);
    const width = SAMPLE + 6 + textWidth(name, FONT_SIZE.label);
    if (x > PADDING && x + width > PADDING + room) {
      x = PADDING;
      y += 18;
    }
    parts.push(
      element(
        'g',
        { class: `bc-${item.tone}` },
        sample(item, x, y - 4),
        element(
          'text',
          { class: 'bc-label', x: x + SAMPLE + 6, y },
          name,
          name === item.name ? null : hover(item.name),
        ),
      ),
    );
    x += width + 14;
  }
  return { markup: fragment(parts), bottom: y };
}

function sample(item: LegendItem, x: number, y: number): Markup {
  if (item.mark === 'line') {
    return element('line', {
      class: 'bc-line',
      x1: x,
      y1: y,
      x2: x + SAMPLE,
      y2: y,
      'stroke-dasharray': DASHES[item.dash ?? 'solid'],
    });
  }
  if (item.mark === 'dot') return element('circle', { class: 'bc-dot', cx: x + SAMPLE / 2, cy: y, r: 5 });
  return element('rect', { class: 'bc-fill', x: x + 4, y: y - 5, width: SAMPLE - 8, height: 10, rx: 2 });
}

/** A tooltip; browsers show it while the pointer rests on the element that holds it. */
export function hover(text: string): Markup {
  return element('title', {}, text);
}

/**
 * The finished chart: an `<svg role="img">` with a name and a description, a fixed viewBox and no reference to
 * anything outside.
 */
export function frame(
  options: ChartOptions,
  size: { width: number; height: number },
  description: string,
  ...body: Child[]
): string {
  const standalone = options.standalone ?? true;
  const content = fragment(body);
  const summary = options.description ?? description;
  const id = `bc-${fingerprint(`${options.title}\n${summary}\n${content.source}`)}`;
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'bc',
      role: 'img',
      'aria-labelledby': `${id}-title`,
      'aria-describedby': `${id}-desc`,
      viewBox: `0 0 ${Math.round(size.width)} ${Math.round(size.height)}`,
      width: Math.round(size.width),
      height: Math.round(size.height),
    },
    element('title', { id: `${id}-title` }, options.title),
    element('desc', { id: `${id}-desc` }, summary),
    standalone && element('style', {}, verbatim(chartStyles(options.theme))),
    standalone && element('rect', { class: 'bc-background', width: size.width, height: size.height }),
    content,
  ).source;
}

/** The chart without data: the frame, and a sentence instead of the plot. */
export function emptyChart(options: ChartOptions, reason = 'Nothing to show: no finite values.'): string {
  const width = chartWidth(options);
  const height = Math.min(options.height ?? CHART_HEIGHT, 140);
  const top = header(options);
  const note = element(
    'text',
    { class: 'bc-label bc-muted', x: width / 2, y: (top.bottom + height) / 2, 'text-anchor': 'middle' },
    reason,
  );
  return frame(options, { width, height: Math.max(height, top.bottom + 40) }, reason, top.markup, note);
}

/** FNV-1a over UTF-16 units, 32 bits as 7 base-36 digits: equal charts share an id, different ones practically never. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(36).padStart(7, '0');
}
