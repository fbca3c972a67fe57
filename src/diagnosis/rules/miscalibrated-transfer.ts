import type { Rule } from '../finding.js';
import { bestProbe, confidenceThat, expectedOf, told } from '../gain.js';

/** Least log loss, in nats, that miscalibration has to cost more than before. */
const MATERIAL = 0.005;

/** X5: fine-tuning made probabilities less true than those of the model that it began from. */
export const miscalibratedTransfer: Rule = {
  id: 'X5',
  name: 'calibration worse after fine-tuning',
  explanation:
    'The pretrained model could be taken at its word on these rows; after fine-tuning it is too sure of itself',
  remedy:
    'ballast calibrate RUN (temperature or isotonic) mends this model; a lower learning rate, fewer epochs, l2-sp or label smoothing the next one',
  refutedBy: 'New labelled rows on which the calibration of both models is alike',
  judge(evidence) {
    const { transfer, validation, limits, level } = evidence;
    const { ece } = validation.metrics;
    if (transfer === undefined || ece === undefined || ece.value <= limits.ece) return undefined;
    const { before, after, change } = transfer;
    if (change.interval[0] <= 0 || change.value < MATERIAL) return undefined;
    const found = bestProbe(evidence, ['slower', 'stronger']);
    return {
      confidence: confidenceThat(change, 0, level),
      evidence: [
        `log loss that a temperature takes away, on rows it was not fitted on: ${before.toFixed(4)} before fine-tuning, ${after.toFixed(4)} after; paired difference ${told(change)}`,
        `expected calibration error ${told(ece)}, beyond ${limits.ece}`,
        ...(found === undefined ? [] : [`${found.probe.label}: better by ${told(found.gain)}`]),
      ],
      patch: found?.probe.patch ?? null,
      expected: found === undefined ? null : expectedOf(evidence, found),
    };
  },
};
