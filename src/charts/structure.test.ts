import { describe, expect, it } from 'vitest';
import { type CheckedElement, parseWellFormed } from '../../test/well-formed.js';
import {
  barChart,
  confusionMatrix,
  contourPlot,
  histogram,
  intervalPlot,
  ledgerChart,
  lineChart,
  reliabilityDiagram,
  scatter,
} from './index.js';

const TITLE = { title: 'title', standalone: false };

function tooltips(elements: readonly CheckedElement[]): string[] {
  return elements
    .filter(({ name }) => name === 'title')
    .map(({ text }) => text)
    .slice(1);
}

function byClass(elements: readonly CheckedElement[], name: string): CheckedElement[] {
  return elements.filter(({ attributes }) => attributes.get('class')?.split(' ').includes(name));
}

function texts(elements: readonly CheckedElement[]): string[] {
  return elements.filter(({ name }) => name === 'text').map(({ text }) => text);
}

describe('lineChart', () => {
  const series = [
    { name: 'train', points: [0.5, 0.8, 1].map((y, index) => ({ x: index + 1, y })) },
    { name: 'validation', points: [0.5, NaN, 0.7].map((y, index) => ({ x: index + 1, y })), dash: 'dashed' as const },
  ];

  it('maps values to positions linearly, larger upwards', () => {
    const elements = parseWellFormed(lineChart({ ...TITLE, series: series.slice(0, 1), y: { domain: [0, 1] } }));
    const ys = byClass(elements, 'bc-hit').map(({ attributes }) => Number(attributes.get('cy')));
    expect((ys[0]! - ys[1]!) / (ys[0]! - ys[2]!)).toBeCloseTo(0.3 / 0.5, 2);
  });

  it('breaks a line where a value is missing, and marks what stands alone', () => {
    const elements = parseWellFormed(lineChart({ ...TITLE, series }));
    expect(byClass(elements, 'bc-line').map(({ attributes }) => attributes.get('d')?.match(/M/g)?.length)).toEqual([
      1, 2,
    ]);
    expect(byClass(elements, 'bc-dot')).toHaveLength(2);
    expect(tooltips(elements)).toContain('train, x 2.00: 0.800');
  });

  it('names lines at their ends when they are few, in a legend when they are many', () => {
    const few = parseWellFormed(lineChart({ ...TITLE, series }));
    expect(byClass(few, 'bc-toned').map(({ text }) => text)).toEqual(['train', 'validation']);
    const many = Array.from({ length: 6 }, (_, index) => ({ name: `line ${index}`, points: [{ x: 0, y: index }] }));
    const elements = parseWellFormed(lineChart({ ...TITLE, series: many }));
    expect(byClass(elements, 'bc-toned')).toHaveLength(0);
    expect(texts(elements)).toContain('line 5');
  });

  it('leaves out what a logarithmic axis cannot show', () => {
    const points = [-1, 0, 10, 1000].map((y, x) => ({ x, y }));
    const elements = parseWellFormed(lineChart({ ...TITLE, series: [{ name: 'a', points }], y: { scale: 'log' } }));
    expect(byClass(elements, 'bc-hit')).toHaveLength(2);
    expect(texts(elements)).toEqual(expect.arrayContaining(['10', '100', '1,000']));
  });

  it('puts the same value at the same height when charts share an axis', () => {
    const heights = [0.2, 0.6].map((y) => {
      const points = [
        { x: 0, y },
        { x: 1, y: 0.5 },
      ];
      const svg = lineChart({ ...TITLE, series: [{ name: 'a', points }], y: { include: [0, 1] } });
      return byClass(parseWellFormed(svg), 'bc-hit').at(-1)?.attributes.get('cy');
    });
    expect(heights[0]).toBe(heights[1]);
  });
});

