import type { Rule } from '../finding.js';
import { asGain, confidenceThat, isClear, short, told } from '../gain.js';

/** Share of wrong labels that a model is expected to live with. */
const NOISE = 0.05;

/**
 * Not a regularization problem: validation says more than new rows will, because it knows the answers. A feature that tells
 * the target, or validation rows that are among the training rows, where a training without those is clearly worse.
 */
export const leak: Rule = {
  id: 'leak',
  name: 'data leak',
  before: 1,
  explanation: 'Scores on these rows are too good: the answer, or the row itself, is among what the model learned from',
  remedy: 'ballast data check SPEC names columns and rows; exclude them (data.features.exclude), or split by group',
  refutedBy: 'The same score after the column or the rows are gone',
  judge({ data = [], probes, direction, level, metric }) {
    const telling = data.filter(({ code, severity }) => code === 'TARGET_LEAK' && severity === 'error');
    const copies = probes.find(({ kind }) => kind === 'without copies');
    const loss = copies && asGain(copies.change, direction === 'higher' ? 'lower' : 'higher');
    const known = loss !== undefined && isClear(loss);
    if (telling.length === 0 && !known) return undefined;
    return {
      confidence: telling.length > 0 || loss === undefined ? 1 : confidenceThat(loss, 0, level),
      evidence: [
        ...telling.map(({ message }) => message),
        ...(known ? [`${copies?.label}: ${metric} on validation worse by ${told(loss)}`] : []),
      ],
      patch: null,
      expected: null,
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
  explanation:
    'Models that did not see a row are sure of another class than its label: it is wrong, or classes overlap there',
  remedy:
    'ballast data check SPEC --labels lists them for people to look at; correct what is wrong, or train with gce, bootstrapping or co-teaching',
  refutedBy: 'People who look at the listed rows and agree with the labels',
  judge({ labelNoise, level }) {
    if (labelNoise === undefined || labelNoise.low <= NOISE) return undefined;
    return {
      confidence: level,
      evidence: [
        `confident learning holds ${short(100 * labelNoise.rate)} % of ${labelNoise.rows} labels for wrong (at least ${short(100 * labelNoise.low)} %)`,
      ],
      patch: null,
      expected: null,
    };
  },
};
