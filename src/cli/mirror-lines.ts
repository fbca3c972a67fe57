import { metricsTable } from '../reports/terminal.js';
import { terminalOptions } from '../reports/terminal-style.js';
import type { Mirrored } from '../tuning/mirror.js';

/** With fewer rows a figure is hardly known. */
const FEW_EFFECTIVE = 50;

/** The part of the JSON answer. */
export function mirrorDocument(found: Mirrored | undefined): Record<string, unknown> {
  if (found === undefined) return {};
  const { mirroredRows, effectiveRows, evaluation } = found;
  const { metrics, perClass } = evaluation;
  return { mirrored: { mirroredRows, effectiveRows, metrics, perClass } };
}

/** What the figures would be on rows like those of the source. */
export function mirrorLines(found: Mirrored | undefined, source: string | undefined): string[] {
  if (found === undefined) return [];
  const { mirroredRows, effectiveRows, evaluation } = found;
  const few =
    effectiveRows < FEW_EFFECTIVE
      ? ': too few to trust what follows. Draw a holdout out of rows like those (ballast train SPEC --new-holdout)'
      : '';
  return [
    '',
    `Weighted to mirror the ${mirroredRows} rows of ${source}; the ${evaluation.rows} rows carry as much as ${effectiveRows.toFixed(0)} equal ones${few}`,
    metricsTable(evaluation, terminalOptions()),
  ];
}
