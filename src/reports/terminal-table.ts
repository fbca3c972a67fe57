import { stripVTControlCharacters } from 'node:util';

/** How a terminal is written to. */
export interface TerminalOptions {
  /** Columns of the terminal. Default 80. */
  readonly width?: number;
  /** Whether escape codes for colours may be written. Default false. */
  readonly color?: boolean;
}

export type CellStyle = (text: string) => string;

export interface TerminalCell {
  readonly text: string;
  readonly style?: CellStyle;
}

export interface TerminalColumn {
  readonly label: string;
  readonly align?: 'left' | 'right';
  /** May be shortened, down to this many characters, when the table is too wide. */
  readonly shrinkTo?: number;
  /** May be left out when shortening is not enough; the highest goes first. */
  readonly optional?: number;
}

const GAP = '  ';

/**
 * An aligned table with a line under its head, never wider than the terminal: first columns that may be shortened
 * are, then optional columns are left out, at last every line is cut.
 */
export function terminalTable(
  columns: readonly TerminalColumn[],
  rows: readonly (readonly (TerminalCell | string)[])[],
  headStyle: CellStyle,
  width = 80,
): string {
  const cells = rows.map((row) => row.map((cell) => clean(typeof cell === 'string' ? { text: cell } : cell)));
  const wanted = columns.map((column, index) =>
    Math.max(displayWidth(column.label), ...cells.map((row) => displayWidth(row[index]?.text ?? ''))),
  );
  const layout = placeColumns(columns, wanted, width);
  const line = (content: readonly TerminalCell[], style?: CellStyle): string => {
    let room = width;
    const parts: string[] = [];
    for (const [place, { index, size }] of layout.entries()) {
      const last = place === layout.length - 1;
      const cell = content[index] ?? { text: '' };
      const text = pad(shorten(cell.text, Math.min(size, room)), Math.min(size, room), columns[index]?.align, last);
      room -= size + GAP.length;
      parts.push((style ?? cell.style ?? plain)(text));
      if (room <= 0) break;
    }
    return parts.join(GAP).trimEnd();
  };
  const total = layout.reduce((sum, { size }) => sum + size, 0) + GAP.length * Math.max(0, layout.length - 1);
  return [
    line(
      columns.map(({ label }) => ({ text: label })),
      headStyle,
    ),
    headStyle('\u2500'.repeat(Math.max(1, Math.min(total, width)))),
    ...cells.map((row) => line(row)),
  ].join('\n');
}

interface Placed {
  index: number;
  size: number;
}

function placeColumns(columns: readonly TerminalColumn[], wanted: readonly number[], width: number): Placed[] {
  const placed = wanted.map((size, index) => ({ index, size }));
  const excess = (): number =>
    placed.reduce((sum, { size }) => sum + size, 0) + GAP.length * (placed.length - 1) - width;
  while (excess() > 0) {
    const shrinkable = placed
      .filter(({ index, size }) => size > (columns[index]?.shrinkTo ?? Number.POSITIVE_INFINITY))
      .sort((a, b) => b.size - a.size)[0];
    const slack = placed.reduce(
      (sum, { index, size }) => sum + Math.max(0, size - (columns[index]?.shrinkTo ?? size)),
      0,
    );
    const dispensable = placed
      .filter(({ index }) => columns[index]?.optional !== undefined)
      .sort((a, b) => (columns[b.index]?.optional ?? 0) - (columns[a.index]?.optional ?? 0))[0];
    if (shrinkable !== undefined && (slack >= excess() || dispensable === undefined)) shrinkable.size--;
    else if (dispensable !== undefined) placed.splice(placed.indexOf(dispensable), 1);
    else break;
  }
  return placed;
}

/** Names come from data files: escape codes and control characters in them must not reach the terminal. */
function clean(cell: TerminalCell): TerminalCell {
  return { ...cell, text: printable(cell.text) };
}

/** Text without escape codes, control characters, line breaks and bidirectional overrides. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\s+/gu, (space) => (space === '\u00a0' ? ' ' : space.replace(/[^ ]/gu, ' ')))
    .replace(/\p{Cc}|\p{Cs}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** Columns that `text` takes: wide characters two, combining ones none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterColumns(character);
  return width;
}

function characterColumns(character: string): number {
  if (/\p{M}|\p{Cf}/u.test(character)) return 0;
  return /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Emoji_Presentation}|[\uff01-\uff60\u3000-\u303f]/u.test(
    character,
  )
    ? 2
    : 1;
}

function shorten(text: string, size: number): string {
  if (displayWidth(text) <= size) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    used += characterColumns(character);
    if (used > size - 1) break;
    kept += character;
  }
  return size < 1 ? '' : `${kept}\u2026`;
}

function pad(text: string, size: number, align: 'left' | 'right' = 'left', last = false): string {
  const spaces = ' '.repeat(Math.max(0, size - displayWidth(text)));
  if (align === 'right') return spaces + text;
  return last ? text : text + spaces;
}

function plain(text: string): string {
  return text;
}
