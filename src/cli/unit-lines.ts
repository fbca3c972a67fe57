import type { UnitEvaluation } from '../evaluation/units/unit-metric.js';
import { metricsTable } from '../reports/terminal.js';
import { terminalOptions } from '../reports/terminal-style.js';

const PLURALS: Readonly<Record<string, string>> = {
  query: 'queries',
  utterance: 'utterances',
  image: 'images',
  document: 'documents',
};

/** An evaluation of units as lines of text. */
export function unitLines(evaluation: UnitEvaluation): string[] {
  const { units, unit, omitted } = evaluation;
  return [
    metricsTable(evaluation, terminalOptions()),
    '',
    `Over ${units} ${PLURALS[unit] ?? unit}, each drawn whole in the resamples.`,
    ...Object.entries(omitted).map(([name, reason]) => `${name}: none, ${reason}`),
  ];
}
