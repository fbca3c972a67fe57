import type { Rule } from '../finding.js';
import { bestProbe, confidenceThat, expectedOf, told } from '../gain.js';

/**
 * X14: what is dropped before a batch normalization has another variance in training than in inference (Li et al., CVPR 2019).
 * Shown by the very same weights, which are better with the statistics of rows where nothing was dropped; or by the two parted:
 * the same dropping with another normalization, and the same normalization without dropping, are both better than the two together.
 */
export const varianceShift: Rule = {
  id: 'X14',
  name: 'dropping before batch normalization',
  explanation:
    'Batch normalization keeps the variance of values that were disturbed while training; undisturbed ones have another, and every layer after it sees what it was not trained on',
  remedy:
    'Normalize by layer or group, or drop only after the last batch normalization; then tune the learning rate again',
  refutedBy:
    'The same weights with the statistics of undisturbed rows, and the same dropping with layer normalization, that are no better',
  judge(evidence) {
    const [undisturbed, apart, without] = (
      ['undisturbed statistics', 'other normalization', 'without dropping'] as const
    ).map((kind) => bestProbe(evidence, [kind]));
    const parted = apart !== undefined && without !== undefined ? [apart, without] : [];
    const shown = undisturbed === undefined ? parted : [undisturbed];
    if (shown.length === 0) return undefined;
    const { metric, level } = evidence;
    const mend = apart ?? without ?? bestProbe(evidence, ['weaker']);
    const found = [undisturbed, apart, without].filter((each) => each !== undefined);
    return {
      confidence: Math.min(...shown.map(({ gain }) => confidenceThat(gain, 0, level))),
      evidence: found.map(
        ({ probe, metric: of, gain }) =>
          `${probe.label}: ${of === 'primary' ? metric : 'log loss'} on validation better by ${told(gain)}`,
      ),
      patch: mend?.probe.patch ?? null,
      expected: mend === undefined ? null : expectedOf(evidence, mend),
    };
  },
};
