import { describe, expect, test } from 'vitest';
import { sloOptions } from '../../spec/slo-options.js';
import { sloStatus } from './status.js';
import type { SliWindow } from './window.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = 20_000 * DAY;

const window = (from: number, change: Partial<SliWindow> = {}): SliWindow => ({
  from,
  to: from + HOUR,
  version: '1',
  role: 'live',
  requests: 100,
  rejected: 0,
  failed: 0,
  labelled: 0,
  wrong: 0,
  within: () => 100,
  ...change,
});
const hours = (days: number, change: (hour: number) => Partial<SliWindow> = () => ({})): SliWindow[] =>
  Array.from({ length: days * 24 }, (_, i) => window(NOW - (i + 1) * HOUR, change(i)));
const slo = (value: object) => sloOptions.parse({ name: 'promise', objective: 0.99, ...value });

describe('the status of an objective', () => {
  test('counts what was answered, of what was valid, in its window only', () => {
    const windows = hours(40, (hour) => ({ rejected: 10, failed: hour < 10 || hour >= 720 ? 9 : 0 }));
    const status = sloStatus(slo({ sli: { type: 'availability' } }), windows, NOW);
    expect(status.events).toEqual({ good: 720 * 90 - 90, total: 720 * 90, pending: 0 });
    expect(status.state).toBe('met');
    expect(status.budget.remaining).toBeCloseTo(1 - 90 / 648, 9);
    // 10 times over a day's last ten hours is 4.2 times over the day; over three days 1.4 times, which may be chance.
    expect(status.burn.map(({ fires }) => fires)).toEqual([false, false, true, false]);
    expect(status.burn[3].held).toContain('by chance (0.0017');
    expect(status.versions).toEqual([{ version: '1', bad: 90, total: 720 * 90 }]);
  });

  test('has no data without requests, and counts only its own stage', () => {
    const shadow = hours(1, () => ({ role: 'shadow', failed: 100 }));
    const availability = { sli: { type: 'availability' } };
    expect(sloStatus(slo(availability), shadow, NOW)).toMatchObject({ state: 'no-data', attained: undefined });
    expect(sloStatus(slo({ ...availability, stage: 'shadow' }), shadow, NOW).state).toBe('breached');
  });

  test('waits for labels, and is not green meanwhile', () => {
    const correctness = slo({ sli: { type: 'correctness' }, labels: { delay: '1d', coverage: 0.5 } });
    const few = hours(30, () => ({ labelled: 10, wrong: 0 }));
    expect(sloStatus(correctness, few, NOW)).toMatchObject({ state: 'pending', coverage: 0.1 });
    // Answers of the last day need not be labelled yet.
    const late = hours(30, (hour) => ({ labelled: hour < 24 ? 0 : 60, wrong: 0 }));
    expect(sloStatus(correctness, late, NOW)).toMatchObject({ state: 'met', coverage: 0.6 });
    // Lost already, whatever the others will be.
    const lost = hours(30, () => ({ labelled: 10, wrong: 5 }));
    expect(sloStatus(correctness, lost, NOW).state).toBe('breached');
  });

  test('of calibration judges slices of time, and forgives the noise of few labels', () => {
    const calibration = slo({ sli: { type: 'calibration', ece: 0.05 }, objective: 0.9 });
    const bins = (count: number, right: number) => [{ count, confidence: 0.8 * count, right }];
    const noisy = hours(10, (hour) => ({ labelled: 20, bins: bins(20, hour % 2 === 0 ? 15 : 17) }));
    const certain = hours(10, () => ({ labelled: 2000, bins: bins(2000, 1500) }));
    expect(sloStatus(calibration, noisy, NOW).state).toBe('met');
    expect(sloStatus(calibration, certain, NOW)).toMatchObject({ state: 'met' });
    const off = hours(10, () => ({ labelled: 2000, bins: bins(2000, 1400) }));
    expect(sloStatus(calibration, off, NOW)).toMatchObject({ state: 'breached', attained: { value: 0 } });
  });

  test('of drift needs a test of it', () => {
    const drift = slo({ sli: { type: 'drift', every: '1d' }, objective: 0.9 });
    expect(sloStatus(drift, hours(10), NOW).events).toEqual({ good: 0, total: 0, pending: 10 });
    const tested = hours(10, (hour) => ({ drifted: hour < 24 }));
    expect(sloStatus(drift, tested, NOW).events).toEqual({ good: 9, total: 10, pending: 0 });
  });

  const sliced = (share: number): SliWindow[] =>
    hours(30).flatMap((all) => {
      const phone = Math.round(100 * share);
      const part = (value: string, requests: number, failed: number): SliWindow => ({
        ...all,
        slice: { by: 'device', value },
        requests,
        failed,
      });
      const phoneFailed = Math.round(phone * 0.05);
      return [{ ...all, failed: phoneFailed }, part('phone', phone, phoneFailed), part('desktop', 100 - phone, 0)];
    });

  test('per slice is the worst of them', () => {
    const status = sloStatus(slo({ sli: { type: 'availability' }, per: 'device' }), sliced(0.2), NOW);
    expect(status.slices?.phone.state).toBe('breached');
    expect(status.slices?.desktop.state).toBe('met');
    expect([status.attained?.value, status.state]).toEqual([0.99, 'breached']);
  });

  test('re-weighted to a reference mix is not moved by the mix of the traffic', () => {
    const mix = slo({ sli: { type: 'availability' }, mix: { by: 'device', shares: { phone: 0.2, desktop: 0.8 } } });
    expect(sloStatus(mix, sliced(0.2), NOW).attained?.value).toBeCloseTo(0.99, 9);
    expect(sloStatus(mix, sliced(0.8), NOW).attained?.value).toBeCloseTo(0.99, 9);
    const plain = slo({ sli: { type: 'availability' } });
    expect(sloStatus(plain, sliced(0.8), NOW).attained?.value).toBeCloseTo(0.96, 9);
  });

  test('of the holdout judges the rows that the version was judged by, however long ago, and burns nothing', () => {
    const judged = window(NOW - 400 * DAY, { role: 'holdout', to: NOW - 400 * DAY, labelled: 100, wrong: 5 });
    const holdout = { sli: { type: 'correctness' }, stage: 'holdout' };
    const kept = sloStatus(
      slo({ ...holdout, objective: 0.9 }),
      [judged, ...hours(30, () => ({ labelled: 90, wrong: 80 }))],
      NOW,
    );
    expect(kept).toMatchObject({ state: 'met', attained: { value: 0.95 }, burn: [], coverage: 1 });
    expect(sloStatus(slo({ ...holdout, objective: 0.96 }), [judged], NOW).state).toBe('breached');
    const bins = [{ count: 100, confidence: 95, right: 80 }];
    const calibration = slo({ sli: { type: 'calibration', ece: 0.05 }, stage: 'holdout' });
    expect(sloStatus(calibration, [{ ...judged, bins }], NOW).state).toBe('breached');
    const slice = { by: 'region', value: 'eu' };
    const sliced = sloStatus(
      slo({ ...holdout, objective: 0.9, per: 'region' }),
      [judged, { ...judged, slice, wrong: 20 }],
      NOW,
    );
    expect(sliced).toMatchObject({ state: 'breached', slices: { eu: { state: 'breached' } } });
    const latency = { sli: { type: 'latency', withinMs: 5 }, stage: 'holdout' };
    expect(() => slo(latency)).toThrow('correctness and calibration');
  });

  test('of trainings counts those of its experiment that ended', () => {
    const ended = (hour: number, good: number): SliWindow =>
      window(NOW - hour * HOUR, {
        requests: 0,
        within: () => 0,
        trainings: { digits: { good, total: 4 }, other: { good: 0, total: 9 } },
      });
    const training = slo({ sli: { type: 'training', experiment: 'digits' }, objective: 0.9, window: '7d' });
    const status = sloStatus(training, [ended(2, 4), ended(30, 3), ended(24 * 8, 0)], NOW);
    expect(status).toMatchObject({ state: 'breached', events: { good: 7, total: 8 } });
    expect(new Set(status.burn.map(({ severity }) => severity))).toEqual(new Set(['ticket']));
    expect(sloStatus(slo({ sli: { type: 'training' } }), [ended(2, 4)], NOW).state).toBe('no-data');
  });
});
