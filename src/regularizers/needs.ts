import type { Active, Conflict, InputDescription, Setting } from './regularizer.js';

/** Contents whose values can be moved a little: tokens cannot. */
export const CONTINUOUS = ['tabular', 'image', 'audio', 'series'] as const satisfies InputDescription['content'][];

/** An error for each thing that a regularizer needs and the run has not. */
export function unmetNeeds({ regularizer: { type, needs }, options }: Active, setting: Setting): Conflict[] {
  if (needs === undefined) return [];
  const missing: Conflict[] = [];
  const miss = (what: string, message: string, remedy: string, place?: string): void => {
    const code = `${type.toUpperCase().replaceAll('-', '_')}_NEEDS_${what}`;
    missing.push({ code, severity: 'error', message, remedy, ...(place === undefined ? {} : { place }) });
  };
  if (needs.classes === true && setting.task !== 'classification') {
    miss('CLASSES', `${type} needs classes, and the task is ${setting.task}`, `Remove ${type} from the regularizers`);
  }
  if (needs.tasks === true && setting.tasks === undefined) {
    miss(
      'TASKS',
      `${type} keeps what earlier tasks have taught, and the run has no tasks`,
      'Set training.tasks to a column or to groups of classes',
      'training.tasks',
    );
  }
  if (needs.labels === true && (setting.unlabelled ?? 0) > 0) {
    miss(
      'LABELS',
      `${type} looks at the label of every row, and ${setting.unlabelled} training rows have none`,
      `Remove ${type}, or set data.unlabelled: refuse`,
      'data.unlabelled',
    );
  }
  const { column = needs.columnOf?.(options), content } = needs;
  if (column !== undefined && !setting.columns.some(({ role }) => role === column)) {
    miss(
      column.toUpperCase(),
      `${type} needs a ${column} column, and the spec declares none`,
      `Name it in data.columns.${column}`,
      `data.columns.${column}`,
    );
  }
  if (content !== undefined && !setting.inputs.some((input) => content.includes(input.content))) {
    miss(
      'INPUT',
      `${type} needs an input of ${content.join(', ')}, and there is none`,
      `Remove ${type}; ballast regularizers lists what acts on what`,
    );
  }
  return missing;
}
