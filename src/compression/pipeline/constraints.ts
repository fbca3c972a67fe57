import { BallastError } from '../../errors.js';
import { isHigherBetter } from '../../evaluation/direction.js';
import type { Figures } from './figures.js';
import type { Subject } from './subject.js';

/** What a compressed model must keep to, such as `ece<=0.05`. */
export interface Constraint {
  readonly text: string;
  readonly name: string;
  readonly least: boolean;
  readonly limit: number;
}

type Measure = (figures: Figures, baseline: Figures, higherIsBetter: boolean) => number | null;

const lost = (now: number, before: number, higherIsBetter: boolean): number =>
  higherIsBetter ? before - now : now - before;

/** What can be constrained; a loss is quality lost against the original, in the metric's own unit. */
const MEASURES: Readonly<Record<string, Measure>> = {
  quality: ({ quality }) => quality.value,
  qualityLoss: ({ quality }, baseline, higher) => lost(quality.value, baseline.quality.value, higher),
  ece: ({ ece }) => ece?.value ?? null,
  eceRise: ({ ece }, baseline) => (ece === null || baseline.ece === null ? null : ece.value - baseline.ece.value),
  worstClass: ({ worstClass }) => worstClass?.value ?? null,
  worstClassLoss: ({ worstClass }, baseline) =>
    worstClass === null || baseline.worstClass === null ? null : baseline.worstClass.value - worstClass.value,
  p50Ms: ({ p50Ms }) => p50Ms,
  p99Ms: ({ p99Ms }) => p99Ms,
  timeRatio: ({ timeRatio }) => timeRatio.value,
  coldStartMs: ({ coldStartMs }) => coldStartMs,
  peakMemoryBytes: ({ peakMemoryBytes }) => peakMemoryBytes,
  bytes: ({ bytes }) => bytes,
  sizeRatio: ({ bytes }, baseline) => bytes / baseline.bytes,
};

/** Names that mean another: with a unit they say all that the long ones do. */
const SHORT: Readonly<Record<string, string>> = { p50: 'p50Ms', p99: 'p99Ms', coldStart: 'coldStartMs' };

/** What holds where nothing is said: a point of quality, and of classification two points of the worst class. */
export function defaultConstraints(task: Subject['examples']['task']): readonly string[] {
  return task === 'classification' ? ['qualityLoss<=0.01', 'worstClassLoss<=0.02'] : ['qualityLoss<=0.01'];
}

const UNITS: Readonly<Record<string, number>> = { '': 1, '%': 0.01, kB: 1e3, MB: 1e6, GB: 1e9, ms: 1 };

/** Units that a measure bears; a share of those that are not here is a number, or has %. */
const UNITS_OF: Readonly<Record<string, readonly string[]>> = {
  ...{ p50Ms: ['ms'], p99Ms: ['ms'], coldStartMs: ['ms'] },
  ...{ peakMemoryBytes: ['kB', 'MB', 'GB'], bytes: ['kB', 'MB', 'GB'] },
};

/** What only answers with classes have. */
const OF_CLASSES: ReadonlySet<string> = new Set(['ece', 'eceRise', 'worstClass', 'worstClassLoss']);

/** What is lost at most as a share; a limit of 1, perhaps meant as a point, would be none. */
const LOST_SHARES: ReadonlySet<string> = new Set(['ece', 'eceRise', 'worstClassLoss']);

/**
 * Reads a constraint: NAME<=VALUE or NAME>=VALUE, where a value may bear a unit (%, kB, MB, GB, ms) and the primary metric's
 * own name means quality (`accuracy>=0.9`, `accuracyLoss<=1%`).
 *
 * @param place where it stands
 * @throws BallastError CONSTRAINT
 */
export function parseConstraint(
  text: string,
  primary: string,
  place = '--constraint',
  task: Subject['examples']['task'] = 'classification',
): Constraint {
  const [, name, operator, number, unit] =
    /^\s*([A-Za-z0-9]+)\s*(<=|>=)\s*(-?[\d.]+(?:e[+-]?\d+)?)\s*(%|kB|MB|GB|ms)?\s*$/.exec(text) ?? [];
  const known =
    new Map([...Object.entries(SHORT), [primary, 'quality'], [`${primary}Loss`, 'qualityLoss']]).get(name ?? '') ??
    name;
  const limit = Number(number) * (UNITS[unit ?? ''] ?? 1);
  if (known === undefined || !Object.hasOwn(MEASURES, known) || !Number.isFinite(limit)) {
    throw new BallastError(`"${text}" is no constraint`, {
      code: 'CONSTRAINT',
      place,
      remedy: `Write NAME<=VALUE or NAME>=VALUE; names are ${Object.keys(MEASURES).join(', ')}, ${primary} and ${primary}Loss`,
    });
  }
  const units = UNITS_OF[known] ?? ['%'];
  if (unit !== undefined && !units.includes(unit)) {
    throw new BallastError(`"${text}": ${name} is not told in ${unit}`, {
      code: 'CONSTRAINT',
      place,
      remedy: `Write a number alone, or with ${units.join(', ')}`,
    });
  }
  if (OF_CLASSES.has(known) && task !== 'classification') {
    throw new BallastError(`"${text}": ${task} has no ${name}`, {
      code: 'CONSTRAINT',
      place,
      remedy: `Limit ${primary} or ${primary}Loss`,
    });
  }
  const isShare = LOST_SHARES.has(known) || (known === 'qualityLoss' && (primary === 'accuracy' || primary === 'mAP'));
  if (operator === '<=' && isShare && unit === undefined && limit >= 1) {
    throw new BallastError(`"${text}" allows everything: ${name} is a share, and 1 is all of it`, {
      code: 'CONSTRAINT',
      place,
      remedy: `For ${number} points write ${name}<=${number}%`,
    });
  }
  return { text: text.trim(), name: known, least: operator === '>=', limit };
}

/** By how much a constraint is missed, as a share of its limit; 0 where it is met. */
export function missOf(constraint: Constraint, figures: Figures, baseline: Figures, primary: string): number {
  const higher = isHigherBetter(primary);
  const value = MEASURES[constraint.name](figures, baseline, higher);
  if (value === null) return Number.POSITIVE_INFINITY;
  const over = constraint.least ? constraint.limit - value : value - constraint.limit;
  return Math.max(0, over) / Math.max(Math.abs(constraint.limit), 1e-3);
}
