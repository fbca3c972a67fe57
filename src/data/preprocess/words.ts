/** How text becomes words: blanks separate, spelling variants are folded. */

/** What separates words beside blanks. The graph splits at these first, where training texts hold them. */
export const SEPARATORS = ['\n', '\t'] as const;

/** Pieces of a text between blanks (empty between two of them), line by line: pairs of words end with the line. */
export function pieces(text: string, separators: readonly string[]): string[][] {
  let lines = [text];
  for (const separator of separators) lines = lines.flatMap((line) => line.split(separator));
  return lines.map((line) => line.split(' '));
}

const OUTER_PUNCTUATION = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu;

/** The word behind a spelling: lower case, without punctuation around it; '' where nothing is left. */
export function wordOf(piece: string): string {
  return piece.replace(OUTER_PUNCTUATION, '').toLowerCase();
}

/** Spellings that a word is known by even if the training texts do not show them. */
export function plainSpellings(word: string): string[] {
  return [word, word.toUpperCase(), word.charAt(0).toUpperCase() + word.slice(1)];
}
