import { benjaminiHochberg } from '../numeric/index.js';
import {
  addCounts,
  noCounts,
  type ObservationStore,
  type ObservationWindow,
  type StoredObservation,
  type WindowCounts,
} from '../store/index.js';
import { type SpanOfColumns, spansOf } from './drift/columns-of-windows.js';
import { classifierTest, type MultivariateTest } from './drift/multivariate.js';
import { type ProductionDrift, type ProductionDriftOptions, productionDrift } from './drift/production.js';
import { joinRows } from './drift/source-summary.js';
import { tableOfValues } from './drift/table-of-values.js';
import { type CalibrationCheck, checkCalibration } from './performance/calibration.js';
import { type LabelFreePerformance, labelFreePerformance } from './performance/estimate.js';
import { fairnessDrift, type SliceDrift } from './performance/fairness.js';
import type { Reference } from './reference/reference.js';

export interface ProductionOptions extends ProductionDriftOptions {
  readonly model: string;
  readonly version: string;
  /** Length of a window, ms; default a day. */
  readonly windowMs?: number;
  /** Windows looked at; default 30. */
  readonly windows?: number;
  /** Where the last one ends, ms since the epoch; default now, the hour that has begun included. */
  readonly now?: number;
  readonly seed?: number;
}

/** What became of a model's world since it was trained. */
export interface ProductionReport extends ProductionDrift {
  readonly model: string;
  readonly version: string;
  /** All features together, of the last window. */
  readonly multivariate: (MultivariateTest & { readonly drifted: boolean }) | null;
  readonly performance: LabelFreePerformance;
  /** Of the windows whose labels came. */
  readonly calibration: {
    readonly drifted: boolean;
    readonly windows: readonly (CalibrationCheck & { readonly start: number; readonly drifted: boolean })[];
  };
  /** Slices, the newer half of the windows against the older one. */
  readonly fairness: readonly SliceDrift[];
}

/** Under which a run keeps the newest report on its model. */
export const DRIFT_STAGE = 'drift';

const DAY = 24 * 3_600_000;
const HOUR = 3_600_000;
/** Rows of a window that are looked at all together. */
const SAMPLE_ROWS = 2000;
const CALIBRATION_ROWS = 100;
const LEAST_ECE = 0.03;

/** Holds what was observed of a version against its reference: inputs, answers, confidence, labels, slices. */
export async function productionReport(
  store: ObservationStore,
  reference: Reference,
  options: ProductionOptions,
): Promise<ProductionReport> {
  const { model, version, windowMs = DAY, windows = 30, now = Date.now(), fdr = 0.05, seed = 1 } = options;
  const to = Math.ceil(now / HOUR) * HOUR;
  const query = { from: to - windows * windowMs, to, version };
  const spans = spansOf(
    (await store.sketchesOf(model, query)).filter(({ role }) => role !== 'shadow'),
    windowMs,
    to,
  );
  const counted = (await store.windowsOf(model, query)).filter(({ role }) => role !== 'shadow');
  const counts = countsBySpan(
    counted.filter(({ slice }) => slice === ''),
    windowMs,
    to,
  );
  const drift = productionDrift(reference, spans, options);
  const multivariate = await allTogether(store, reference, options, { spans, fdr, seed });
  const calibration = calibrationDrift(counts, fdr);
  const fairness = fairnessDrift(...halves(counted, query.from, to), { fdr });
  return {
    ...drift,
    ...{ model, version, multivariate, calibration, fairness },
    performance: labelFreePerformance(reference, counts),
    drifted:
      drift.drifted || multivariate?.drifted === true || calibration.drifted || fairness.some(({ drifted }) => drifted),
  };
}

function countsBySpan(
  windows: readonly ObservationWindow[],
  ms: number,
  to: number,
): (WindowCounts & { readonly start: number })[] {
  const spans = new Map<number, WindowCounts>();
  for (const window of windows) {
    const start = to - ms * Math.ceil((to - window.start) / ms);
    spans.set(start, addCounts(spans.get(start) ?? noCounts(), window));
  }
  return [...spans].sort(([a], [b]) => a - b).map(([start, counts]) => ({ start, ...counts }));
}

/** The test of all features together, on rows of the last two windows: drift is what shows in both. */
async function allTogether(
  store: ObservationStore,
  reference: Reference,
  { model, version, leastEffect = 0.05 }: ProductionOptions,
  { spans, fdr, seed }: { readonly spans: readonly SpanOfColumns[]; readonly fdr: number; readonly seed: number },
): Promise<ProductionReport['multivariate']> {
  const features = [...reference.columns]
    .filter(([name]) => name.startsWith('feature/'))
    .map(([name, { kind }]) => ({ name: name.slice('feature/'.length), kind }));
  if (features.length < 2 || reference.sample.loss.length === 0) return null;
  const tests: MultivariateTest[] = [];
  const sample = tableOfValues(
    features,
    reference.sample.loss.length,
    (name, row) => reference.sample.columns[name][row],
  );
  for (const { start, ms } of spans.slice(-2)) {
    const rows = await store.observationsBetween(model, { from: start, to: start + ms, version, limit: SAMPLE_ROWS });
    const own = rows.filter(({ role }: StoredObservation) => role !== 'shadow');
    if (own.length < 50) continue;
    const current = tableOfValues(features, own.length, (name, row) => own[row].features[name] ?? null);
    tests.push(classifierTest(joinRows([sample, current], features, SAMPLE_ROWS), seed));
  }
  const last = tests.at(-1);
  if (last === undefined) return null;
  // 2 AUC - 1 of two distributions that are apart by a share s in total variation is 2 s - s^2 at most.
  const known = 2 * reference.unknown - reference.unknown ** 2;
  const drifted = tests.every(({ pValue, effect }) => pValue <= fdr / 5 && effect - known >= 2 * leastEffect);
  return { ...last, drifted };
}

function calibrationDrift(
  counts: readonly (WindowCounts & { readonly start: number })[],
  fdr: number,
): ProductionReport['calibration'] {
  const checks = counts.flatMap(({ start, confidence }) => {
    const check = checkCalibration(confidence);
    return check === undefined || check.rows < CALIBRATION_ROWS ? [] : [{ ...check, start }];
  });
  const adjusted = benjaminiHochberg(checks.map(({ pValue }) => pValue));
  const windows = checks.map((check, i) => ({ ...check, drifted: adjusted[i] <= fdr && check.ece >= LEAST_ECE }));
  const last = windows.slice(-3);
  return { windows, drifted: last.filter(({ drifted }) => drifted).length >= Math.min(2, Math.max(1, windows.length)) };
}

/** Labelled answers and errors of each slice, in the older and the newer half of the time that has any. */
function halves(
  windows: readonly ObservationWindow[],
  from: number,
  to: number,
): Parameters<typeof fairnessDrift> extends [infer Slices, infer All, unknown] ? [Slices, All] : never {
  const first = Math.max(from, Math.min(to, ...windows.map(({ start }) => start)));
  const middle = (first + to) / 2;
  const none = () => ({ before: { labelled: 0, wrong: 0 }, now: { labelled: 0, wrong: 0 } });
  const slices = new Map<string, ReturnType<typeof none>>([['', none()]]);
  for (const { slice, start, labelled, wrong } of windows) {
    const of = slices.get(slice) ?? none();
    slices.set(slice, of);
    const half = of[start < middle ? 'before' : 'now'];
    half.labelled += labelled;
    half.wrong += wrong;
  }
  const all = slices.get('') ?? none();
  slices.delete('');
  return [[...slices].map(([slice, counts]) => ({ slice, ...counts })), all];
}
