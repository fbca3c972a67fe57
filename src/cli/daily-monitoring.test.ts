import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Store } from '../store/index.js';
import { KEPT, startDailyMonitoring } from './daily-monitoring.js';

describe('startDailyMonitoring', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('prunes by the policy some minutes after the start and once a day from then on, and goes on after a fault', async () => {
    let rounds = 0;
    const told: string[] = [];
    const store = {
      async pruneObservations(kept: unknown) {
        expect(kept).toEqual(KEPT);
        rounds++;
        if (rounds === 2) throw new Error('store gone');
        return { rows: 3, labels: 0, minutes: 0, windows: 0, sketches: 0 };
      },
      observedModels: async () => [],
    } as unknown as Store;
    const daily = startDailyMonitoring(store, { store: '.', kept: KEPT, tell: (line) => told.push(line) });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rounds).toBe(0);
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    expect(rounds).toBe(1);
    await vi.advanceTimersByTimeAsync(2 * 24 * 3_600_000);
    expect(rounds).toBe(3);
    expect(told).toEqual([
      '3 observations older than is kept were removed',
      'daily monitoring: Error: store gone',
      '3 observations older than is kept were removed',
    ]);
    await daily.stop();
    await vi.advanceTimersByTimeAsync(3 * 24 * 3_600_000);
    expect(rounds).toBe(3);
  });
});
