import type { TransferEvidence } from '../evidence.js';
import type { Rule } from '../finding.js';
import { asGain, bestProbe, confidenceThat, expectedOf, short, told } from '../gain.js';

/** Least log loss, in nats, that miscalibration has to cost more than before. */
const MATERIAL = 0.01;

/**
 * Whether miscalibration costs more than before fine-tuning. What is sure is that another temperature fits: the cost itself is of
 * few rows that were wrong for certain, and hardly ever clear. What is told from chance needs not matter: that is the cost's to say.
 */
export const costsMore = ({ change, inverse: { difference } }: TransferEvidence): boolean =>
  change.value >= MATERIAL && (difference.interval[0] > 0 || difference.interval[1] < 0);

/** X5: fine-tuning made probabilities less true than those of the model that it began from. */
export const miscalibratedTransfer: Rule = {
  id: 'X5',
  name: 'calibration worse after fine-tuning',
  explanation:
    'The pretrained model could be taken at its word on these rows better than what fine-tuning made of it: that is mostly too sure of itself',
  remedy:
    'ballast calibrate RUN (temperature or isotonic) mends this model; a lower learning rate, fewer epochs, l2-sp or label smoothing the next one',
  refutedBy: 'New labelled rows on which the calibration of both models is alike',
  judge(evidence) {
    const { transfer, validation, limits, level } = evidence;
    const { ece } = validation.metrics;
    if (transfer === undefined || !costsMore(transfer)) return undefined;
    const { before, after, change, inverse } = transfer;
    const found = bestProbe(evidence, ['slower', 'stronger']);
    return {
      confidence: confidenceThat(
        asGain(inverse.difference, inverse.difference.value > 0 ? 'higher' : 'lower'),
        0,
        level,
      ),
      evidence: [
        `temperature that fits best: ${short(1 / inverse.before)} before fine-tuning, ${short(1 / inverse.after)} after; difference of their inverses ${told(inverse.difference)}`,
        `log loss that a temperature takes away, on rows it was not fitted on: ${before.toFixed(4)} before fine-tuning, ${after.toFixed(4)} after; paired difference ${told(change)}`,
        ...(ece === undefined ? [] : [`expected calibration error ${told(ece)}; the limit is ${limits.ece}`]),
        ...(found === undefined ? [] : [`${found.probe.label}: better by ${told(found.gain)}`]),
      ],
      patch: found?.probe.patch ?? null,
      expected: found === undefined ? null : expectedOf(evidence, found),
    };
  },
};
