import type { Condition, ModelEvidence } from '../condition.js';
import { blindSpots } from './blind-spots.js';
import { canaryRules } from './canary.js';
import { objectiveRules } from './objectives.js';
import { calibrationRule, compressionRule, driftRule } from './quality.js';

/** Every rule, on the evidence of one model. */
export function conditionsOf(evidence: ModelEvidence): Condition[] {
  return [objectiveRules, canaryRules, calibrationRule, driftRule, compressionRule, blindSpots].flatMap((rule) =>
    rule(evidence),
  );
}
