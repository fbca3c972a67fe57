import type { Evidence } from './evidence.js';
import type { Finding } from './finding.js';
import { RULES } from './rules/index.js';

/**
 * What is wrong with a model, from evidence alone: problems before notes, causes before
 * what may follow from them, the surest first. Nothing found is an answer:
 * healthy, as far as the evidence goes.
 */
export function diagnose(evidence: Evidence): Finding[] {
  return RULES.flatMap(({ judge, before = Number.POSITIVE_INFINITY, severity = 'problem', ...told }) => {
    const found = judge(evidence);
    return found === undefined ? [] : [{ before, finding: { severity, ...told, ...found } }];
  })
    .sort(
      (a, b) =>
        b.finding.severity.localeCompare(a.finding.severity) ||
        (a.before === b.before ? b.finding.confidence - a.finding.confidence : a.before - b.before),
    )
    .map(({ finding }) => finding);
}

/** Whether nothing is wrong: notes may be there. */
export const isHealthy = (findings: readonly Finding[]): boolean =>
  findings.every(({ severity }) => severity === 'note');
