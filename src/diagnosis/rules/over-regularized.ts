import type { Rule } from '../finding.js';
import { asGain, bestProbe, confidenceThat, expectedOf, short, told } from '../gain.js';

/**
 * F1 (X1): train and validation are both poorer than they need be, because strengths are too high. Shown by weaker
 * strengths that fit the training rows better and generalize better.
 */
export const overRegularized: Rule = {
  id: 'F1',
  name: 'over-regularization',
  explanation:
    'The strengths hold the model back: it fits neither the rows it learned from nor new ones as well as it could',
  remedy: 'Lower the strength and train again; where weaker still gains, go on',
  refutedBy: 'Weaker strengths that fit the training rows better and are no better on new rows',
  judge(evidence) {
    const { training, baseline, metric, direction, level } = evidence;
    if (training === undefined) return undefined;
    const found = bestProbe(evidence, ['weaker', 'without']);
    if (found === undefined) return undefined;
    const trained = training.train.metrics[metric]?.value;
    // What gains on validation while it fits the training rows no better was not held back by the penalty.
    if (
      trained === undefined ||
      (direction === 'higher' ? found.probe.train <= trained : found.probe.train >= trained)
    ) {
      return undefined;
    }
    const score = baseline?.comparison.score;
    return {
      confidence: confidenceThat(found.gain, 0, level),
      evidence: [
        `${found.probe.label}: ${found.metric === 'primary' ? metric : 'log loss'} on validation better by ${told(found.gain)}, on train ${short(trained)} -> ${short(found.probe.train)}`,
        ...(score !== undefined && !('reason' in score) && score.verdict === 'hurt'
          ? [
              `the unregularized baseline is better by ${told(asGain(score.difference, direction === 'higher' ? 'lower' : 'higher'))}`,
            ]
          : []),
      ],
      patch: found.probe.patch,
      expected: expectedOf(evidence, found),
    };
  },
};
