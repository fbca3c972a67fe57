import { BallastError } from '../errors.js';
import type { PredictionInput } from '../evaluation/input.js';
import { evaluateUncertainty, type UncertaintyEvaluation } from '../evaluation/uncertainty.js';

/** What the probabilities know of their own errors; undefined unless asked for. */
export function uncertaintyOfPredictions(
  asked: boolean | undefined,
  predictions: PredictionInput,
): readonly UncertaintyEvaluation[] | undefined {
  if (asked !== true) return undefined;
  const found = predictions.task === 'classification' ? evaluateUncertainty(predictions) : [];
  if (found.length > 0) return found;
  throw new BallastError('there are no probabilities to tell uncertainty from', {
    code: 'UNCERTAINTY_NEEDS_PROBABILITIES',
    place: '--uncertainty',
    remedy: 'Evaluate a classifier on an output of logits or probabilities',
  });
}

/** As lines of the terminal. */
export function uncertaintyLines(found: readonly UncertaintyEvaluation[] | undefined): string[] {
  if (found === undefined) return [];
  const lines = found.map(({ measure, errorAuroc, aurc, excessAurc, riskCoverage }) => {
    const half = riskCoverage.find(({ coverage }) => coverage >= 0.5);
    const separated =
      errorAuroc === undefined
        ? 'no AUROC: all rows are right, or all wrong'
        : `tells errors with AUROC ${errorAuroc.value.toFixed(3)} [${errorAuroc.interval.map((end) => end.toFixed(3)).join(', ')}]`;
    return `${measure.padEnd(10)} ${separated}; risk at half coverage ${half === undefined ? '-' : half.risk.toFixed(4)}; AURC ${aurc.toFixed(4)}, ${excessAurc.toFixed(4)} above the best order`;
  });
  return ['', 'Uncertainty against error', ...lines];
}
