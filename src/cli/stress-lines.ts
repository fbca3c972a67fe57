import type { StressReport } from '../evaluation/stress/stress.js';
import { stressTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { note } from './output.js';

/** What stress did, as lines of text; none where it was not asked for. */
export function stressLines(report: StressReport | undefined): string[] {
  return report === undefined ? [] : ['', stressTable(report, terminalOptions())];
}

/** Progress of a stress test on stderr: a line a corruption. */
export function tellStress(corruption: string, severity: number): void {
  if (severity === 1) note(`stress: ${corruption}`);
}
