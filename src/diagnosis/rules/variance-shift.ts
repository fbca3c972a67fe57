import type { Rule } from '../finding.js';
import { bestProbe, confidenceThat, expectedOf, told } from '../gain.js';

/**
 * X14: what is dropped before a batch normalization has another variance in training than in inference (Li et al., CVPR 2019).
 * Shown by the two parted: the same dropping with another normalization, and the same normalization without dropping, are both
 * better than the two together.
 */
export const varianceShift: Rule = {
  id: 'X14',
  name: 'dropping before batch normalization',
  explanation:
    'Batch normalization keeps the variance of values that were disturbed while training; undisturbed ones have another, and every layer after it sees what it was not trained on',
  remedy:
    'Normalize by layer or group, or drop only after the last batch normalization; then tune the learning rate again',
  refutedBy: 'The same dropping with layer normalization that is no better',
  judge(evidence) {
    const [apart, without] = (['other normalization', 'without dropping'] as const).map((kind) =>
      bestProbe(evidence, [kind]),
    );
    if (apart === undefined || without === undefined) return undefined;
    const { metric, level } = evidence;
    const confidence = Math.min(...[apart, without].map(({ gain }) => confidenceThat(gain, 0, level)));
    return {
      confidence,
      evidence: [apart, without].map(
        (found) =>
          `${found.probe.label}: ${found.metric === 'primary' ? metric : 'log loss'} on validation better by ${told(found.gain)}`,
      ),
      patch: apart.probe.patch,
      expected: expectedOf(evidence, apart),
    };
  },
};
