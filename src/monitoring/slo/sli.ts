import { milliseconds } from '../../spec/duration-text.js';
import type { Sli, Slo } from '../../spec/slo-options.js';
import { calibrationError, calibrationNoise, sumBins } from './calibration-error.js';
import { answersOf, type Counts, type SliWindow } from './window.js';

/** An SLI over windows. */
export interface Measured extends Counts {
  /** Events whose outcome is not known yet: answers without a label. */
  readonly pending: number;
}

/** Whether an SLI waits for ground truth. */
export const needsLabels = ({ type }: Sli): boolean => type === 'correctness' || type === 'calibration';

/** The stage of the gap ledger that an objective is about. */
export const ledgerStageOf = ({ sli, stage }: Slo): Slo['stage'] | 'train' =>
  sli.type === 'training' ? 'train' : stage;

/** Whether what breaks the objective hurts users now. */
export const hurtsUsers = ({ sli, stage }: Slo): boolean =>
  stage === 'production' && (sli.type === 'availability' || sli.type === 'correctness');

/** Whether an objective is about what is asked and answered. */
export const isOfAnswers = ({ sli, stage }: Slo): boolean =>
  sli.type !== 'custom' && sli.type !== 'training' && stage !== 'holdout';

/** How long an SLI's windows must be at least, in ms; 0 for those that count events. */
export const sliceOf = (sli: Sli): number => ('every' in sli ? milliseconds(sli.every) : 0);

/** Good and all events of an SLI in windows that do not overlap. */
export function measureSli(sli: Sli, windows: readonly SliWindow[]): Measured {
  switch (sli.type) {
    case 'availability':
      return sum(windows, (each) => ({ good: answersOf(each), total: each.requests - each.rejected }));
    case 'latency':
      return sum(windows, (each) => ({ good: each.within(sli.withinMs), total: answersOf(each) }));
    case 'correctness':
      return sum(windows, (each) => ({
        good: each.labelled - each.wrong,
        total: each.labelled,
        pending: Math.max(0, answersOf(each) - each.labelled),
      }));
    case 'training': {
      const { experiment } = sli;
      return sum(windows, ({ trainings }) => (experiment && trainings?.[experiment]) || { good: 0, total: 0 });
    }
    case 'custom':
      return sum(windows, ({ custom }) => custom?.[sli.name] ?? { good: 0, total: 0 });
    case 'calibration':
      return sumSlices(windows, sliceOf(sli), (slice) => {
        const bins = sumBins(slice.map((each) => each.bins ?? []));
        const error = calibrationError(bins);
        // With few labels the error of a calibrated model is not 0 either.
        return Number.isNaN(error) ? undefined : error - calibrationNoise(bins) <= sli.ece;
      });
    case 'drift':
      return sumSlices(windows, sliceOf(sli), (slice) => {
        const tested = slice.filter(({ drifted }) => drifted !== undefined);
        return tested.length === 0 ? undefined : tested.every(({ drifted }) => drifted === false);
      });
    default:
      return sli satisfies never;
  }
}

function sum(
  windows: readonly SliWindow[],
  counts: (window: SliWindow) => Counts & { readonly pending?: number },
): Measured {
  let [good, total, pending] = [0, 0, 0];
  for (const window of windows) {
    const of = counts(window);
    good += of.good;
    total += of.total;
    pending += of.pending ?? 0;
  }
  return { good, total, pending };
}

/** Slices of time of one length, aligned to 1970; one in which there were answers, and nothing is known, is pending. */
function sumSlices(
  windows: readonly SliWindow[],
  lengthMs: number,
  isGood: (slice: SliWindow[]) => boolean | undefined,
): Measured {
  const slices = new Map<number, SliWindow[]>();
  for (const window of windows) {
    const at = Math.floor(window.from / lengthMs);
    slices.set(at, [...(slices.get(at) ?? []), window]);
  }
  let [good, total, pending] = [0, 0, 0];
  for (const slice of slices.values()) {
    const outcome = isGood(slice);
    if (outcome !== undefined) {
      total += 1;
      good += outcome ? 1 : 0;
    } else if (slice.some((each) => answersOf(each) > 0)) pending += 1;
  }
  return { good, total, pending };
}
