import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSpace, type Dimension, exists, fromUnit, levels, pointAt, toUnit } from './space.js';

const dimension: fc.Arbitrary<Dimension> = fc.oneof(
  fc.record({
    kind: fc.constant('float' as const),
    low: fc.double({ min: 1e-6, max: 1, noNaN: true }),
    high: fc.double({ min: 2, max: 1e6, noNaN: true }),
    log: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('int' as const),
    low: fc.integer({ min: 1, max: 50 }),
    high: fc.integer({ min: 51, max: 2000 }),
    log: fc.boolean(),
  }),
  fc.array(fc.string(), { minLength: 1, maxLength: 9 }).map((choices) => ({ kind: 'choice' as const, choices })),
);

describe('a dimension', () => {
  test('maps [0, 1] onto its values, and each value back to itself', () => {
    fc.assert(
      fc.property(dimension, fc.double({ min: 0, max: 1, noNaN: true }), (of, unit) => {
        const value = fromUnit(of, unit);
        const place = toUnit(of, value);
        expect(place).toBeGreaterThanOrEqual(-1e-9);
        expect(place).toBeLessThanOrEqual(1 + 1e-9);
        if (of.kind === 'choice') expect(of.choices).toHaveProperty([value]);
        else {
          expect(value).toBeGreaterThanOrEqual(of.low);
          expect(value).toBeLessThanOrEqual(of.high);
        }
        if (of.kind === 'float') expect(fromUnit(of, place) / value).toBeCloseTo(1, 6);
        else expect(fromUnit(of, place)).toBe(value);
      }),
    );
  });

  test('of whole numbers gives each of them the same share', () => {
    const die: Dimension = { kind: 'int', low: 1, high: 6, log: false };
    const counts = new Map<number, number>();
    for (let i = 0; i < 600; i++) {
      const value = fromUnit(die, (i + 0.5) / 600);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    expect([...counts.values()]).toEqual([100, 100, 100, 100, 100, 100]);
    expect(levels(die)).toBe(6);
  });
});

describe('a space', () => {
  const float = { kind: 'float', low: 0, high: 1, log: false } as const;
  const choice = { kind: 'choice', choices: ['a', 'b'] } as const;

  test('leaves parameters out whose condition does not hold, and orders them by conditions', () => {
    const space = createSpace([
      { name: 'x', dimension: float, when: { parameter: 'which', indices: [1] } },
      { name: 'which', dimension: choice },
    ]);
    expect(space.parameters.map(({ name }) => name)).toEqual(['which', 'x']);
    expect(pointAt(space, [0.1, 0.5])).toEqual({ which: 0 });
    expect(pointAt(space, [0.9, 0.5])).toEqual({ which: 1, x: 0.5 });
    expect(exists(space.parameters[1], {})).toBe(false);
  });

  test.each([
    ['nothing', [], /nothing to search/],
    ['a range that is empty', [{ name: 'x', dimension: { ...float, low: 2 } }], /low must be below high/],
    ['a logarithm of 0', [{ name: 'x', dimension: { ...float, log: true } }], /begins above 0/],
    ['a choice of nothing', [{ name: 'x', dimension: { kind: 'choice' as const, choices: [] } }], /at least one value/],
    [
      'a condition on nothing',
      [{ name: 'x', dimension: float, when: { parameter: 'y', indices: [0] } }],
      /no choice of this space/,
    ],
    [
      'conditions in a circle',
      [
        { name: 'x', dimension: choice, when: { parameter: 'y', indices: [0] } },
        { name: 'y', dimension: choice, when: { parameter: 'x', indices: [0] } },
      ],
      /in a circle/,
    ],
  ])('refuses %s', (_, parameters, message) => {
    expect(() => createSpace(parameters)).toThrow(message);
  });
});
