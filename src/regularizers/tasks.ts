import type { Conflict, Setting } from './regularizer.js';

/** What does not go with learning tasks one after the other. */
export function taskConflicts({ tasks, active }: Setting): Conflict[] {
  if (tasks === undefined) return [];
  const found: Conflict[] = [];
  for (const { regularizer, strength } of active) {
    const { type, hooks, needs } = regularizer;
    if (strength === 0) continue;
    if (hooks.afterEpoch !== undefined) {
      found.push({
        code: 'TASKS_WITH_EARLY_STOPPING',
        severity: 'error',
        message: `${type} may end the run before its last task has begun`,
        remedy: `Remove ${type}: each task has its share of training.epochs`,
      });
    }
    if (tasks.ownHeads === true && (hooks.targets !== undefined || needs?.labels === true)) {
      found.push({
        code: 'TASKS_OWN_HEADS_WITH_SOFT_TARGETS',
        severity: 'error',
        message: `${type} gives every class a share of the target, and under own heads only the classes of a row's task compete`,
        remedy: `Remove ${type}, or set training.tasks.heads: shared`,
      });
    }
  }
  return found;
}
