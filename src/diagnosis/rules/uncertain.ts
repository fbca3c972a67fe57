import type { Rule } from '../finding.js';
import { confidenceThat, told } from '../gain.js';

/** Below this, uncertainty knows little more of errors than a coin. */
const USEFUL = 0.65;

/** X15: the model is no less sure where it is wrong. */
export const uncertain: Rule = {
  id: 'X15',
  name: 'uncertainty does not tell errors',
  explanation:
    'Answers cannot be sorted by how sure the model is: abstaining or asking a person where it is unsure gains little',
  remedy: 'Add ensemble or mc-dropout; where the classes truly overlap, no uncertainty of the model can tell',
  refutedBy: 'An ensemble whose uncertainty does not tell errors either',
  judge({ uncertainty, level }) {
    if (uncertainty === undefined || uncertainty.interval[1] >= USEFUL) return undefined;
    return {
      confidence: 1 - confidenceThat(uncertainty, USEFUL, level),
      evidence: [`a wrong row is less certain than a right one with probability ${told(uncertainty)}; a coin says 0.5`],
      patch: [{ op: 'add', path: '/regularizers/-', value: { type: 'ensemble' } }],
      expected: null,
    };
  },
};
