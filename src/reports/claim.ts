import type { Judgement, ModelComparison } from '../evaluation/index.js';
import { differenceFormat, differenceText, intervalText, metricDisplay } from './metric-display.js';

/** Whether regularization helped, as sentences: what differs from the baseline, by how much, with the interval. */
export function claim(comparison: ModelComparison): string {
  const { metric, score, gap, ece, verdict } = comparison;
  const { label } = metricDisplay(metric);
  if ('reason' in score) return `Validation ${label} could not be compared: ${score.reason}.`;
  if (score.verdict !== 'no clear difference') {
    return `Validation ${label} is ${clearly(metric, score)} the unregularized baseline${interval(metric, score)}.`;
  }
  const open =
    `Validation ${label} differs by ${differenceText(metric, score.difference.value)} from the unregularized ` +
    `baseline; the 95% interval, ${intervalText(score.difference.interval, differenceFormat(metric))}, includes no difference.`;
  const others = [
    gap !== undefined && !('reason' in gap) && gap.verdict === verdict && verdict !== 'no clear difference'
      ? `The gap is ${clearly(metric, gap)} the baseline's${interval(metric, gap)}.`
      : '',
    ece !== undefined && !('reason' in ece) && ece.verdict === verdict && verdict !== 'no clear difference'
      ? `Calibration error is ${clearly('ece', ece)} the baseline's${interval('ece', ece)}.`
      : '',
  ];
  return [...others, open].filter((sentence) => sentence !== '').join(' ');
}

/** `3.1 pts higher than`. */
function clearly(metric: string, { difference }: Judgement): string {
  return `${differenceText(metric, Math.abs(difference.value))} ${difference.value >= 0 ? 'higher' : 'lower'} than`;
}

/** The interval of a clear difference, as sizes: that of a fall from -5 to -2 is 2 to 5. */
function interval(metric: string, { difference }: Judgement): string {
  const [low, high] = difference.interval;
  const sizes = difference.value >= 0 ? ([low, high] as const) : ([-high, -low] as const);
  return ` (95% interval ${intervalText(sizes, differenceFormat(metric))})`;
}
