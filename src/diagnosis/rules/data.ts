import type { Rule } from '../finding.js';
import { short } from '../gain.js';

const LEAKS = new Set(['TARGET_LEAK', 'EQUAL_ROWS_ACROSS_PARTS']);
/** Share of wrong labels that a model is expected to live with. */
const NOISE = 0.05;

/** Not a regularization problem: validation says more than new rows will, because it knows the answers. */
export const leak: Rule = {
  id: 'leak',
  name: 'data leak',
  judge({ data = [] }) {
    const found = data.filter(({ code, severity }) => LEAKS.has(code) && severity === 'error');
    if (found.length === 0) return undefined;
    return {
      confidence: 0.99,
      evidence: found.map(({ message }) => message),
      explanation:
        'Scores on these rows are too good: the answer, or the row itself, is among what the model learned from',
      patch: null,
      remedy: 'ballast data check SPEC names columns and rows; exclude them (data.features.exclude), or split by group',
      expected: null,
      refutedBy: 'The same score after the column or the rows are gone',
    };
  },
};

/**
 * Perhaps not a regularization problem: labels that the model would not give. A note, because rows where classes truly
 * overlap look the same to it; only people can tell.
 */
export const suspectLabels: Rule = {
  id: 'suspect-labels',
  name: 'labels suspect',
  severity: 'note',
  judge({ labelNoise, level }) {
    if (labelNoise === undefined || labelNoise.low <= NOISE) return undefined;
    return {
      confidence: level,
      evidence: [
        `confident learning holds ${short(100 * labelNoise.rate)} % of ${labelNoise.rows} labels for wrong (at least ${short(100 * labelNoise.low)} %)`,
      ],
      explanation:
        'Models that did not see a row are sure of another class than its label: it is wrong, or classes overlap there',
      patch: null,
      remedy:
        'ballast data check SPEC --labels lists them for people to look at; correct what is wrong, or train with gce, bootstrapping or co-teaching',
      expected: null,
      refutedBy: 'People who look at the listed rows and agree with the labels',
    };
  },
};
