/**
 * Whether the names of classes hold both words of a pair that a transform would exchange: `left` and `right`, `fast` and
 * `slow`.
 *
 * @returns the first such pair
 */
export function opposedClasses(
  classes: readonly string[],
  pairs: readonly (readonly [string, string])[],
): readonly [string, string] | undefined {
  const words = new Set(classes.flatMap((name) => name.toLowerCase().split(/[^a-z0-9]+/)));
  return pairs.find((both) => both.every((word) => words.has(word)));
}

/** What is said of classes that differ in how much: lowercase words. */
export const AMOUNTS: readonly (readonly [string, string])[] = [
  ['high', 'low'],
  ['large', 'small'],
  ['strong', 'weak'],
  ['loud', 'quiet'],
  ['up', 'down'],
  ['rising', 'falling'],
  ['increase', 'decrease'],
];

/** Of classes that differ in how fast, or when. */
export const PACES: readonly (readonly [string, string])[] = [
  ['fast', 'slow'],
  ['tachycardia', 'bradycardia'],
  ['running', 'walking'],
  ['run', 'walk'],
  ['short', 'long'],
  ['early', 'late'],
  ['start', 'end'],
];
