import type { Figure } from '../evaluation/figure.js';
import type { PredictionInput } from '../evaluation/input.js';
import {
  evaluateUncertainty,
  noUncertainty,
  type UncertaintyEvaluation,
  type UncertaintyMeasure,
  withOutside,
} from '../evaluation/uncertainty.js';

/** What probabilities, or the model beside its answers, know of their own errors; undefined unless asked for. */
export function uncertaintyOfPredictions(
  asked: boolean | undefined,
  predictions: PredictionInput,
  outside?: PredictionInput,
): readonly UncertaintyEvaluation[] | undefined {
  if (asked !== true) return undefined;
  const found = evaluateUncertainty(predictions);
  if (found.length > 0) return outside === undefined ? found : withOutside(found, predictions, outside);
  throw noUncertainty(predictions.task);
}

/** As lines of the terminal. */
export function uncertaintyLines(found: readonly UncertaintyEvaluation[] | undefined): string[] {
  if (found === undefined) return [];
  const lines = found.map(({ measure, errorAuroc, aurc, excessAurc, riskCoverage, normal, outside }) => {
    const half = riskCoverage.find(({ coverage }) => coverage >= 0.5);
    const figures = ({ value, interval }: Figure): string =>
      `${value.toFixed(3)} [${interval.map((end) => end.toFixed(3)).join(', ')}]`;
    const told =
      normal !== undefined
        ? `${figures(normal.within95)} of targets within its 95 %; log loss ${normal.logLoss.toFixed(4)}`
        : errorAuroc !== undefined
          ? `tells errors with AUROC ${figures(errorAuroc)}`
          : isOfNumbers(measure)
            ? 'orders squared errors'
            : 'no AUROC: all rows are right, or all wrong';
    const foreign =
      outside === undefined
        ? ''
        : `; tells the ${outside.rows} rows from elsewhere with AUROC ${figures(outside.auroc)}`;
    return `${measure.padEnd(WIDTH)} ${told}${foreign}; risk at half coverage ${half === undefined ? '-' : half.risk.toFixed(4)}; AURC ${aurc.toFixed(4)}, ${excessAurc.toFixed(4)} above the best order`;
  });
  return ['', 'Uncertainty against error', ...lines];
}

/** As wide as the longest name of a measure. */
const WIDTH = 'predictiveDeviation'.length;

const isOfNumbers = (measure: UncertaintyMeasure): boolean =>
  measure === 'deviation' || measure === 'predictiveDeviation';
