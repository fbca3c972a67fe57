import { normalCdf } from '../../numeric/index.js';
import type { Finding } from '../finding.js';
import { type Pair, pairSeries, type Series } from './pairs.js';
import { type LoggedRegularizer, regularizersIn } from './regularizers.js';

/** What a client logged of a run: no rows, no model that could be asked, only curves and parameters. */
export interface LoggedRun {
  readonly series: readonly Series[];
  readonly parameters: Readonly<Record<string, string>>;
  /** Whether a manifest of Ballast's stands with the run. */
  readonly manifest: boolean;
  /** The largest gap of a score. */
  readonly limit: number;
}

export interface LoggedDiagnosis {
  readonly findings: readonly Finding[];
  readonly pairs: readonly Pair[];
  readonly regularizers: readonly LoggedRegularizer[];
}

/** A curve of fewer points tells no rise from noise. */
const LEAST_POINTS = 5;
/** How sure a rise has to be. */
const LEVEL = 0.99;
/** Share of a curve's whole fall that its last tenth may still make up. */
const STILL_FALLING = 0.05;

/**
 * Diagnoses a run from its curves and parameters alone. Every finding says what it was read from; none has a patch, as
 * there is no spec to change, and the remedies name the client's own parameters.
 */
export function diagnoseLogged({ series, parameters, manifest, limit }: LoggedRun): LoggedDiagnosis {
  const pairs = pairSeries(series);
  const regularizers = regularizersIn(parameters);
  const found = [
    diverged(series),
    overfitted(pairs, regularizers, limit),
    tooShort(pairs),
    unpaired(series, pairs),
    unrecorded(manifest, regularizers),
  ];
  return { findings: found.filter((finding) => finding !== undefined), pairs, regularizers };
}

type Told = Omit<Finding, 'patch' | 'expected'>;
const finding = (told: Told): Finding => ({ ...told, patch: null, expected: null });

function diverged(series: readonly Series[]): Finding | undefined {
  const broken = series.filter(({ name, points }) => {
    const last = points.at(-1)?.value;
    return /loss/i.test(name) && last !== undefined && !Number.isFinite(last);
  });
  if (broken.length === 0) return undefined;
  return finding({
    id: 'diverged',
    name: 'training diverged',
    severity: 'problem',
    confidence: 1,
    evidence: broken.map(({ name, points }) => `${name} ends at ${points.at(-1)?.value} (step ${points.at(-1)?.step})`),
    explanation: 'The loss left the finite numbers: steps too long, or a penalty too steep for them',
    remedy: 'Lower the learning rate, clip gradients, and look at the data for extreme values',
    refutedBy: 'A tenth of the learning rate that diverges as well',
  });
}

/** F2: held-back rows fall behind the training rows, at the end or more and more. */
function overfitted(
  pairs: readonly Pair[],
  regularizers: readonly LoggedRegularizer[],
  limit: number,
): Finding | undefined {
  const evidence: string[] = [];
  let confidence = 0;
  for (const pair of pairs) {
    const gap = gapOf(pair);
    if (pair.isShare && gap !== undefined && gap > limit) {
      evidence.push(
        `${pair.train.name} ${short(last(pair.train))} against ${pair.validation.name} ${short(last(pair.validation))}: a gap of ${short(gap)}, more than ${limit}`,
      );
      confidence = Math.max(confidence, Math.min(LEVEL, 0.5 + gap));
    }
    const rise = riseAfterBest(pair);
    if (rise !== undefined && rise.confidence > LEVEL) {
      evidence.push(
        `${pair.validation.name} was best at step ${rise.step} (${short(rise.best)}) and ends at ${short(rise.end)}, while ${pair.train.name} went on getting better`,
      );
      confidence = Math.max(confidence, rise.confidence);
    }
  }
  if (evidence.length === 0) return undefined;
  const acting = regularizers.filter(({ acts, stronger }) => acts || stronger !== 'set');
  const change = acting.map(({ parameter, value, stronger }) => `${stronger} ${parameter} (${value})`).slice(0, 4);
  return finding({
    id: 'F2',
    name: 'under-regularization',
    severity: 'problem',
    confidence,
    evidence,
    explanation: 'The model learns its training rows by heart: what it gains there does not carry over to new rows',
    remedy:
      change.length > 0
        ? `Regularize more: ${change.join(', ')}; or stop earlier, or train on more rows`
        : 'Add a regularizer (weight decay and early stopping first), or train on more rows',
    refutedBy: 'A stronger penalty that narrows the gap without making new rows better',
  });
}

