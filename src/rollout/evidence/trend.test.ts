import { describe, expect, test } from 'vitest';
import { binomialSf } from '../../numeric/distributions/binomial.js';
import { derive, type Random } from '../../numeric/random.js';
import { type Course, logRising, medianSlope, slopeInterval } from './trend.js';

const ALPHA = 0.05;
const THRESHOLD = Math.log(1 / ALPHA);

function course(name: string, blocks: number, level: (at: number, i: number) => number): Course {
  const at = Array.from({ length: blocks }, (_, i) => i * 0.05);
  return { name, at, levels: at.map(level) };
}

/** Number of levels after which the evidence is enough; undefined where it never is. */
function foundAfter(whole: Course, slope: number): number | undefined {
  for (let n = 2; n <= whole.levels.length; n++) {
    const { name, at, levels } = whole;
    if (logRising({ name, at: at.slice(0, n), levels: levels.slice(0, n) }, slope) >= THRESHOLD) return n;
  }
  return undefined;
}

const scatters: Record<string, (random: Random) => number> = {
  normal: (random) => 0.02 * random.normal(),
  'heavy-tailed': (random) => (0.002 * random.normal()) / Math.max(0.01, random.uniform()),
  'of few levels': (random) => 0.01 * random.integer(3),
};

describe('evidence of a rising level', () => {
  test.each(Object.entries(scatters))(
    'is enough by chance no more often than is stated, at the edge of what is allowed: %s',
    (name, scatter) => {
      const rounds = 300;
      let found = 0;
      for (let round = 0; round < rounds; round++) {
        const random = derive('trend', name, round);
        const edge = course(`${name} ${round}`, 120, (at) => 1 + 0.05 * at + scatter(random));
        if (foundAfter(edge, 0.05) !== undefined) found++;
      }
      expect(binomialSf(found - 1, rounds, ALPHA)).toBeGreaterThan(0.01);
    },
  );

  test('is enough soon where it rises twice as fast, and never where it stands still, falls, or fell once', () => {
    const random = derive('trend', 'found');
    const noise = () => 0.002 * random.normal();
    expect(
      foundAfter(
        course('leak', 60, (at) => 1 + 0.3 * at + noise()),
        0.05,
      ),
    ).toBeLessThan(25);
    expect(
      foundAfter(
        course('still', 300, () => 1 + noise()),
        0.05,
      ),
    ).toBeUndefined();
    expect(
      foundAfter(
        course('falls', 300, (at) => 1 - 0.1 * at + noise()),
        0.05,
      ),
    ).toBeUndefined();
    // What was given back to the system and is taken again is no leak.
    const refilled = course('refilled', 300, (_, i) => 1 + noise() - (i > 60 && i < 100 ? 0.004 * (100 - i) : 0));
    expect(foundAfter(refilled, 0.05)).toBeUndefined();
  });

  test('inverted holds the slope, and narrows around it', () => {
    const random = derive('trend', 'interval');
    const whole = course('interval', 200, (at) => 1 + 0.12 * at + 0.01 * random.normal());
    const [low, high] = slopeInterval([whole], 0.05, [-1, 1]);
    expect(low).toBeLessThan(0.12);
    expect(high).toBeGreaterThan(0.12);
    expect(high - low).toBeLessThan(0.05);
    expect(medianSlope(whole)).toBeCloseTo(0.12, 2);
  });
});
