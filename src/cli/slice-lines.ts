import type { SliceSearch } from '../evaluation/slices/find-slices.js';
import { slicesTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';

/** What a search for slices found, as lines of text; none where it was not asked for. */
export function sliceLines(search: SliceSearch | undefined): string[] {
  return search === undefined ? [] : ['', slicesTable(search, terminalOptions())];
}
