import { AMOUNTS, opposedClasses, PACES } from '../class-words.js';
import type { Conflict, Setting } from '../regularizer.js';

/** What of a series a label may hang on: how large its values are, or when and how fast they come. */
export type Doubtful = 'magnitude' | 'time';

/**
 * Why labels do not stay right where these change: a number that is predicted follows the series (the next value of a
 * doubled series is doubled), and classes may be told apart by that very thing.
 *
 * @param changes what the options change, with the options that do
 * @param declared what the user states that labels survive
 */
export function labelConflicts(
  { task, classes }: Pick<Setting, 'task' | 'classes'>,
  changes: Readonly<Record<Doubtful, readonly string[]>>,
  declared: readonly Doubtful[],
): Conflict[] {
  return (['magnitude', 'time'] as const).flatMap((what): Conflict[] => {
    if (changes[what].length === 0 || declared.includes(what)) return [];
    const by = changes[what].join(' and ');
    const pair = opposedClasses(classes, what === 'magnitude' ? AMOUNTS : PACES);
    const why =
      task === 'regression'
        ? 'the number that is predicted does not change with it'
        : pair === undefined
          ? undefined
          : `"${pair[0]}" may then look like "${pair[1]}"`;
    if (why === undefined) return [];
    return [
      {
        code: 'AUGMENTATION_CHANGES_LABELS',
        severity: 'error',
        message: `series-augmentation changes the ${what} of series (${by}), and ${why}`,
        remedy: `Set ${by} to 0; or, where labels do stay right, state it: labelsSurvive: [${what}]`,
      },
    ];
  });
}
