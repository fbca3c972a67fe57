import type { Rule } from '../finding.js';
import { asGain, bestProbe, confidenceThat, told } from '../gain.js';

/** The gap is beyond its limit, no strength closes it, and fewer rows are clearly worse: more rows are what is missing. */
export const moreData: Rule = {
  id: 'more-data',
  name: 'needs more data',
  severity: 'note',
  explanation: 'The model is as regularized as it should be, and there are too few rows for what it has to learn',
  remedy: 'Collect or label more rows, augment them, or start from a pretrained model',
  refutedBy: 'Twice the rows without a gain on the same validation rows',
  judge(evidence) {
    const { training, metric, direction, level, limits } = evidence;
    if (training === undefined || training.gap.interval[0] <= limits.gap) return undefined;
    if (bestProbe(evidence, ['stronger', 'weaker', 'without', 'longer', 'faster', 'slower']) !== undefined)
      return undefined;
    const half = evidence.probes.find(({ kind }) => kind === 'half the data');
    if (half === undefined) return undefined;
    const loss = asGain(half.change, direction === 'higher' ? 'lower' : 'higher');
    if (loss.interval[0] <= 0) return undefined;
    return {
      confidence: confidenceThat(loss, 0, level),
      evidence: [
        `lost from train to validation: ${told(training.gap)} of ${metric}, beyond ${limits.gap}`,
        `with half of the ${training.rows} training rows ${metric} is worse by ${told(loss)}: the curve over rows still rises`,
        'neither stronger nor weaker strengths are clearly better',
      ],
      patch: null,
      expected: null,
    };
  },
};
