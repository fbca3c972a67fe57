import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_RETENTION, type Store } from '../store/index.js';
import { startDailyMonitoring } from './daily-monitoring.js';

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
      takeTurn: async () => true,
      retentionPolicy: async () => DEFAULT_RETENTION,
      async applyRetention({ policy }: { policy: unknown }) {
        expect(policy).toEqual({ ...DEFAULT_RETENTION, rows: 7 });
        rounds++;
        if (rounds === 2) throw new Error('store gone');
        return {
          observations: { rows: 3, labels: 0, minutes: 0, windows: 0, sketches: 0 },
          ...{ records: 0, runs: 0, artifacts: 0, removedRuns: 0, contents: 0, bytes: 0, databaseBytes: 0 },
          held: { runs: 0, models: [] },
        };
      },
      observedModels: async () => [],
    } as unknown as Store;
    const daily = startDailyMonitoring(store, { store: '.', kept: { rows: 7 }, tell: (line) => told.push(line) });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rounds).toBe(0);
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    expect(rounds).toBe(1);
    await vi.advanceTimersByTimeAsync(2 * 24 * 3_600_000);
    expect(rounds).toBe(3);
    expect(told).toEqual([
      'Removed:',
      '         3 observations',
      'daily monitoring: Error: store gone',
      'Removed:',
      '         3 observations',
    ]);
    await daily.stop();
    await vi.advanceTimersByTimeAsync(3 * 24 * 3_600_000);
    expect(rounds).toBe(3);
  });
});
