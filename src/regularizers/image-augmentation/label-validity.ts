import type { Conflict } from '../regularizer.js';

/** A transform after which an image may show another class. */
export type Doubtful = 'mirror' | 'turn';

/** Names of classes that change places, or become no class at all, under a transform. */
const SIDES: readonly (readonly [string, string])[] = [
  ['left', 'right'],
  ['clockwise', 'counterclockwise'],
  ['clockwise', 'anticlockwise'],
  ['east', 'west'],
];
const ENDS: readonly (readonly [string, string])[] = [
  ['up', 'down'],
  ['north', 'south'],
  ['top', 'bottom'],
];

/** Degrees beyond which a 6 may be read as a 9. */
const MOST_DEGREES = 60;

/**
 * Why labels do not stay right where images are mirrored or turned that far, told from the names of the classes.
 *
 * @param flip axes that images are mirrored along
 * @param rotate largest turn, in degrees
 * @param declared what the user states that labels survive
 */
export function labelConflicts(
  type: string,
  classes: readonly string[],
  {
    flip,
    rotate,
    declared,
  }: { flip: 'none' | 'horizontal' | 'vertical' | 'both'; rotate: number; declared: readonly Doubtful[] },
): Conflict[] {
  const names = classes.map((name) => name.toLowerCase());
  const found: Conflict[] = [];
  const refuse = (what: Doubtful, doing: string, why: string): void => {
    if (declared.includes(what)) return;
    found.push({
      code: 'AUGMENTATION_CHANGES_LABELS',
      severity: 'error',
      message: `${type} ${doing}, and ${why}`,
      remedy: `Turn it off; or, where labels do stay right, state it: labelsSurvive: [${what}]`,
    });
  };
  const pair = (known: readonly (readonly [string, string])[]): readonly [string, string] | undefined => {
    const words = new Set(names.flatMap((name) => name.split(/[^a-z0-9]+/)));
    return known.find((both) => both.every((word) => words.has(word)));
  };
  const digits = names.filter((name) => /^\d$/.test(name));
  const isDigits = digits.length === names.length && ['2', '5', '6', '9'].some((digit) => digits.includes(digit));
  const letters = names.filter((name) => /^[a-z]$/.test(name));
  const isLetters = letters.length === names.length && names.length > 8;
  if (flip !== 'none') {
    const sides = pair(flip === 'vertical' ? ENDS : flip === 'horizontal' ? SIDES : [...SIDES, ...ENDS]);
    if (sides !== undefined)
      refuse('mirror', `mirrors images (flip: ${flip})`, `"${sides[0]}" then shows "${sides[1]}"`);
    else if (isDigits) {
      refuse(
        'mirror',
        `mirrors images (flip: ${flip})`,
        'the classes are named as digits: a mirrored 2, 3, 5 or 7 is none, or another',
      );
    } else if (isLetters) {
      refuse(
        'mirror',
        `mirrors images (flip: ${flip})`,
        'the classes are named as letters: a mirrored b is a d, or none',
      );
    }
  }
  if (rotate > MOST_DEGREES) {
    const ends = pair([...ENDS, ...SIDES]);
    if (ends !== undefined)
      refuse('turn', `turns images by up to ${rotate} degrees`, `"${ends[0]}" then shows "${ends[1]}"`);
    else if (isDigits && digits.includes('6') && digits.includes('9')) {
      refuse('turn', `turns images by up to ${rotate} degrees`, 'the classes are named as digits: a turned 6 is a 9');
    } else if (isLetters) {
      refuse('turn', `turns images by up to ${rotate} degrees`, 'the classes are named as letters: a turned p is a d');
    }
  }
  return found;
}