describe('confusionMatrix', () => {
  it('has a cell per pair, with counts and the share of the true class', () => {
    const counts = [
      [90, 10],
      [5, 45],
    ];
    const elements = parseWellFormed(confusionMatrix({ ...TITLE, classes: ['cat', 'dog'], counts }));
    expect(byClass(elements, 'bc-fill')).toHaveLength(4);
    expect(tooltips(elements)).toEqual([
      'True cat, predicted cat: 90 (90.0% of cat)',
      'True cat, predicted dog: 10 (10.0% of cat)',
      'True dog, predicted cat: 5 (10.0% of dog)',
      'True dog, predicted dog: 45 (90.0% of dog)',
    ]);
    expect(elements[2]?.text).toBe(
      'Confusion matrix of 2 classes: 135 of 150 right. Most frequent error: cat predicted as dog, 10.',
    );
  });

  it('adds up the rarest classes when there are too many, losing no row', () => {
    const classes = Array.from({ length: 50 }, (_, index) => `class ${index}`);
    const counts = classes.map((_, i) => classes.map((__, j) => (i === j ? i + 1 : 0)));
    const elements = parseWellFormed(confusionMatrix({ ...TITLE, classes, counts, limit: 10 }));
    expect(texts(elements)).toContain('41 others');
    expect(tooltips(elements).filter((text) => /^True .*: /.test(text))).toHaveLength(100);
    expect(tooltips(elements)).toContain('True 41 others, predicted 41 others: 861 (100% of 41 others)');
    expect(elements[2]?.text).toContain('1,275 of 1,275 right');
  });
});

describe('contourPlot', () => {
  const at = Array.from({ length: 41 }, (_, i) => (i - 20) / 20);
  const bowl = at.map((y) => at.map((x) => x * x + y * y));
  const numbers = (d: string) => Array.from(d.matchAll(/-?\d+(?:\.\d+)?/g), ([text]) => Number(text));

  it('draws the circle at the height of a bowl, and shades what lies above it', () => {
    const elements = parseWellFormed(contourPlot({ ...TITLE, xs: at, ys: at, values: bowl, levels: [0.49] }));
    const d = byClass(elements, 'bc-thin')[0]?.attributes.get('d') ?? '';
    const points = numbers(d);
    const [xs, ys] = [0, 1].map((odd) => points.filter((_, i) => i % 2 === odd)) as [number[], number[]];
    const middle = (values: number[]) => (Math.min(...values) + Math.max(...values)) / 2;
    const radii = xs.map((x, i) => Math.hypot(x - middle(xs), ys[i]! - middle(ys)));
    expect(Math.max(...radii) / Math.min(...radii)).toBeLessThan(1.01);
    const grid = byClass(elements, 'bc-grid').map(({ attributes }) => Number(attributes.get('x2')));
    const left = Number(byClass(elements, 'bc-grid')[0]?.attributes.get('x1'));
    expect(Math.max(...radii) / ((grid[0]! - left) / 2)).toBeCloseTo(0.7, 2);
    // The area above: the square without the circle, by the shoelace formula over all pieces.
    const pieces = (byClass(elements, 'bc-fill')[0]?.attributes.get('d') ?? '').split('M').slice(1).map(numbers);
    const area = pieces.reduce((sum, piece) => {
      let twice = 0;
      for (let i = 0; i < piece.length; i += 2) {
        const [x, y] = [piece[i]!, piece[i + 1]!];
        const [nextX, nextY] = [piece[(i + 2) % piece.length]!, piece[(i + 3) % piece.length]!];
        twice += x * nextY - nextX * y;
      }
      return sum + Math.abs(twice) / 2;
    }, 0);
    expect(area / (grid[0]! - left) ** 2).toBeCloseTo(1 - (Math.PI * 0.49) / 4, 2);
    expect(texts(elements)).toContain('0.490');
  });

  it('crosses a saddle in two lines, and leaves out cells without a number', () => {
    const saddle = [
      [1, -1],
      [-1, 1],
    ];
    const options = { ...TITLE, xs: [0, 1], ys: [0, 1], levels: [0] };
    const lines = (values: readonly (readonly number[])[]) =>
      byClass(parseWellFormed(contourPlot({ ...options, values })), 'bc-thin')[0]?.attributes.get('d') ?? '';
    expect(lines(saddle).match(/M/g)).toHaveLength(2);
    expect(
      lines([
        [1, Number.NaN],
        [-1, 1],
      ]),
    ).toBe('');
  });
});

