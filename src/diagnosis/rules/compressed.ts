import type { Rule } from '../finding.js';
import { confidenceThat, told } from '../gain.js';
import type { SpecPatch } from '../patch.js';

/** Quality that compression may take without being called a collapse: a point of a share, 1 % of an error. */
const ALLOWED = 0.01;

/** F3 (X3, X22): compression took more than it may. */
export const compressionCollapse: Rule = {
  id: 'F3',
  name: 'compression collapse',
  explanation: 'The compressed model answers clearly worse than the model that it was made of, on the same rows',
  remedy:
    'Prune less at once and train longer after it (ballast compress RUN --epochs 20), leave out the layers that lose most (ballast compare MODEL COMPRESSED --layers; compress --exclude), or train for what is to come, as the change of the spec does',
  refutedBy: 'New labelled rows on which both models are equally good',
  judge({ compression, training, level, metric, direction, validation }) {
    if (compression === undefined) return undefined;
    const { lost, steps } = compression;
    const scale = direction === 'higher' ? 1 : Math.abs(validation.metrics[metric]?.value ?? 1);
    const allowed = ALLOWED * scale;
    if (lost.interval[0] <= 0 || lost.value <= allowed) return undefined;
    return {
      confidence: confidenceThat(lost, 0, level),
      evidence: [`compression (${steps.join(', ')}) lost ${told(lost)} of ${metric}, row by row`],
      patch: patchFor(steps, new Set(training?.regularizers.map(({ type }) => type))),
      expected: null,
    };
  },
};

/** Recall that a rare class may lose beside the others: two points. */
const ALLOWED_OF_CLASS = 0.02;

/** A class is rare that has at most so many of the rows that an average one has. */
const RARE = 0.5;

/** X13: compression was paid for by classes of few rows, which an average hides. */
export const rareClassesLost: Rule = {
  id: 'X13',
  name: 'compression artifacts in rare classes',
  explanation: 'Compression cost classes of few rows clearly more than it cost the average row',
  remedy:
    'Let the teacher speak up for rare classes (ballast compress RUN --class-weighted), hold the worst class by a constraint (--constraint "worstClassLoss<=0.02"), or train on more rows of these classes',
  refutedBy: 'New labelled rows of these classes that both models answer equally well',
  judge({ compression }) {
    const classes = compression?.classes ?? [];
    const rows = classes.reduce((sum, one) => sum + one.rows, 0);
    const average = classes.reduce((sum, one) => sum + one.lost.value * one.rows, 0) / rows;
    const hit = classes
      .filter(({ rows: own, lost }) => own <= (RARE * rows) / classes.length && lost.interval[0] > average)
      .filter(({ lost }) => lost.value > average + ALLOWED_OF_CLASS)
      .sort((a, b) => b.lost.value - a.lost.value);
    if (hit.length === 0) return undefined;
    return {
      // The intervals of all classes hold together at 95 %.
      confidence: 0.95,
      evidence: hit.map(
        ({ class: name, rows: own, lost }) =>
          `"${name}", ${own} of ${rows} rows, lost ${told(lost)} of its recall; all rows together ${average.toFixed(4)}`,
      ),
      patch: null,
      expected: null,
    };
  },
};

/** Training that knows what will be done to the model: rounding, or whole units that go. */
function patchFor(steps: readonly string[], present: ReadonlySet<string>): SpecPatch | null {
  const rounded = steps.some((step) => step.endsWith('int8'));
  const wanted = steps.some((step) => step.startsWith('prune'))
    ? { type: 'pruning', strength: 0.5, structure: 'channels' }
    : rounded
      ? { type: 'quantization-aware' }
      : undefined;
  if (wanted === undefined || present.has(wanted.type)) return null;
  return [{ op: 'add', path: '/regularizers/-', value: wanted }];
}
