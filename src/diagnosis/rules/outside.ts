import type { Rule } from '../finding.js';
import { confidenceThat, told } from '../gain.js';

/** Below this, uncertainty hardly tells rows of another kind from its own. */
const USEFUL = 0.65;

/** The model is as sure of rows that are none of its business as of its own. */
export const overconfidentOutside: Rule = {
  id: 'overconfident-outside',
  name: 'overconfidence out of distribution',
  explanation:
    'Rows of another kind than those of training have no right answer here, and the model is as sure of one as it is at home',
  remedy:
    'Add ensemble or mc-dropout, refuse inputs by the checks of serving (ranges, unseen categories), and watch drift: confidence will not tell',
  refutedBy: 'Rows of that kind that the uncertainty of the model tells from its own',
  judge({ outside, training, level }) {
    if (outside === undefined) return undefined;
    const { rows, auroc, confidence, ownConfidence, classes } = outside;
    // Halfway from a guess to certainty: an answer that is unsure everywhere is not overconfident.
    if (auroc.interval[1] >= USEFUL || confidence < (1 + 1 / classes) / 2) return undefined;
    const present = training?.regularizers.some(({ type }) => type === 'ensemble') === true;
    return {
      confidence: 1 - confidenceThat(auroc, USEFUL, level),
      evidence: [
        `one of ${rows} rows from elsewhere is less certain than a validation row with probability ${told(auroc)}; a coin says 0.5`,
        `mean confidence there ${confidence.toFixed(3)}, on validation ${ownConfidence.toFixed(3)}`,
      ],
      patch: present ? null : [{ op: 'add', path: '/regularizers/-', value: { type: 'ensemble' } }],
      expected: null,
    };
  },
};
