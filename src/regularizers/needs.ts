import type { Conflict, RowColumn, Setting } from './regularizer.js';

/** What several regularizers need of a run, and how its absence is told. */

/** An error where the task has no classes. */
export function needsClasses(type: string, { task }: Setting): Conflict[] {
  if (task === 'classification') return [];
  return [
    {
      code: 'REGULARIZER_NEEDS_CLASSES',
      severity: 'error',
      message: `${type} needs classes, and the task is ${task}`,
      remedy: `Remove ${type}`,
    },
  ];
}

/** An error where no column has the role. */
export function needsColumn(type: string, role: RowColumn['role'], { columns }: Setting): Conflict[] {
  if (columns.some((column) => column.role === role)) return [];
  return [
    {
      code: `REGULARIZER_NEEDS_${role.toUpperCase()}`,
      severity: 'error',
      message: `${type} needs a ${role} column, and the spec declares none`,
      remedy: `Name it in data.columns.${role}`,
    },
  ];
}

/** An error where no input holds numbers. */
export function needsNumbers(type: string, { inputs }: Setting): Conflict[] {
  if (inputs.some(({ content }) => content !== 'tokens')) return [];
  return [
    {
      code: 'REGULARIZER_NEEDS_NUMBERS',
      severity: 'error',
      message: `${type} acts on numbers, and the only inputs are token indices`,
      remedy: `Remove ${type}`,
    },
  ];
}
