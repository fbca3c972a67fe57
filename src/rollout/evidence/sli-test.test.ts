import { describe, expect, test } from 'vitest';
import { SLI_CASES, simulateSli } from '../../../test/support/sli-simulation.js';
import { binomialSf } from '../../numeric/distributions/binomial.js';

const ALPHA = 0.05;

describe('an SLI that is looked at after every answer', () => {
  test.each(SLI_CASES.map((each) => [each.name, each] as const))(
    'rolls back no more often than is stated at the edge of what is allowed, and finds what is beyond: %s',
    (_, each) => {
      const setting = { answers: 1200, weight: 0.5, alpha: ALPHA };
      const { rounds, rolledBack } = simulateSli(each, { ...setting, rounds: 100, worse: each.allowed });
      // A test at 1 % does not reject that the stated rate is held.
      expect(binomialSf(rolledBack.length - 1, rounds, ALPHA)).toBeGreaterThan(0.01);
      const found = simulateSli(each, { ...setting, rounds: 5, answers: 40_000, worse: each.beyond });
      expect(found.rolledBack).toHaveLength(5);
    },
  );
});
