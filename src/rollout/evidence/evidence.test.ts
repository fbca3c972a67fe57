import { describe, expect, test } from 'vitest';
import { binomialSf } from '../../numeric/distributions/binomial.js';
import { derive } from '../../numeric/random.js';
import { Arms } from './arms.js';
import { chanceOf, Evidence } from './evidence.js';

describe('evidence', () => {
  test('arms that are alike are called different no more often than is stated, looked at after every answer', () => {
    const [rounds, answers, alpha] = [400, 1000, 0.05];
    let wrong = 0;
    for (let round = 0; round < rounds; round++) {
      const random = derive(1, 'alike', round);
      const [arms, evidence] = [new Arms(0.5), new Evidence('difference', 0)];
      for (let n = 0; n < 2 * answers; n++) {
        const arm = random.uniform() < 0.5 ? 'candidate' : 'baseline';
        const difference = arms.add(arm, random.uniform() < 0.05 ? 1 : 0);
        if (difference === undefined) continue;
        evidence.add(difference, random.uniform());
        if (evidence.logAbove >= Math.log(1 / alpha)) {
          wrong++;
          break;
        }
      }
    }
    // A test at 1 % does not reject that the stated rate is held.
    expect(binomialSf(wrong - 1, rounds, alpha)).toBeGreaterThan(0.01);
  });

  test('an error of 7 % beside 5 % is found within 2,600 answers an arm, in the median', () => {
    const found = Array.from({ length: 61 }, (_, round) => {
      const random = derive(2, 'worse', round);
      const [arms, evidence] = [new Arms(0.5), new Evidence('difference', 0)];
      for (let n = 1; n <= 12_000; n++) {
        const arm = random.uniform() < 0.5 ? 'candidate' : 'baseline';
        const difference = arms.add(arm, random.uniform() < (arm === 'candidate' ? 0.07 : 0.05) ? 1 : 0);
        if (difference === undefined) continue;
        evidence.add(difference, random.uniform());
        if (evidence.logAbove >= Math.log(20)) return n / 2;
      }
      return Number.POSITIVE_INFINITY;
    }).sort((a, b) => a - b);
    expect(found[30]).toBeLessThanOrEqual(2600);
  });

  test('is restored from its counts', () => {
    const random = derive(3, 'restored');
    const whole = new Evidence('difference', 0.01);
    let restored = new Evidence('difference', 0.01);
    for (let n = 0; n < 500; n++) {
      const [value, chance] = [random.uniform(-1, 1), random.uniform()];
      whole.add(value, chance);
      restored.add(value, chance);
      if (n % 50 === 0) restored = new Evidence('difference', 0.01, JSON.parse(JSON.stringify(restored.state)));
    }
    expect(restored.state).toEqual(whole.state);
    expect(restored.logAbove).toBeCloseTo(whole.logAbove, 9);
    const [low, high] = whole.interval(0.05);
    expect(low).toBeLessThan(whole.mean);
    expect(high).toBeGreaterThan(whole.mean);
  });

  test('values between two levels keep their mean', () => {
    const evidence = new Evidence('share', 0.5);
    for (let n = 0; n < 20_000; n++) evidence.add(0.1234, chanceOf(`value ${n}`));
    expect(evidence.mean).toBeCloseTo(0.1234, 3);
  });
});
