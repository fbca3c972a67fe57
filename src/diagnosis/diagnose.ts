import type { Evidence } from './evidence.js';
import type { Finding } from './finding.js';
import { RULES } from './rules/index.js';

/**
 * What is wrong with a model, from evidence alone: the surest first. Nothing found is an answer: healthy, as far as the
 * evidence goes.
 */
export function diagnose(evidence: Evidence): Finding[] {
  return RULES.flatMap(({ id, name, judge }) => {
    const found = judge(evidence);
    return found === undefined ? [] : [{ id, name, ...found }];
  }).sort((a, b) => b.confidence - a.confidence);
}
