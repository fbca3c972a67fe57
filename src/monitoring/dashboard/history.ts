import { addHistograms, histogramQuantile, histogramSum, type LogHistogram } from '../../numeric/index.js';
import type { ObservationWindow } from '../../store/index.js';
import { calibrationError, sumBins } from '../slo/calibration-error.js';
import { observedWindow } from '../slo/feed.js';
import { answersOf } from '../slo/window.js';

/** What a model did in a stretch of time; undefined where there was nothing to tell it from. */
export interface Moment {
  /** Begin, ms since 1970. */
  readonly at: number;
  readonly requests: number;
  readonly failedShare: number | undefined;
  /** Of those labelled. */
  readonly wrongShare: number | undefined;
  readonly p99Ms: number | undefined;
  readonly ece: number | undefined;
  /** Money for each 1,000 answers. */
  readonly costPer1000: number | undefined;
  /** Requests at a time. */
  readonly utilization: number;
  /** Largest difference of the share of wrong answers between slices of one column, of those with enough labels. */
  readonly sliceGap: number | undefined;
}

const LEAST_LABELLED = 30;

/** A model's windows of one role as equal stretches of time, oldest first; stretches without windows are left out. */
export function history(
  windows: readonly ObservationWindow[],
  { everyMs, pricePerHour }: { readonly everyMs: number; readonly pricePerHour?: number | undefined },
): Moment[] {
  const stretches = new Map<number, ObservationWindow[]>();
  for (const window of windows) {
    const at = Math.floor(window.start / everyMs) * everyMs;
    const of = stretches.get(at) ?? [];
    of.push(window);
    stretches.set(at, of);
  }
  return [...stretches].sort(([a], [b]) => a - b).map(([at, of]) => momentOf(at, of, { everyMs, pricePerHour }));
}

function momentOf(
  at: number,
  windows: readonly ObservationWindow[],
  { everyMs, pricePerHour }: { readonly everyMs: number; readonly pricePerHour: number | undefined },
): Moment {
  const whole = windows.filter(({ slice }) => slice === '');
  const sum = (of: (window: ObservationWindow) => number): number => whole.reduce((total, each) => total + of(each), 0);
  const latency = whole.reduce<LogHistogram>((all, each) => addHistograms(all, each.latency), {});
  const [answers, failed, labelled] = [sum(answersOf), sum((each) => each.failed), sum((each) => each.labelled)];
  const busyMs = histogramSum(latency);
  const ece = calibrationError(sumBins(whole.map((each) => observedWindow(each).bins ?? [])));
  return {
    at,
    requests: sum((each) => each.requests),
    failedShare: answers + failed === 0 ? undefined : failed / (answers + failed),
    wrongShare: labelled === 0 ? undefined : sum((each) => each.wrong) / labelled,
    p99Ms: answers === 0 ? undefined : histogramQuantile(latency, 0.99),
    ece: Number.isNaN(ece) ? undefined : ece,
    costPer1000:
      pricePerHour === undefined || answers === 0 ? undefined : ((busyMs / 3_600_000) * pricePerHour * 1000) / answers,
    utilization: busyMs / everyMs,
    sliceGap: sliceGap(windows),
  };
}

function sliceGap(windows: readonly ObservationWindow[]): number | undefined {
  const slices = new Map<string, { wrong: number; labelled: number }>();
  for (const { slice, wrong, labelled } of windows) {
    if (slice === '') continue;
    const of = slices.get(slice) ?? { wrong: 0, labelled: 0 };
    slices.set(slice, { wrong: of.wrong + wrong, labelled: of.labelled + labelled });
  }
  const columns = new Map<string, number[]>();
  for (const [slice, { wrong, labelled }] of slices) {
    if (labelled < LEAST_LABELLED) continue;
    const column = slice.slice(0, slice.indexOf('='));
    columns.set(column, [...(columns.get(column) ?? []), wrong / labelled]);
  }
  const gaps = [...columns.values()]
    .filter((shares) => shares.length > 1)
    .map((shares) => Math.max(...shares) - Math.min(...shares));
  return gaps.length === 0 ? undefined : Math.max(...gaps);
}
