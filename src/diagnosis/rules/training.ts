import type { Probe } from '../evidence.js';
import type { Rule } from '../finding.js';
import { bestProbe, confidenceThat, expectedOf, told } from '../gain.js';

/** Not a regularization problem: training ended before the model was done. */
export const notConverged: Rule = ofProbe({
  id: 'not-converged',
  name: 'training ended too early',
  kinds: ['longer'],
  explanation: 'The model was still getting better when its epochs were used up: no strength makes up for that',
  remedy: 'Train for more epochs, with early stopping to end them',
  refutedBy: 'Twice the epochs without a gain on validation',
});

/** Not a regularization problem: the learning rate is off. */
export const learningRate: Rule = ofProbe({
  id: 'learning-rate',
  name: 'learning rate off',
  kinds: ['faster', 'slower'],
  explanation: 'The optimizer does not reach what this model can: its steps are too short, or too long to settle',
  remedy: 'Change the learning rate before any strength',
  refutedBy: 'Other learning rates that end at the same score',
});

/** A training that ended in numbers that are none. */
export const diverged: Rule = {
  id: 'diverged',
  name: 'training diverged',
  before: 2,
  explanation: 'The loss left the finite numbers: steps too long, or a penalty too steep for them',
  remedy: 'Lower the learning rate, clip gradients (training.gradientClip), and look at the data for extreme values',
  refutedBy: 'A tenth of the learning rate that diverges as well',
  judge({ training }) {
    if (training === undefined || training.outcome !== 'diverged') return undefined;
    const rate = training.learningRate;
    return {
      confidence: 1,
      evidence: training.findings.filter(({ code }) => code === 'TRAINING_DIVERGED').map(({ message }) => message),
      patch: [{ op: 'replace', path: '/training/optimizer/learningRate', value: rate / 10 }],
      expected: null,
    };
  },
};

/** What a kind of probe tells by helping. */
function ofProbe({ kinds, ...rule }: Omit<Rule, 'judge' | 'before'> & { kinds: readonly Probe['kind'][] }): Rule {
  return {
    ...rule,
    before: 3,
    judge(evidence) {
      const found = bestProbe(evidence, kinds);
      if (found === undefined) return undefined;
      return {
        confidence: confidenceThat(found.gain, 0, evidence.level),
        evidence: [
          `${found.probe.label}: ${found.metric === 'primary' ? evidence.metric : 'log loss'} on validation better by ${told(found.gain)}`,
        ],
        patch: found.probe.patch,
        expected: expectedOf(evidence, found),
      };
    },
  };
}
