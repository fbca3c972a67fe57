import type { Evidence } from './evidence.js';
import type { Finding } from './finding.js';
import { RULES } from './rules/index.js';

/**
 * What is wrong with a model, from evidence alone: problems before notes, the surest first. Nothing found is an answer:
 * healthy, as far as the evidence goes.
 */
export function diagnose(evidence: Evidence): Finding[] {
  return RULES.flatMap(({ id, name, severity = 'problem', judge }) => {
    const found = judge(evidence);
    return found === undefined ? [] : [{ id, name, severity, ...found }];
  }).sort((a, b) => b.severity.localeCompare(a.severity) || b.confidence - a.confidence);
}

/** Whether nothing is wrong: notes may be there. */
export const isHealthy = (findings: readonly Finding[]): boolean =>
  findings.every(({ severity }) => severity === 'note');
