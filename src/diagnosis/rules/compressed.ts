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
