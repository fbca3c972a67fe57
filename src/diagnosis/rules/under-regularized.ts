import type { Rule } from '../finding.js';
import { bestProbe, confidenceThat, expectedOf, told } from '../gain.js';

/** F2: the model is clearly better on its training rows than on new ones, and a stronger penalty helps the new ones. */
export const underRegularized: Rule = {
  id: 'F2',
  name: 'under-regularization',
  explanation: 'The model learns its training rows by heart: what it gains there does not carry over to new rows',
  remedy: 'Raise the strengths or add a regularizer, and train again; more rows help in the same way',
  refutedBy: 'Stronger penalties that narrow the gap without making new rows better',
  judge(evidence) {
    const { training, metric, level } = evidence;
    const found = bestProbe(evidence, ['stronger']);
    if (training === undefined || found === undefined) return undefined;
    return {
      confidence: confidenceThat(found.gain, 0, level),
      evidence: [
        `lost from train to validation: ${told(training.gap)} of ${metric}`,
        `${found.probe.label}: ${found.metric === 'primary' ? metric : 'log loss'} on validation better by ${told(found.gain)}`,
      ],
      patch: found.probe.patch,
      expected: expectedOf(evidence, found),
    };
  },
};
