import { quantile } from '../../numeric/index.js';
import type { LabelWorkStore } from '../../store/index.js';
import {
  addCounts,
  noCounts,
  type ObservationStore,
  type ObservationWindow,
  type WindowCounts,
} from '../../store/index.js';
import { estimateOfSample, type SampleEstimate } from './sample-estimate.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Ages of predictions, from the youngest. */
const AGES = [
  { age: 'under an hour', until: HOUR },
  { age: 'an hour to a day', until: DAY },
  { age: 'a day to a week', until: 7 * DAY },
  { age: 'a week to 30 days', until: 30 * DAY },
  { age: 'older', until: Number.POSITIVE_INFINITY },
] as const;

/** How much of what was answered has its label. */
export interface LabelCoverage {
  /** Answers that users saw, those rejected and failed aside. */
  readonly answered: number;
  readonly labelled: number;
  /** Labelled of answered; null of none. */
  readonly share: number | null;
}

export interface MissingLabels extends LabelCoverage {
  readonly model: string;
  readonly ages: readonly (LabelCoverage & { readonly age: string })[];
  /** The slices whose labels are rarest come first. */
  readonly slices: readonly (LabelCoverage & { readonly slice: string })[];
  /** How long after its prediction a label is known, of the newest labels: the median and the 9th decile, ms; null where there is none. */
  readonly delayMs: { readonly median: number; readonly p90: number } | null;
  /** What users reported as wrong: how often, and how many of them a label says the same of, or the opposite. */
  readonly reports: { readonly count: number; readonly confirmed: number; readonly refuted: number };
  /** Samples that were drawn to be labelled, the newest first. */
  readonly samples: readonly SampleEstimate[];
}

/** Labels that the delay is taken from. */
const DELAYS = 2000;

/** How much of the truth about a model's answers is missing: by age, by slice, beside what users report. */
export async function missingLabels(
  store: ObservationStore & LabelWorkStore,
  model: string,
  { from = 0, now = Date.now() }: { readonly from?: number; readonly now?: number } = {},
): Promise<MissingLabels> {
  const windows = (await store.windowsOf(model, { from })).filter(({ role }) => role !== 'shadow');
  const whole = windows.filter(({ slice }) => slice === '');
  const slices = new Map<string, WindowCounts>();
  for (const { slice, ...counts } of windows) {
    if (slice !== '') slices.set(slice, addCounts(slices.get(slice) ?? noCounts(), counts));
  }
  const labelled = await store.observationsBetween(model, { from, labelled: true, limit: DELAYS });
  const delays = labelled.flatMap(({ at, label }) => (label === undefined ? [] : [Math.max(0, label.knownAt - at)]));
  const reports = await store.errorReports(model, { from });
  const judged = reports.flatMap(({ observation: { prediction, label } }) =>
    label === undefined ? [] : [String(prediction) === String(label.value)],
  );
  const ages = AGES.map(({ age, until }, i) => {
    const since = i === 0 ? 0 : AGES[i - 1].until;
    const own = whole.filter(({ start }) => now - start >= since && now - start < until);
    return { age, ...coverage(total(own)) };
  });
  return {
    model,
    ...coverage(total(whole)),
    ages: ages.filter(({ answered }) => answered > 0),
    slices: [...slices]
      .map(([slice, counts]) => ({ slice, ...coverage(counts) }))
      .sort((a, b) => (a.share ?? 1) - (b.share ?? 1) || b.answered - a.answered),
    delayMs: delays.length === 0 ? null : { median: quantile(delays, 0.5), p90: quantile(delays, 0.9) },
    reports: {
      count: reports.length,
      confirmed: judged.filter((right) => !right).length,
      refuted: judged.filter((right) => right).length,
    },
    samples: (await store.labelSamples(model)).map(estimateOfSample),
  };
}

const total = (windows: readonly ObservationWindow[]): WindowCounts =>
  windows.reduce<WindowCounts>((sum, window) => addCounts(sum, window), noCounts());

function coverage({ requests, rejected, failed, labelled }: WindowCounts): LabelCoverage {
  const answered = requests - rejected - failed;
  return { answered, labelled, share: answered === 0 ? null : labelled / answered };
}
