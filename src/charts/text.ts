/** Text without a layout engine: widths are estimated for common sans-serif faces, a little generously. */

/** Estimated width of `text` in pixels at `size` pixels. Wide scripts count as one em, marks that combine as none. */
export function textWidth(text: string, size: number): number {
  let ems = 0;
  for (const character of text) ems += characterWidth(character);
  return ems * size;
}

/** Shortens `text` to fit `width` pixels, ending in an ellipsis; whole code points are kept. */
export function truncate(text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width + 0.5) return text;
  const room = width - textWidth('\u2026', size);
  let used = 0;
  let kept = '';
  for (const character of text) {
    used += characterWidth(character) * size;
    if (used > room) break;
    kept += character;
  }
  return `${kept.trimEnd()}\u2026`;
}

/** Breaks `text` at spaces into at most `lines` lines of `width` pixels; the last line is shortened where needed. */
export function wrap(text: string, size: number, width: number, lines: number): string[] {
  const result: string[] = [];
  let line = '';
  const words = text.split(/\s+/).filter((word) => word !== '');
  for (const [index, word] of words.entries()) {
    const candidate = line === '' ? word : `${line} ${word}`;
    if (line === '' || textWidth(candidate, size) <= width) {
      line = candidate;
      continue;
    }
    if (result.length === lines - 1) {
      line = `${line} ${words.slice(index).join(' ')}`;
      break;
    }
    result.push(line);
    line = word;
  }
  if (line !== '') result.push(line);
  return result.map((each) => truncate(each, size, width));
}

function characterWidth(character: string): number {
  if (/[ilj|!'.,:;\u00b7\u2009]/.test(character)) return 0.31;
  if (/[ \u00a0ftrI()[\]{}/\\-]/.test(character)) return 0.39;
  if (/[mwMW@%\u2026\u2192]/.test(character)) return 0.93;
  if (/[A-Z\u2212+<>=~#&]/.test(character)) return 0.7;
  if (/\p{M}/u.test(character)) return 0;
  const point = character.codePointAt(0) ?? 0;
  return point >= 0x1100 && !/\p{Script=Latin}|\p{Script=Greek}|\p{P}/u.test(character) ? 1 : 0.61;
}
