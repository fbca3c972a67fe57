import { addHistogramTo, type LogHistogram, logBucket } from '../../numeric/log-histogram.js';
import { CONFIDENCE_BINS, type Observation, type ObservationWindow, type WindowCounts } from './types.js';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

const zeros = (): number[] => new Array<number>(CONFIDENCE_BINS).fill(0);
/** Shared by all counts that have none: told by its identity. */
const ZEROS: readonly number[] = Object.freeze(zeros());
const NO_ERRORS = { signed: 0, absolute: 0, squared: 0 } as const;
const NO_CONFIDENCE = { answers: ZEROS, sum: ZEROS, labelled: ZEROS, labelledSum: ZEROS, right: ZEROS } as const;

/** Nothing counted yet. */
export function noCounts(): WindowCounts {
  return {
    ...{ requests: 0, rejected: 0, failed: 0, flagged: 0, labelled: 0, wrong: 0 },
    latency: {},
    errors: NO_ERRORS,
    confidence: NO_CONFIDENCE,
  };
}

/** What one observation adds, its label aside. */
export function countsOf({ status, flags, latencyMs, scores }: Observation): WindowCounts {
  const ok = status === 'ok';
  const confidence = ok ? confidenceOf(scores) : undefined;
  const none = noCounts();
  return {
    ...none,
    requests: 1,
    rejected: status === 'rejected' ? 1 : 0,
    failed: status === 'failed' ? 1 : 0,
    flagged: flags.length > 0 ? 1 : 0,
    latency: ok ? { [logBucket(latencyMs)]: 1 } : ({} as LogHistogram),
    confidence: { ...none.confidence, answers: inBin(confidence, 1), sum: inBin(confidence, confidence ?? 0) },
  };
}

/** What a label of an observation adds; `sign` -1 takes it back. */
export function countsOfLabel(
  { status, prediction, scores }: Observation,
  label: string | number,
  sign: 1 | -1,
): WindowCounts {
  const none = noCounts();
  if (status !== 'ok' || prediction === undefined) return none;
  if (typeof prediction === 'number' && typeof label === 'number' && scores === undefined) {
    const error = prediction - label;
    const errors = { signed: sign * error, absolute: sign * Math.abs(error), squared: sign * error * error };
    return { ...none, labelled: sign, errors };
  }
  const right = isRight(prediction, label);
  const confidence = confidenceOf(scores);
  return {
    ...none,
    labelled: sign,
    wrong: right ? 0 : sign,
    confidence: {
      ...none.confidence,
      labelled: inBin(confidence, sign),
      labelledSum: inBin(confidence, sign * (confidence ?? 0)),
      right: inBin(confidence, right ? sign : 0),
    },
  };
}

/** Whether a class is the label's: 1 and "1" are the same class. */
export function isRight(prediction: string | number, label: string | number): boolean {
  return String(prediction) === String(label);
}

/** The largest probability; of a single score p of a class against its absence the larger of p and 1 - p. */
export function confidenceOf(scores: readonly number[] | undefined): number | undefined {
  if (scores === undefined || scores.length === 0) return undefined;
  const most = scores.length === 1 ? Math.max(scores[0], 1 - scores[0]) : Math.max(...scores);
  return most >= 0 && most <= 1 + 1e-6 ? Math.min(1, most) : undefined;
}

function inBin(confidence: number | undefined, value: number): readonly number[] {
  if (confidence === undefined) return ZEROS;
  const bins = zeros();
  bins[Math.max(0, Math.ceil(confidence * CONFIDENCE_BINS) - 1)] = value;
  return bins;
}

/** Both together. */
export function addCounts(a: WindowCounts, b: WindowCounts): WindowCounts {
  const sum = ownCounts(a);
  addTo(sum, b);
  return sum;
}

type Writable<Part> = Part extends number ? number : { -readonly [Key in keyof Part]: Writable<Part[Key]> };
type OwnCounts = Writable<WindowCounts>;

const COUNTED = ['requests', 'rejected', 'failed', 'flagged', 'labelled', 'wrong'] as const;
const ERRORS = ['signed', 'absolute', 'squared'] as const;
const BINS = ['answers', 'sum', 'labelled', 'labelledSum', 'right'] as const;

/** A copy that may be added to. */
function ownCounts(counts: WindowCounts): OwnCounts {
  const { answers, sum, labelled, labelledSum, right } = counts.confidence;
  return {
    ...counts,
    latency: { ...counts.latency },
    errors: { ...counts.errors },
    confidence: {
      ...{ answers: [...answers], sum: [...sum], labelled: [...labelled] },
      ...{ labelledSum: [...labelledSum], right: [...right] },
    },
  };
}

/** Adds in place: a server does so for every row that it answers. */
function addTo(sum: OwnCounts, { latency, errors, confidence, ...counts }: WindowCounts): void {
  for (const name of COUNTED) sum[name] += counts[name];
  addHistogramTo(sum.latency, latency);
  if (errors !== NO_ERRORS) for (const name of ERRORS) sum.errors[name] += errors[name];
  for (const name of BINS) {
    const bins = confidence[name];
    if (bins === ZEROS) continue;
    for (let i = 0; i < CONFIDENCE_BINS; i++) sum.confidence[name][i] += bins[i];
  }
}

/** Windows added up where model, version, role, slice, start and length are the same. */
export class WindowSums {
  readonly #windows = new Map<string, Omit<ObservationWindow, keyof WindowCounts> & OwnCounts>();

  add(window: ObservationWindow): void {
    const key = keyOf(window);
    const present = this.#windows.get(key);
    if (present === undefined) this.#windows.set(key, { ...window, ...ownCounts(window) });
    else addTo(present, window);
  }

  /** Whether anything was counted in this window. */
  has(window: ObservationWindow): boolean {
    return this.#windows.has(keyOf(window));
  }

  /** Counts of an observation, in the window of its minute and in that of each of its slices. */
  count(observation: Observation & { readonly slices: readonly string[] }, counts: WindowCounts): void {
    const { model, version, regularizerId, role, at, slices } = observation;
    const start = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    for (const slice of ['', ...slices]) {
      const place = { model, version, regularizerId, role, slice, start, ms: MINUTE_MS };
      const present = this.#windows.get(keyOf(place));
      if (present === undefined) this.add({ ...place, ...counts });
      else addTo(present, counts);
    }
  }

  get size(): number {
    return this.#windows.size;
  }

  values(): ObservationWindow[] {
    return [...this.#windows.values()];
  }
}

const keyOf = ({ model, version, role, slice, start, ms }: Omit<ObservationWindow, keyof WindowCounts>): string =>
  JSON.stringify([model, version, role, slice, start, ms]);
