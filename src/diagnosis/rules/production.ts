import type { Rule } from '../finding.js';
import { confidenceThat, told } from '../gain.js';

/** Quality that production may lose without being called a loss: a point of a share. */
const ALLOWED = 0.01;

/** F5 (X4, X6): rows in production are not those that the model was trained on, and it errs more on them. */
export const inputMismatch: Rule = {
  id: 'F5',
  name: 'input mismatch',
  explanation: 'The rows that the model meets in production are not distributed as those that it was trained on',
  remedy:
    'Look at the source of the columns named; where the change is real, train on newer rows, or weigh the old ones by how like the new they are (importance-weighting); where it is noise of devices or missing values, augment with what production shows',
  refutedBy: 'ballast drift MODEL silent on the next windows, or labels on which production is as good as the holdout',
  judge({ production, level, metric, training }) {
    if (production === undefined) return undefined;
    const { drift, lost, model } = production;
    if (drift.features.length === 0) return undefined;
    const worse = lost !== undefined && lost.figure.interval[0] > 0 && lost.figure.value > ALLOWED;
    const expected = drift.features.some(({ qualityEffect }) => qualityEffect !== null && qualityEffect > ALLOWED);
    // Drift that costs nothing is told by ballast drift, not as something wrong.
    if (!worse && !(lost === undefined && expected)) return undefined;
    const present = new Set(training?.regularizers.map(({ type }) => type));
    return {
      confidence: worse ? confidenceThat(lost.figure, 0, level) : 0.7,
      evidence: [
        ...drift.features
          .slice(0, 5)
          .map(
            ({ name, effect, qualityEffect }) =>
              `${name} drifted in ${model}: ${(100 * effect).toFixed(0)} % of the rows would have to be different${qualityEffect === null || qualityEffect <= 0 ? '' : `, worth ${qualityEffect.toFixed(3)} of loss by itself`}`,
          ),
        lost === undefined
          ? 'no labels yet: what it costs is estimated'
          : `production lost ${told(lost.figure)} of ${metric} since ${lost.from}, on ${lost.rows} labelled rows`,
      ],
      patch: present.has('tabular-augmentation')
        ? null
        : [{ op: 'add', path: '/regularizers/-', value: { type: 'tabular-augmentation' } }],
      expected: null,
    };
  },
};

/** F8: a regularizer that helped on validation hurts here. */
export const mismatchedRegularizer: Rule = {
  id: 'F8',
  name: 'mismatched regularization',
  explanation: 'A regularizer that made the model better on validation makes it worse on what production brings',
  remedy:
    'Serve the version without it, or lower its strength; validate on rows like those of production; adapt to the domain (importance-weighting, coral)',
  refutedBy: 'More labelled requests that both versions answered, on which the one with the regularizer is not worse',
  judge({ production, level, metric, training }) {
    const found = production?.mismatched;
    if (found === undefined || found.validation <= 0 || found.production.interval[0] <= 0) return undefined;
    const declared = training?.regularizers.find(({ type }) => type === found.regularizer);
    return {
      confidence: confidenceThat(found.production, 0, level),
      evidence: [
        `with ${found.regularizer} validation gained ${found.validation.toFixed(4)} of ${metric}`,
        `in production it loses ${told(found.production)} against ${found.other}, on ${found.pairs} requests that both answered`,
      ],
      patch:
        declared === undefined
          ? null
          : [{ op: 'replace', path: `/regularizers/${declared.index}/strength`, value: declared.strength / 2 }],
      expected: null,
    };
  },
};

/** F9 (X7, X22): compression made it slower where it counts. */
export const slowerCompressed: Rule = {
  id: 'F9',
  name: 'resource failure',
  explanation:
    'The compressed model is slower in production than the one before it: its sparsity or its types are not what the runtime is fast at',
  remedy:
    'Measure on the target (ballast bench MODEL OTHER) and take out whole channels instead: ballast compress RUN --constraint "timeRatio<=0.8"',
  refutedBy:
    'ballast bench of both versions on the machine that serves them, with the compressed one faster at the 99th percentile',
  judge({ production }) {
    const slower = production?.slower;
    if (slower === undefined || !slower.compressed || slower.pValue > 0.001) return undefined;
    return {
      confidence: 1 - slower.pValue,
      evidence: [
        `p99 is ${slower.now.toFixed(2)} ms over ${slower.requests} requests; that of ${slower.than} was ${slower.before.toFixed(2)} ms`,
      ],
      patch: null,
      expected: null,
    };
  },
};
