import { describe, expect, it } from 'vitest';
import { chartStyles, PALETTE, TONES } from './theme.js';

type Rgb = [number, number, number];

/** sRGB to linear light, IEC 61966-2-1. */
function linear(hex: string): Rgb {
  const channel = (at: number): number => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

/** Contrast ratio of WCAG 2.2. */
function contrast(a: string, b: string): number {
  const [x, y] = [a, b].map((hex) => {
    const [r, g, blue] = linear(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue + 0.05;
  }) as [number, number];
  return Math.max(x, y) / Math.min(x, y);
}

/** Machado, Oliveira, Fernandes (2009): full dichromacy, on linear light. */
const VISION: Readonly<Record<string, readonly Rgb[]>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Oklab (Ottosson 2020), in which equal distances look about equally different. */
function oklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function distance(a: string, b: string, matrix: readonly Rgb[]): number {
  const [x, y] = [a, b].map((hex) => {
    const rgb = linear(hex);
    const seen = matrix.map((row) => row.reduce((sum, factor, index) => sum + factor * rgb[index]!, 0));
    return oklab(seen.map((value) => Math.min(1, Math.max(0, value))) as Rgb);
  }) as [Rgb, Rgb];
  return Math.hypot(...x.map((value, index) => value - y[index]!));
}

describe.each(['light', 'dark'] as const)('the %s palette', (mode) => {
  const colors = PALETTE[mode];

  it('has the contrasts that WCAG asks of text', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
    for (const text of ['ink', 'muted'] as const)
      expect(contrast(colors[text], colors.background)).toBeGreaterThan(4.5);
    for (const tone of TONES) expect(contrast(colors[tone], colors.background)).toBeGreaterThan(4.5);
  });

  it.each(Object.entries(VISION))(
    'keeps blue and orange, which tell model from baseline, far apart: %s',
    (_, matrix) => {
      expect(distance(colors.blue, colors.orange, matrix)).toBeGreaterThan(0.15);
    },
  );

  it.each(Object.entries(VISION))('keeps the first five tones apart: %s', (_, matrix) => {
    const tones = TONES.slice(0, 5);
    for (const [index, a] of tones.entries()) {
      for (const b of tones.slice(index + 1)) {
        expect(distance(colors[a], colors[b], matrix), `${a} and ${b}`).toBeGreaterThan(0.06);
      }
    }
  });
});

describe('chartStyles', () => {
  it('follows the system, or the page when it chooses', () => {
    const styles = chartStyles();
    expect(styles).toContain('@media (prefers-color-scheme:dark)');
    expect(styles).toContain(':root[data-theme=dark] .bc');
    for (const [, name] of styles.matchAll(/var\((--bc-\w+)\)/g)) expect(styles).toContain(`${name}:#`);
  });

  it('writes literal colours for renderers without variables', () => {
    expect(chartStyles('dark')).not.toMatch(/var\(|undefined/);
    expect(chartStyles('dark')).toContain(PALETTE.dark.background);
  });
});