describe('reliabilityDiagram', () => {
  it('places bins by confidence and accuracy, with intervals and counts', () => {
    const bins = [
      { lower: 0, upper: 0.5, count: 40, confidence: 0.25, accuracy: 0.25, interval: [0.1, 0.4] as const },
      { lower: 0.5, upper: 1, count: 60, confidence: 0.75, accuracy: 0.5 },
      { lower: 1, upper: 1, count: 0, confidence: Number.NaN, accuracy: Number.NaN },
    ];
    const elements = parseWellFormed(reliabilityDiagram({ ...TITLE, bins }));
    expect(byClass(elements, 'bc-dot')).toHaveLength(2);
    expect(tooltips(elements)).toContain('Predicted 25.0%, observed 25.0% (10.0% to 40.0%), 40 predictions');
    expect(elements[2]?.text).toContain('weighted by count, 15.0%');
  });
});

describe('ledgerChart', () => {
  it('writes losses with a minus and colours them apart from wins', () => {
    const stages = [
      { stage: 'train', value: 0.9 },
      { stage: 'validation', value: 0.8, delta: 0.1 },
      { stage: 'holdout', value: 0.82, delta: -0.02 },
    ];
    const elements = parseWellFormed(ledgerChart({ ...TITLE, stages, y: { format: 'percent' } }));
    expect(texts(elements)).toEqual(expect.arrayContaining(['\u221210.0\u00a0pts', '+2.0\u00a0pts', '90.0%']));
    expect(byClass(elements, 'bc-orange')).toHaveLength(1);
    expect(byClass(elements, 'bc-green')).toHaveLength(1);
  });
});

describe('histogram', () => {
  it('makes areas, not heights, comparable between series of different bins', () => {
    const series = [
      { name: 'wide', edges: [0, 2], counts: [10] },
      { name: 'narrow', edges: [0, 1, 2], counts: [500, 500] },
    ];
    const elements = parseWellFormed(histogram({ ...TITLE, series }));
    const heights = new Set(byClass(elements, 'bc-hit').map(({ attributes }) => attributes.get('height')));
    expect(heights.size).toBe(1);
  });
});

describe('barChart', () => {
  it('says how many categories are left out', () => {
    const categories = Array.from({ length: 45 }, (_, index) => `class ${index}`);
    const elements = parseWellFormed(
      barChart({ ...TITLE, categories, series: [{ name: 'a', values: categories.map(() => 1) }] }),
    );
    expect(byClass(elements, 'bc-fill')).toHaveLength(40);
    expect(texts(elements)).toContain('5 more not shown');
  });
});

describe('intervalPlot', () => {
  it('has a dot and a whisker per figure', () => {
    const figures = [{ value: 0.5, interval: [0.4, 0.6] as const }, undefined, { value: 0.7 }];
    const elements = parseWellFormed(
      intervalPlot({ ...TITLE, rows: ['a', 'b', 'c'], series: [{ name: 's', figures }] }),
    );
    expect(byClass(elements, 'bc-dot')).toHaveLength(2);
    expect(byClass(elements, 'bc-thin')).toHaveLength(1);
    expect(elements[2]?.text).toContain('b: s absent');
  });
});

describe('scatter', () => {
  it('draws a sample of many points, always the same, with the extremes', () => {
    const points = Array.from({ length: 10_000 }, (_, index) => ({
      x: Math.sin(index),
      y: index === 4321 ? 50 : Math.cos(index),
    }));
    const svg = scatter({ ...TITLE, points, limit: 500 });
    const cloud = byClass(parseWellFormed(svg), 'bc-cloud')[0]?.attributes.get('d') ?? '';
    const drawn = [...cloud.matchAll(/M[\d.]+ ([\d.]+)h0/g)].map(([, y]) => Number(y));
    expect(drawn.length).toBeLessThanOrEqual(500);
    expect(drawn.length).toBeGreaterThan(450);
    const [first, second] = drawn.toSorted((a, b) => a - b);
    expect(second! - first!).toBeGreaterThan(50);
  });
});
