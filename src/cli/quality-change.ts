import type { Figures } from '../compression/pipeline/figures.js';
import { isHigherBetter } from '../evaluation/direction.js';
import { metricDisplay, metricText } from '../reports/metric-display.js';

type Quality = Pick<Figures, 'quality' | 'ece' | 'worstClass'>;

/** What a model was worth before a step, and after it, on the same rows. */
export interface QualityChange {
  readonly primary: string;
  readonly before: Quality;
  readonly after: Quality;
}

/** Quality that a step may take in silence: a point of a share, 1 % of an error. */
const ALLOWED = 0.01;

/** The part of a step's JSON that tells of quality. */
export function qualityDocument({ primary, before, after }: QualityChange): Record<string, unknown> {
  const told = ({ quality, ece, worstClass }: Quality): Quality => ({ quality, ece, worstClass });
  return { primary, before: told(before), after: told(after) };
}

/** The change as people read it. */
export function qualityLine({ primary, before, after }: QualityChange): string {
  const text = (value: number): string => metricText(primary, value);
  return `${metricDisplay(primary).label}  ${text(before.quality.value)} -> ${text(after.quality.value)}`;
}

/** Says where a step lost more quality than {@link ALLOWED}: that it could not be done for less. */
export function lossNotes(change: QualityChange | undefined): string[] {
  if (change === undefined) return [];
  const { primary, before, after } = change;
  const higher = isHigherBetter(primary);
  const [first, second] = [before.quality.value, after.quality.value];
  const lost = higher ? first - second : second - first;
  const allowed = higher ? ALLOWED : ALLOWED * Math.abs(first);
  if (!(lost > allowed)) return [];
  const limit = higher ? 'a point' : '1 %';
  return [
    `more than ${limit} of ${primary} is lost: do less of it, train longer after it (--epochs), or let the search find another way (without --method)`,
  ];
}
