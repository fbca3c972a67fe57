import type { Rule } from '../finding.js';

/** X10: nobody can say what a model without a manifest was regularized with. */
export const unrecorded: Rule = {
  id: 'X10',
  name: 'no record of regularizers',
  severity: 'note',
  explanation: 'What it was trained with cannot be turned up or down, compared, or blamed',
  remedy: 'Train it from a spec, or fine-tune it as model.type onnx: the manifest then travels in its metadata',
  refutedBy: 'A manifest in the metadata of the model (ballast.manifest)',
  judge({ manifest }) {
    if (manifest) return undefined;
    return {
      confidence: 1,
      evidence: ['the model carries no manifest of its regularizers'],
      patch: null,
      expected: null,
    };
  },
};
