import type { Rule } from '../finding.js';
import { bestProbe, confidenceThat, expectedOf, told } from '../gain.js';

const SPARSE = new Set(['l1', 'elastic-net', 'group-lasso']);

/** X17: a sparse penalty that takes useful features away. */
export const tooSparse: Rule = {
  id: 'X17',
  name: 'a sparse penalty removes useful features',
  explanation: 'Weights that the penalty drives to zero are of features that new rows need',
  remedy: 'Lower its strength, or take elastic-net, which keeps features that go together',
  refutedBy: 'A weaker penalty that keeps more features and is no better on new rows',
  judge(evidence) {
    const { training, level, metric } = evidence;
    if (training === undefined) return undefined;
    const sparse = training.regularizers.filter(({ type }) => SPARSE.has(type));
    const found = bestProbe(evidence, ['weaker', 'without']);
    if (found === undefined || sparse.length === 0) return undefined;
    const touched = new Set(found.probe.patch.map(({ path }) => path.split('/')[2]));
    if (!sparse.every(({ index }) => touched.has(String(index))) || touched.size > sparse.length) return undefined;
    return {
      confidence: confidenceThat(found.gain, 0, level),
      evidence: [
        `${found.probe.label}: ${found.metric === 'primary' ? metric : 'log loss'} better by ${told(found.gain)}`,
      ],
      patch: found.probe.patch,
      expected: expectedOf(evidence, found),
    };
  },
};
