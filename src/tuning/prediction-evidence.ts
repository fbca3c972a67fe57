import type { Evidence } from '../diagnosis/evidence.js';
import { calibrate } from '../evaluation/calibrators/report.js';
import type { PredictionInput } from '../evaluation/input.js';
import { evaluateUncertainty } from '../evaluation/uncertainty.js';

/** Fewer rows than this say nothing reliable of probabilities. */
const FEWEST_ROWS = 100;

/** What predictions alone tell: whether a temperature would mend them, and whether uncertainty tells errors. */
export function evidenceOfPredictions(
  input: PredictionInput,
  { level, seed }: { level: number; seed: number },
): Pick<Evidence, 'temperature' | 'uncertainty'> {
  if (input.task !== 'classification' || input.target.length < FEWEST_ROWS) return {};
  if (input.logits === undefined && input.probabilities === undefined) return {};
  // Of one class alone nothing can be calibrated.
  if (new Set(Array.from(input.target)).size < 2) return {};
  const { map, change } = calibrate(input, { method: 'temperature', seed, level });
  const { logLoss } = change;
  const entropy = evaluateUncertainty(input, { level }).find(({ measure }) => measure === 'entropy');
  return {
    ...(logLoss === undefined || 'reason' in logLoss || map.kind !== 'temperature'
      ? {}
      : { temperature: { value: map.temperature, logLoss: logLoss.difference } }),
    ...(entropy?.errorAuroc === undefined ? {} : { uncertainty: entropy.errorAuroc }),
  };
}
