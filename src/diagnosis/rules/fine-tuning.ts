import type { Rule } from '../finding.js';
import { bestProbe, confidenceThat, expectedOf, told } from '../gain.js';

const HOLDS = new Set(['weight-decay', 'l2', 'l2-sp', 'freezing', 'layer-wise-rates']);

/** X23: a pretrained model that was fine-tuned without anything to hold it forgets what it knew. */
export const overfittedTransfer: Rule = {
  id: 'X23',
  name: 'overfitting after transfer',
  explanation: 'Fine-tuning moved the weights far from what they were pretrained to, towards these few rows',
  remedy: 'Lower the learning rate, and add l2-sp, weight-decay or freezing',
  refutedBy: 'A lower rate with l2-sp that is no better on validation',
  judge(evidence) {
    const { training, metric, level } = evidence;
    if (training === undefined || !training.fineTuned || training.gap.interval[0] <= 0) return undefined;
    if (training.regularizers.some(({ type }) => HOLDS.has(type))) return undefined;
    const found = bestProbe(evidence, ['stronger', 'slower']);
    // Where others were tried and none helped, it is no overfitting that can be mended so.
    if (found === undefined && evidence.probes.length > 0) return undefined;
    return {
      confidence: confidenceThat(found?.gain ?? training.gap, 0, level),
      evidence: [
        `lost from train to validation: ${told(training.gap)} of ${metric}`,
        `learning rate ${training.learningRate}, and nothing holds the pretrained weights`,
        ...(found === undefined ? [] : [`${found.probe.label}: better by ${told(found.gain)}`]),
      ],
      patch: found?.probe.patch ?? [
        { op: 'replace', path: '/training/optimizer/learningRate', value: training.learningRate / 10 },
        { op: 'add', path: '/regularizers/-', value: { type: 'l2-sp' } },
      ],
      expected: found === undefined ? null : expectedOf(evidence, found),
    };
  },
};
