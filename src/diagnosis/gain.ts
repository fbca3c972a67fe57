import type { Figure } from '../evaluation/figure.js';
import { criticalValue, normalCdf } from '../numeric/index.js';
import type { Evidence, Probe } from './evidence.js';
import type { Finding } from './finding.js';

/** How a difference is to be read: in which direction it is better, and at which level its interval stands. */
export type Reading = Pick<Evidence, 'direction' | 'level' | 'metric'>;

/** The same difference with its sign turned so that above 0 is better. */
export function asGain({ value, interval: [low, high], method }: Figure, direction: Reading['direction']): Figure {
  return direction === 'higher'
    ? { value, interval: [low, high], method }
    : { value: -value, interval: [-high, -low], method };
}

/** Whether the interval of a gain lies above 0. */
export const isClear = (gain: Figure): boolean => gain.interval[0] > 0;

/** Least share of a log loss or an error, and least difference of a share, that is worth a change of the spec. */
const MATERIAL = 0.02;
const MATERIAL_SHARE = 0.005;
/** Least difference of a log loss, in nats. */
const MATERIAL_LOSS = 0.005;

/** Whether a gain is worth acting on, however sure it is: many rows make differences clear that nobody would notice. */
function isMaterial(gain: number, before: number, kind: 'share' | 'error' | 'loss'): boolean {
  return (
    gain >=
    (kind === 'share' ? MATERIAL_SHARE : Math.max(kind === 'loss' ? MATERIAL_LOSS : 0, MATERIAL * Math.abs(before)))
  );
}

/**
 * What a probe gained: in the primary metric where that is clear; else in log loss where that is, and the primary is not
 * clearly worse. Nothing where neither is clear, or where another seed does not say the same.
 */
function gainOf(probe: Probe, reading: Reading): { metric: 'primary' | 'logLoss'; gain: Figure } | undefined {
  if (!isPromising(probe, reading)) return undefined;
  const primary = asGain(probe.change, reading.direction);
  if (isClear(primary))
    return confirmed(probe.again?.change, reading.direction) ? { metric: 'primary', gain: primary } : undefined;
  const logLoss = asGain(probe.logLoss!, 'lower');
  return confirmed(probe.again?.logLoss, 'lower') ? { metric: 'logLoss', gain: logLoss } : undefined;
}

/** Whether a probe gained enough under its first seed that another one is worth asking. */
export function isPromising(
  { change, logLoss, before }: Pick<Probe, 'change' | 'logLoss' | 'before'>,
  { direction, metric }: Pick<Reading, 'direction' | 'metric'>,
): boolean {
  const primary = asGain(change, direction);
  if (isClear(primary))
    return isMaterial(
      primary.value,
      before.primary,
      direction === 'higher' ? 'share' : metric === 'logLoss' ? 'loss' : 'error',
    );
  if (logLoss === undefined || before.logLoss === undefined || primary.interval[1] < 0) return false;
  const gain = asGain(logLoss, 'lower');
  return isClear(gain) && isMaterial(gain.value, before.logLoss, 'loss');
}

function confirmed(again: Figure | undefined, direction: Reading['direction']): boolean {
  return again !== undefined && asGain(again, direction).value > 0;
}

/** The probe of a kind that gained most in the primary metric, among those that gained clearly. */
export function bestProbe(
  evidence: Evidence,
  kinds: readonly Probe['kind'][],
): { probe: Probe; metric: 'primary' | 'logLoss'; gain: Figure } | undefined {
  return evidence.probes
    .filter(({ kind }) => kinds.includes(kind))
    .flatMap((probe) => {
      const gain = gainOf(probe, evidence);
      return gain === undefined ? [] : [{ probe, ...gain }];
    })
    .sort((a, b) => gained(b.probe) - gained(a.probe))[0];

  function gained({ logLoss, change }: Probe): number {
    return logLoss === undefined ? asGain(change, evidence.direction).value : -logLoss.value;
  }
}

/** The probability, under the normal law of the interval, that a gain is truly above a bound. */
export function confidenceThat({ value, interval: [low, high] }: Figure, bound: number, level: number): number {
  const error = (high - low) / 2 / criticalValue(level);
  if (error === 0) return value > bound ? 1 : 0;
  return normalCdf((value - bound) / error);
}

/** What a tried patch is expected to change, in the metric's own direction. */
export function expectedOf(
  evidence: Evidence,
  { probe, metric }: { probe: Probe; metric: 'primary' | 'logLoss' },
): Finding['expected'] {
  const figure = metric === 'primary' || probe.logLoss === undefined ? probe.change : probe.logLoss;
  return {
    metric: metric === 'primary' ? evidence.metric : 'logLoss',
    delta: figure.value,
    interval: figure.interval,
  };
}

/** A figure as a sentence tells it: `0.031 (0.012 to 0.050)`. */
export function told({ value, interval: [low, high] }: Figure): string {
  return `${short(value)} (${short(low)} to ${short(high)})`;
}

export const short = (value: number): string => String(Number(value.toPrecision(3)));
