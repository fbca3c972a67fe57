/**
 * The design system of every chart: one palette in a light and a dark form, one type scale, one set of classes.
 * Colours are CSS variables (`--bc-*`), switched by `prefers-color-scheme` or by `data-theme` on the page's root.
 *
 * The hues are those of Okabe & Ito (2008), "Color Universal Design", their lightness spread so that they stay apart
 * under protanopia, deuteranopia and tritanopia; all have a contrast of 4.5:1 or more with their background (WCAG 2.2,
 * 1.4.3), since names are written in them. The test computes both.
 */

export type Tone = 'blue' | 'orange' | 'green' | 'purple' | 'amber' | 'grey';

/** `auto` follows the reader's system; `light` and `dark` write literal colours, which plain SVG renderers need. */
export type ChartTheme = 'auto' | 'light' | 'dark';

/** The order in which series without a tone of their own are coloured. */
export const TONES: readonly Tone[] = ['blue', 'orange', 'green', 'purple', 'amber', 'grey'];

export type ThemeColor = Tone | 'background' | 'ink' | 'muted' | 'grid' | 'axis';

export const PALETTE: Readonly<Record<'light' | 'dark', Readonly<Record<ThemeColor, string>>>> = {
  light: {
    background: '#ffffff',
    ink: '#17202c',
    muted: '#566273',
    grid: '#e6eaef',
    axis: '#9aa5b4',
    blue: '#0a5a96',
    orange: '#c94600',
    green: '#1d8063',
    purple: '#6b2a5c',
    amber: '#554b03',
    grey: '#667080',
  },
  dark: {
    background: '#141a22',
    ink: '#e8edf3',
    muted: '#a3afbd',
    grid: '#28313d',
    axis: '#566273',
    blue: '#57b0f2',
    orange: '#f5924c',
    green: '#3ef0bb',
    purple: '#d0609a',
    amber: '#fbd845',
    grey: '#98a3b1',
  },
};

const FONT_FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** Type scale, in units of the viewBox. */
export const FONT_SIZE = { title: 14.5, label: 12, tick: 11.5, small: 10.5 } as const;

/** Dash patterns: series differ by more than colour. */
export const DASHES = { solid: undefined, dashed: '6 4', dotted: '1.5 4' } as const;
export type Dash = keyof typeof DASHES;

const RULES = `.bc{font-family:${FONT_FAMILY};font-variant-numeric:tabular-nums;color:var(--bc-ink)}
.bc text{font-size:${FONT_SIZE.tick}px;fill:var(--bc-ink)}
.bc .bc-title{font-size:${FONT_SIZE.title}px;font-weight:600}
.bc .bc-label{font-size:${FONT_SIZE.label}px}
.bc .bc-small{font-size:${FONT_SIZE.small}px}
.bc .bc-strong{font-weight:600}
.bc .bc-muted{fill:var(--bc-muted)}
.bc .bc-toned{fill:currentColor}
.bc .bc-inverse{fill:var(--bc-background)}
.bc .bc-halo{paint-order:stroke;stroke:var(--bc-background);stroke-width:3px;stroke-linejoin:round}
.bc .bc-background{fill:var(--bc-background)}
.bc .bc-grid{stroke:var(--bc-grid);stroke-width:1px;fill:none}
.bc .bc-axis{stroke:var(--bc-axis);stroke-width:1px;fill:none}
.bc .bc-reference{stroke:var(--bc-muted);stroke-width:1px;stroke-dasharray:4 3;fill:none}
.bc .bc-line{stroke:currentColor;stroke-width:2px;stroke-linejoin:round;stroke-linecap:round;fill:none}
.bc .bc-thin{stroke:currentColor;stroke-width:1.5px;fill:none}
.bc .bc-whisker{stroke:var(--bc-ink);stroke-width:1px;fill:none}
.bc .bc-empty{fill:var(--bc-muted)}
.bc .bc-fill{fill:currentColor}
.bc .bc-band{fill:currentColor;fill-opacity:.16}
.bc .bc-soft{fill:currentColor;fill-opacity:.5}
.bc .bc-cloud{stroke:currentColor;stroke-linecap:round;fill:none}
.bc .bc-ink{color:var(--bc-ink)}
.bc .bc-dot{fill:currentColor;stroke:var(--bc-background);stroke-width:1.5px}
.bc .bc-hit{fill:currentColor;fill-opacity:0}
.bc .bc-hit:hover{fill-opacity:.3}
${TONES.map((tone) => `.bc .bc-${tone}{color:var(--bc-${tone})}`).join('\n')}`;

/**
 * The style sheet that charts need. A chart made with `standalone: false` carries none: put this once in the page.
 */
export function chartStyles(theme: ChartTheme = 'auto'): string {
  if (theme !== 'auto') {
    return RULES.replace(/var\(--bc-(\w+)\)/g, (_, name: ThemeColor) => PALETTE[theme][name]);
  }
  const light = variables(PALETTE.light);
  const dark = variables(PALETTE.dark);
  return `.bc{${light}}
@media (prefers-color-scheme:dark){.bc{${dark}}}
:root[data-theme=light] .bc{${light}}
:root[data-theme=dark] .bc{${dark}}
${RULES}`;
}

function variables(colors: Readonly<Record<ThemeColor, string>>): string {
  return Object.entries(colors)
    .map(([name, color]) => `--bc-${name}:${color}`)
    .join(';');
}

/** The tone of the `index`-th series. */
export function toneAt(index: number): Tone {
  return TONES[index % TONES.length] ?? 'grey';
}