/** Not a regularization problem: the held-back loss was still falling when training ended. */
function tooShort(pairs: readonly Pair[]): Finding | undefined {
  for (const pair of pairs) {
    const { points } = pair.validation;
    if (points.length < 2 * LEAST_POINTS) continue;
    const values = points.map(({ value }) => lost(pair, value));
    const tail = Math.max(2, Math.round(values.length / 10));
    const before = mean(values.slice(-2 * tail, -tail));
    const after = mean(values.slice(-tail));
    const whole = values[0] - Math.min(...values);
    if (whole <= 0 || before - after <= STILL_FALLING * whole || before - after <= noiseOf(values)) continue;
    return finding({
      id: 'not-converged',
      name: 'training ended too early',
      severity: 'problem',
      confidence: 0.9,
      evidence: [
        `${pair.validation.name} still got better by ${short(Math.abs(before - after))} in the last ${tail} steps, ${Math.round((100 * (before - after)) / whole)} % of all it gained`,
      ],
      explanation: 'The model was still getting better when training ended: no strength makes up for that',
      remedy: 'Train for longer, with early stopping to end it',
      refutedBy: 'Twice the epochs without a gain on held-back rows',
    });
  }
  return undefined;
}

/** F7: nothing tells how new rows do. */
function unpaired(series: readonly Series[], pairs: readonly Pair[]): Finding | undefined {
  if (pairs.length > 0 || series.length === 0) return undefined;
  return finding({
    id: 'F7',
    name: 'observability blind spot',
    severity: 'note',
    confidence: 1,
    evidence: ['no metric was logged on training rows and on held-back rows as well'],
    explanation: 'Whether it overfits cannot be seen: one side of the gap is not on record',
    remedy: 'Log the same metric on both sides: val_loss beside loss, or score held-back rows after the fit',
    refutedBy: 'Metrics on both sides under names that were not understood',
  });
}

/** X10: nobody can say what the run was regularized with. */
function unrecorded(manifest: boolean, regularizers: readonly LoggedRegularizer[]): Finding | undefined {
  if (manifest || regularizers.length > 0) return undefined;
  return finding({
    id: 'X10',
    name: 'no record of regularizers',
    severity: 'problem',
    confidence: 1,
    evidence: ['none of its parameters tells of a regularizer, not even of one that is off'],
    explanation: 'What it was trained with cannot be turned up or down, compared, or blamed',
    remedy: 'Log the strengths as parameters (weight_decay, dropout, reg_lambda, ...), zeros too; autologging does',
    refutedBy: 'Parameters that tell it under names that were not understood',
  });
}

/** Quality lost from training rows to held-back rows, at the end. */
export function gapOf(pair: Pair): number | undefined {
  const [train, validation] = [last(pair.train), last(pair.validation)];
  if (!Number.isFinite(train) || !Number.isFinite(validation)) return undefined;
  return pair.direction === 'higher' ? train - validation : validation - train;
}

/** How far the held-back curve went up again after its best point, against its own noise. */
function riseAfterBest(pair: Pair): { step: number; best: number; end: number; confidence: number } | undefined {
  const { points } = pair.validation;
  if (points.length < 2 * LEAST_POINTS) return undefined;
  const values = points.map(({ value }) => lost(pair, value));
  if (!values.every(Number.isFinite)) return undefined;
  const at = values.indexOf(Math.min(...values));
  if (values.length - at <= LEAST_POINTS) return undefined;
  const train = pair.train.points.map(({ value }) => lost(pair, value));
  const half = train.slice(Math.floor(train.length / 2));
  if ((half.at(-1) ?? 0) > (half[0] ?? 0)) return undefined;
  const end = mean(values.slice(-LEAST_POINTS));
  const around = mean(values.slice(Math.max(0, at - 2), at + 3));
  const noise = noiseOf(values) * Math.sqrt(2 / LEAST_POINTS);
  const rise = end - around;
  const confidence = noise === 0 ? Number(rise > 0) : normalCdf(rise / noise);
  return { step: points[at].step, best: points[at].value, end: points.at(-1)?.value ?? Number.NaN, confidence };
}

/** The curve's noise: the standard deviation of its second differences, scaled to that of single points. */
function noiseOf(values: readonly number[]): number {
  const second = values.slice(2).map((value, i) => value - 2 * values[i + 1] + values[i]);
  return Math.sqrt(mean(second.map((value) => value * value)) / 6);
}

const lost = ({ direction }: Pair, value: number): number => (direction === 'higher' ? -value : value);
const last = ({ points }: Series): number => points.at(-1)?.value ?? Number.NaN;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const short = (value: number): string => String(Number(value.toPrecision(3)));
