import { Resvg } from '@resvg/resvg-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckedElement, parseWellFormed } from '../../test/well-formed.js';
import {
  barChart,
  type ChartOptions,
  confusionMatrix,
  contourPlot,
  histogram,
  intervalPlot,
  ledgerChart,
  lineChart,
  reliabilityDiagram,
  scatter,
} from './index.js';

/** Every chart, drawn from any list of numbers and any name. New charts are added here and earn every test below. */
const CHARTS: Readonly<Record<string, (numbers: readonly number[], name: string, options: ChartOptions) => string>> = {
  lineChart: (numbers, name, options) =>
    lineChart({
      ...options,
      series: [
        { name, points: numbers.map((y, x) => ({ x, y, lo: y - 1, hi: y + 1 })) },
        { name: 'other', points: numbers.map((x, index) => ({ x, y: index })), dash: 'dashed' },
      ],
      between: [name, 'other'],
      rules: numbers.slice(0, 2).map((x) => ({ x, label: name })),
      reference: { y: numbers[0] ?? 0, label: name },
    }),
  'lineChart, log axes and legend': (numbers, name, options) =>
    lineChart({
      ...options,
      names: 'legend',
      series: [name, 'b', 'c'].map((each) => ({
        name: each,
        points: numbers.map((x, i) => ({ x, y: numbers.at(-i)! })),
      })),
      x: { scale: 'log', label: name },
      y: { scale: 'log', format: 'percent', label: name },
    }),
  barChart: (numbers, name, options) =>
    barChart({
      ...options,
      categories: numbers.map((_, index) => (index === 0 ? name : `${index}`)),
      series: [
        { name, values: numbers, intervals: numbers.map((value) => [value - 1, value * 2] as const) },
        { name: 'other', values: numbers.toReversed() },
      ],
    }),
  histogram: (numbers, name, options) =>
    histogram({ ...options, series: [{ name, edges: numbers, counts: numbers.slice(1) }] }),
  'histogram of two': (numbers, name, options) =>
    histogram({
      ...options,
      series: [
        { name, edges: numbers.toSorted((a, b) => a - b), counts: numbers.slice(1).map(Math.abs) },
        { name: 'other', edges: numbers.map((_, index) => index), counts: numbers.slice(1) },
      ],
    }),
  reliabilityDiagram: (numbers, name, options) =>
    reliabilityDiagram({
      ...options,
      confidenceLabel: name,
      bins: numbers.map((value, index) => ({
        lower: index / numbers.length,
        upper: (index + 1) / numbers.length,
        count: Math.abs(value),
        confidence: (index + 0.5) / numbers.length,
        accuracy: value,
        interval: [value - 0.1, value + 0.1] as const,
      })),
    }),
  confusionMatrix: (numbers, name, options) =>
    confusionMatrix({
      ...options,
      classes: numbers.map((_, index) => (index === 0 ? name : `class ${index}`)),
      counts: numbers.map((value) => numbers.map((other) => value * other)),
    }),
  contourPlot: (numbers, name, options) =>
    contourPlot({
      ...options,
      xs: numbers,
      ys: numbers.map((_, index) => index),
      values: numbers.map((value, row) => numbers.map((other, column) => value + other * (row - column))),
      mark: { x: numbers[0] ?? 0, y: 0, label: name },
      valueLabel: name,
    }),
  scatter: (numbers, name, options) =>
    scatter({
      ...options,
      points: numbers.map((x, index) => ({ x, y: numbers.at(-index)! })),
      reference: 0,
      trend: true,
      x: { label: name },
    }),
  intervalPlot: (numbers, name, options) =>
    intervalPlot({
      ...options,
      rows: numbers.map((_, index) => (index === 0 ? name : `${index}`)),
      series: [{ name, figures: numbers.map((value) => ({ value, interval: [value - 1, value + 2] as const })) }],
      reference: numbers.at(-1) ?? 0,
    }),
  ledgerChart: (numbers, name, options) =>
    ledgerChart({
      ...options,
      stages: numbers.map((value, index) => ({
        stage: index === 0 ? name : `${index}`,
        value,
        interval: [value - 1, value + 1] as const,
        delta: (numbers[index - 1] ?? value) - value,
        deltaInterval: [-1, 1] as const,
      })),
    }),
};

