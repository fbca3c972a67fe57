import { AMOUNTS, opposedClasses, PACES } from '../class-words.js';
import type { Conflict } from '../regularizer.js';

/** What of a recording a label may hang on. */
export type Doubtful = 'pitch' | 'level' | 'time';

const PITCHES: readonly (readonly [string, string])[] = [
  ['high', 'low'],
  ['male', 'female'],
  ['man', 'woman'],
  ['men', 'women'],
  ['boy', 'girl'],
  ['child', 'adult'],
  ['bass', 'treble'],
];

/** Options that change it, and the opposites that it tells apart. */
const CHANGES = {
  pitch: { options: ['pitch', 'speed'], opposites: PITCHES },
  level: { options: ['gain'], opposites: AMOUNTS },
  time: { options: ['stretch', 'speed', 'shift'], opposites: PACES },
} as const;

type Amounts = Readonly<Record<'pitch' | 'speed' | 'gain' | 'stretch' | 'shift', number>>;

/** Why labels do not stay right under these changes, told from the names of the classes. */
export function labelConflicts(
  classes: readonly string[],
  amounts: Amounts,
  declared: readonly Doubtful[],
): Conflict[] {
  return (['pitch', 'level', 'time'] as const).flatMap((what): Conflict[] => {
    const by = CHANGES[what].options.filter((option) => amounts[option] > 0).join(' and ');
    const pair = opposedClasses(classes, CHANGES[what].opposites);
    if (by === '' || pair === undefined || declared.includes(what)) return [];
    return [
      {
        code: 'AUGMENTATION_CHANGES_LABELS',
        severity: 'error',
        message: `audio-augmentation changes the ${what} of recordings (${by}), and "${pair[0]}" may then sound like "${pair[1]}"`,
        remedy: `Set ${by} to 0; or, where labels do stay right, state it: labelsSurvive: [${what}]`,
      },
    ];
  });
}
