import { describe, expect, test } from 'vitest';
import { timeToPage, watch } from '../benchmarks/results/slo/incidents.js';

const DAY = 24 * 60;

/** Fewer simulations than docs/results/slo.md. */
describe('alerts in simulated incidents', () => {
  const service = { objective: 0.999, usual: 0.2, minutes: 2 * DAY };

  test('page as soon as the arithmetic allows: 14.4 x budget x window / share', () => {
    for (const [share, expected] of [
      [1, 1],
      [0.1, 8.64],
      [0.02, 43.2],
    ]) {
      const incident = { from: DAY, share };
      const found = timeToPage({ ...service, perMinute: 1000, incident }, 'protected', 1);
      expect(found).toBeGreaterThanOrEqual(Math.floor(0.8 * expected));
      expect(found).toBeLessThanOrEqual(Math.ceil(1.2 * expected) + 1);
    }
  });

  test('with ten requests an hour page for an outage, and not for one failure', () => {
    const rare = { ...service, perMinute: 1 / 6 };
    for (let seed = 0; seed < 5; seed++) {
      const healthy = { ...rare, usual: 0.5, minutes: 30 * DAY };
      expect(watch(healthy, 'protected', seed).pages).toEqual([]);
      const outage = timeToPage({ ...rare, incident: { from: DAY, share: 1 } }, 'protected', seed);
      expect(outage).toBeLessThan(60);
    }
    const unprotected = [0, 1, 2, 3, 4].map(
      (seed) => watch({ ...rare, usual: 0.5, minutes: 30 * DAY }, 'workbook', seed).pages.length,
    );
    expect(Math.max(...unprotected)).toBeGreaterThan(0);
  });
});
