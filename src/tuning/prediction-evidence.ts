import type { Evidence } from '../diagnosis/evidence.js';
import { calibrate } from '../evaluation/calibrators/report.js';
import type { PredictionInput } from '../evaluation/input.js';
import { prepareSample } from '../evaluation/sample.js';
import { evaluateUncertainty, uncertaintyOf, withOutside } from '../evaluation/uncertainty.js';
import { mean } from '../numeric/index.js';

/** Fewer rows than this say nothing reliable of probabilities. */
export const FEWEST_ROWS = 100;

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

/** How sure a classifier is of rows of another kind, beside its own; nothing where it has no probabilities, or few rows. */
export function outsideEvidence(inside: PredictionInput, outside: PredictionInput, level: number): Evidence['outside'] {
  const [own, other] = [inside, outside].map((input) => prepareSample(input));
  if (own.task !== 'classification' || other.task !== 'classification') return undefined;
  if (own.probabilities === undefined || other.probabilities === undefined || other.rows < FEWEST_ROWS)
    return undefined;
  const best = withOutside(evaluateUncertainty(inside, { level }), inside, outside, level)
    .flatMap(({ outside: told }) => (told === undefined ? [] : [told.auroc]))
    .toSorted((a, b) => b.value - a.value)[0];
  if (best === undefined) return undefined;
  const [ownConfidence, confidence] = [own, other].map((sample) => 1 - mean(uncertaintyOf('confidence', sample)));
  return { rows: other.rows, auroc: best, confidence, ownConfidence, classes: own.classes.length };
}
