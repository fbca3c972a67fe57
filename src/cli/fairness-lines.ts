import type { Evaluation } from '../evaluation/evaluate.js';
import { fairnessTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';

/** How evenly the groups of sensitive columns are treated, as lines of text; none where there are no such columns. */
export function fairnessLines({ fairness = [] }: Pick<Evaluation, 'fairness'>): string[] {
  return fairness.flatMap((each) => ['', fairnessTable(each, terminalOptions())]);
}
