import { parseDocument } from 'yaml';
import { BallastError } from '../errors.js';
import type { LearnedRecipe } from '../tuning/sweep/learned.js';

/**
 * The text of a recipe with strengths that sweeps found in the place of its own, and comments that say so. Only what the
 * recipe declares is changed: of its task and model, whatever the size.
 *
 * @throws BallastError LEARNED_NOTHING
 */
export function withLearned(text: string, learned: readonly LearnedRecipe[]): { text: string; changed: string[] } {
  const document = parseDocument(text);
  const spec = document.toJS() as {
    task: string;
    model: { type: string };
    regularizers?: { type: string; strength?: number }[];
  };
  const fitting = learned.find(({ setting }) => setting.task === spec.task && setting.model === spec.model.type);
  if (fitting === undefined) {
    throw new BallastError(`no sweep of this store was over a ${spec.model.type} for ${spec.task}`, {
      code: 'LEARNED_NOTHING',
      kind: 'not-found',
      remedy: 'Leave --learned out; ballast sweep SPEC learns',
    });
  }
  const changed: string[] = [];
  (spec.regularizers ?? []).forEach(({ type, strength }, index) => {
    const found = fitting.values[`regularizers.${type}.strength`] ?? fitting.values[`regularizers.${index}.strength`];
    if (typeof found?.value !== 'number' || strength === undefined) return;
    const value = Number(found.value.toPrecision(3));
    document.setIn(['regularizers', index, 'strength'], value);
    changed.push(`${type} ${strength} -> ${value} (${found.sweeps} ${found.sweeps === 1 ? 'sweep' : 'sweeps'})`);
  });
  const { rows } = fitting.setting;
  const heading = `# Learned from ${fitting.evidence.length} sweeps of ${fitting.setting.model} on ${rows} rows: ${changed.join(', ') || 'nothing to change'}.\n`;
  return { text: `${heading}${document.toString()}`, changed };
}