const HOSTILE_NAME = `<script>alert("1")</script><img src=x onerror='a()'>&amp;]]>\u0000\u001b[31m\ud800\u202e"`;

const hostileNumber = fc.oneof(
  fc.double(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1e308, -1e308, 5e-324, 1e-300, 1e15, 2 ** 53),
);

describe.each(Object.entries(CHARTS))('%s', (_, draw) => {
  it('is well-formed, named, described and self-contained, whatever the numbers and names', () => {
    const size = fc.constantFrom(60, 400, 1200);
    fc.assert(
      fc.property(
        fc.array(hostileNumber, { maxLength: 40 }),
        fc.string({ unit: 'binary' }),
        size,
        (numbers, name, width) => {
          const svg = draw(numbers, name, { title: name, subtitle: name, width, standalone: false });
          check(svg, parseWellFormed(svg));
        },
      ),
      { numRuns: 80 },
    );
  });

  it.each([
    [[]],
    [[1]],
    [[NaN]],
    [[1, 1, 1]],
    [[Infinity, 1]],
    [[1e308, -1e308]],
    [[5e-324, 0]],
    [[0.1, 0.2, NaN, 0.4]],
  ])('draws %j', (numbers) => {
    const svg = draw(numbers, 'name', { title: 'title' });
    check(svg, parseWellFormed(svg));
  });

  it('escapes text from outside', () => {
    const svg = draw([0.2, 0.5, 0.8], HOSTILE_NAME, { title: HOSTILE_NAME, subtitle: HOSTILE_NAME });
    const elements = parseWellFormed(svg);
    expect(elements.map(({ name }) => name)).not.toContain('script');
    expect(elements.map(({ name }) => name)).not.toContain('img');
    for (const { attributes } of elements)
      expect([...attributes.keys()].filter((key) => key.startsWith('on'))).toEqual([]);
    expect(elements.find(({ name }) => name === 'title')?.text).toContain('<script>alert("1")</script>');
  });

  it('is read by an independent renderer, with something on it', () => {
    const svg = draw([0.2, 0.5, 0.35, 0.8], 'name', { title: 'title', theme: 'light' });
    const { pixels, width, height } = new Resvg(svg, { font: { loadSystemFonts: false } }).render();
    expect(pixels).toHaveLength(width * height * 4);
    const colors = new Set<number>();
    for (let at = 0; at < pixels.length; at += 4) colors.add(pixels.readUIntBE(at, 3));
    expect(colors.size).toBeGreaterThan(4);
  });

  it('is the same for the same data, and embeds without its style sheet', () => {
    const options = { title: 'title', subtitle: 'subtitle' };
    expect(draw([1, 2, 3], 'name', options)).toBe(draw([1, 2, 3], 'name', options));
    expect(draw([1, 2, 3], 'name', { ...options, standalone: false })).not.toContain('<style');
  });
});

describe.each(['lineChart', 'barChart', 'histogram', 'scatter', 'intervalPlot'])('%s of 5,000 values', (name) => {
  it('stays small', () => {
    const numbers = Array.from({ length: 5000 }, (_, index) => index + Math.sin(index));
    expect(CHARTS[name]?.(numbers, 'name', { title: 'title' }).length).toBeLessThan(100_000);
  });
});

function check(svg: string, [root, title, description, ...rest]: readonly CheckedElement[]): void {
  expect([root?.name, title?.name, description?.name]).toEqual(['svg', 'title', 'desc']);
  expect(root?.attributes.get('role')).toBe('img');
  expect(root?.attributes.get('viewBox')).toMatch(/^0 0 \d+ \d+$/);
  expect(description?.text).not.toBe('');
  expect(root?.attributes.get('xmlns')).toBe('http://www.w3.org/2000/svg');
  const values = rest.flatMap(({ attributes }) => [...attributes.values()]).join('\n');
  expect(values).not.toMatch(/https?:|url\(|javascript:|data:|NaN|Infinity|undefined|null/i);
  expect(svg.replace(title?.text ?? '', '')).not.toMatch(/\b(NaN|undefined)\b/);
}
