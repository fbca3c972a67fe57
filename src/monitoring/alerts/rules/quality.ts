import { calibrationError, calibrationNoise, sumBins } from '../../slo/calibration-error.js';
import { type Condition, criticalDelta, type ModelEvidence, percent } from '../condition.js';

const DAY = 24 * 3_600_000;
/** Answers with labels from which a calibration error is told. */
const LEAST_LABELLED = 200;
const DEFAULT_ECE = 0.05;
/** So many times the bound is severe. */
const SEVERE = 2;

/** Calibration that left its bound: in a model that safety hangs on, twice the bound pages. */
export function calibrationRule({ model, statuses, windows }: ModelEvidence): Condition[] {
  const labelled = windows.filter(
    ({ role, slice, labelled: rows }) => role === 'live' && slice === undefined && rows > 0,
  );
  const last = Math.max(...labelled.map(({ to }) => to));
  const recent = labelled.filter(({ from }) => from >= last - DAY);
  const bins = sumBins(recent.map((each) => each.bins ?? []));
  const rows = bins.reduce((sum, { count }) => sum + count, 0);
  if (rows < LEAST_LABELLED) return [];
  const error = calibrationError(bins) - calibrationNoise(bins);
  const asked = statuses.map(({ slo }) => slo.sli).find((sli) => sli.type === 'calibration');
  const bound = asked?.ece ?? DEFAULT_ECE;
  if (error <= bound) return [];
  const severe = error > SEVERE * bound;
  return [
    {
      rule: 'calibration-drift',
      severity: severe && model.registered?.criticality === 'safety' ? 'page' : 'ticket',
      version: recent.at(-1)?.version ?? '',
      stage: 'production',
      subject: {},
      summary: `probabilities cannot be taken at their word: calibration error ${percent(error)} over the last labelled day, ${percent(bound)} allowed (${rows} labels)`,
      remedy: 'Recalibrate on recent labels: ballast calibrate',
    },
  ];
}

/** Columns that drifted and stayed so: one ticket for all of them, as one cause mostly moves several. */
export function driftRule({ drift = [], windows }: ModelEvidence): Condition[] {
  if (drift.length === 0) return [];
  const shown = drift.slice(0, 5).map(({ column, effect }) => `${column} (${percent(effect)})`);
  return [
    {
      rule: 'drift',
      severity: 'ticket',
      version: windows.findLast(({ role }) => role === 'live')?.version ?? '',
      stage: 'production',
      subject: {},
      summary: `${drift.length === 1 ? '1 column' : `${drift.length} columns`} drifted: ${shown.join(', ')}${drift.length > 5 ? ', ...' : ''}`,
      remedy: 'Look at their source first; then retrain on recent rows',
    },
  ];
}

/** Quality that compression cost, seen for certain. */
export function compressionRule({ model, compression }: ModelEvidence): Condition[] {
  if (compression === undefined || compression.interval[0] <= 0) return [];
  const critical = compression.value >= criticalDelta(model);
  return [
    {
      rule: 'compression-loss',
      severity: 'ticket',
      version: String(model.version?.version ?? ''),
      stage: 'compressed',
      subject: {},
      summary: `compression lost ${percent(compression.value)} of ${compression.metric}${critical ? ', which is critical' : ''}`,
      remedy: 'Compress less, prune gradually and fine-tune: ballast compress',
    },
  ];
}
