/** Control characters beyond those that JSON escapes, and those that turn the direction of writing. */
const UNPRINTABLE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Foreign text on one line of at most `max` characters, with everything escaped that a terminal would act on. */
export function printable(text: string, max: number): string {
  // Cut before escaping as well: names from files can be megabytes long.
  const escaped = JSON.stringify(text.slice(0, max + 1))
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return escaped.length > max ? `${escaped.slice(0, max - 3)}...` : escaped;
}
