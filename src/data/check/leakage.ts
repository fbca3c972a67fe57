import { missingOf } from '../column-values.js';
import { type Roles, requireColumn } from '../roles.js';
import { isScalar, type Table } from '../table.js';
import { type Finding, percent } from './finding.js';
import { answerOf, type Predictability, predictability } from './predictability.js';

/** From here on a single feature is the target under another name. */
const LEAK = 0.999;
/** From here on it is too good to be true, seldom otherwise. */
const SUSPICIOUS = 0.98;
const MOST_ROWS = 200_000;
/** Below this many rows a feature may separate the classes by chance. */
const ROWS_NEEDED = 30;

/**
 * Features that give the target away: TARGET_LEAK where one alone tells it with certainty (skill or association at least
 * 0.999), SUSPICIOUS_FEATURE from 0.98 skill.
 *
 * Skill is measured on two halves: the feature's values (numbers in 64 quantile bins) are mapped to the most frequent class,
 * or mean target, of the other half; so ids, which tell every row they have seen, have none.
 *
 * @param rows the rows that are looked at: training and validation
 */
export function checkLeakage(
  table: Table,
  roles: Roles,
  target: string,
  rows: Uint32Array,
  task: 'classification' | 'regression',
): Finding[] {
  const targetColumn = requireColumn(table, target);
  const missing = missingOf(targetColumn);
  const sample = thinned(
    rows.filter((row) => !missing(row)),
    MOST_ROWS,
  );
  if (sample.length < ROWS_NEEDED) return [];
  const answer = answerOf(targetColumn, sample, task);
  if (answer === undefined) return [];
  return roles.features.flatMap((name) => {
    const column = requireColumn(table, name);
    return isScalar(column) ? report(name, target, predictability(column, sample, answer)) : [];
  });
}

function report(name: string, target: string, { skill, association }: Predictability): Finding[] {
  const leaks = Math.max(skill, association) >= LEAK;
  if (!leaks && skill < SUSPICIOUS) return [];
  const known = percent(Math.min(1, Math.max(skill, leaks ? association : 0)));
  return [
    {
      code: leaks ? 'TARGET_LEAK' : 'SUSPICIOUS_FEATURE',
      severity: leaks ? 'error' : 'warning',
      message: leaks
        ? `column "${name}" alone tells the target "${target}" (${known})`
        : `column "${name}" alone takes away ${known} of the error in "${target}"`,
      remedy: 'Exclude it in data.features.exclude, unless it is known before the target is.',
      columns: [name],
      figures: { skill, association },
    },
  ];
}

/** At most `most` of the rows, evenly spread. */
export function thinned(rows: Uint32Array, most: number): Uint32Array {
  if (rows.length <= most) return rows;
  return Uint32Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)]);
}
