import type { TransferEvidence } from '../evidence.js';
import type { Rule } from '../finding.js';
import { bestProbe, confidenceThat, expectedOf, told } from '../gain.js';

/** Least log loss, in nats, that miscalibration has to cost more than before. */
const MATERIAL = 0.01;
/**
 * How sure it has to be that it costs more at all: 95 % two-sided. Few rows carry most of that cost, so that surer is seldom had,
 * and of a fine-tuning that leaves calibration alone the change is far from material.
 */
const SURE = 0.975;

/** Whether miscalibration surely costs more than before fine-tuning, and enough more to matter. */
export const costsMore = ({ change }: TransferEvidence, level: number): boolean =>
  confidenceThat(change, 0, level) >= SURE && change.value >= MATERIAL;

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
    if (transfer === undefined || !costsMore(transfer, level)) return undefined;
    const { before, after, change } = transfer;
    const found = bestProbe(evidence, ['slower', 'stronger']);
    return {
      confidence: confidenceThat(change, 0, level),
      evidence: [
        `log loss that a temperature takes away, on rows it was not fitted on: ${before.toFixed(4)} before fine-tuning, ${after.toFixed(4)} after; paired difference ${told(change)}`,
        ...(ece === undefined ? [] : [`expected calibration error ${told(ece)}; the limit is ${limits.ece}`]),
        ...(found === undefined ? [] : [`${found.probe.label}: better by ${told(found.gain)}`]),
      ],
      patch: found?.probe.patch ?? null,
      expected: found === undefined ? null : expectedOf(evidence, found),
    };
  },
};
