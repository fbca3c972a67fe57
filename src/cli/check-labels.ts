import type { Finding } from '../data/check/finding.js';
import { percent, rowsOf, shownRows } from '../data/check/finding.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { suspectsTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';
import type { PreparedData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import { findSuspectLabels } from '../tuning/suspect-labels.js';
import { interruptible } from './interruptible.js';
import { note } from './output.js';

export interface LabelOptions {
  readonly folds: number;
  /** Share of the rows outside the holdout that may be suspect. */
  readonly mostSuspects: number;
}

/** Rows outside the holdout whose labels are probably wrong, by the spec's own model on folds that it did not see. */
export async function checkLabels(
  resolved: ResolvedSpec,
  data: PreparedData,
  { folds, mostSuspects }: LabelOptions,
): Promise<{ findings: Finding[]; document: unknown; text: string[] }> {
  const interruption = interruptible();
  try {
    const runtime = await openRuntime();
    const found = await findSuspectLabels(resolved, data, {
      runtime,
      folds,
      tell: note,
      signal: interruption.signal,
    });
    const { suspects, rows, noiseRate, classes, thresholds, joint } = found;
    const share = suspects.length / rows;
    const findings: Finding[] = [];
    if (suspects.length > 0) {
      findings.push({
        code: 'SUSPECT_LABELS',
        severity: share > mostSuspects ? 'error' : 'warning',
        message: `${rowsOf(suspects.length)} of ${rows} outside the holdout (${percent(share)}) bear labels that are probably wrong; up to ${percent(mostSuspects)} are accepted.`,
        remedy:
          'Look at them, most certain first; correct or remove what is wrong, or train with gce, bootstrapping or co-teaching.',
        rows: shownRows(suspects.map(({ row }) => row)),
        count: suspects.length,
        figures: { share, noiseRate },
      });
    }
    const named = suspects.map(({ row, given, suggested, probability }) => ({
      row: row + 1,
      given: classes[given],
      suggested: classes[suggested],
      probability,
    }));
    return {
      findings,
      document: { rows, share, mostSuspects, noiseRate, classes, thresholds, joint, suspects: named },
      text: named.length === 0 ? [] : ['', suspectsTable(named, terminalOptions())],
    };
  } finally {
    interruption.stop();
  }
}
