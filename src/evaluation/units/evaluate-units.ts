import { BallastError } from '../../errors.js';
import { resolveIntervals } from '../estimate.js';
import type { Figure } from '../figure.js';
import type { IntervalOptions } from '../input.js';
import { DETECTION_METRICS, type DetectionInput, prepareDetection } from './detection.js';
import { LANGUAGE_METRICS, type LanguageInput, prepareLanguage } from './language.js';
import { prepareRanking, RANKING_METRICS, type RankingInput } from './ranking.js';
import { prepareSpeech, SPEECH_METRICS, type SpeechInput } from './speech.js';
import { evaluateUnits, type UnitEvaluation, type UnitMetric } from './unit-metric.js';

export interface UnitOptions extends IntervalOptions {
  /** Metrics beside the standard ones: `ndcg@5`. */
  readonly metrics?: readonly string[];
}

/** Metrics of all tasks whose unit is not one answer, for lists of what there is. */
export const UNIT_METRICS: readonly Pick<UnitMetric<never>, 'name' | 'title' | 'direction' | 'description'>[] = [
  ...RANKING_METRICS,
  ...SPEECH_METRICS,
  ...DETECTION_METRICS,
  ...LANGUAGE_METRICS,
];

/** Rankings; queries are drawn whole. @throws BallastError of input as {@link prepareRanking}, METRIC_UNKNOWN */
export function evaluateRanking(input: RankingInput & UnitOptions): UnitEvaluation {
  const sample = prepareRanking(input);
  return evaluateUnits(
    { task: 'ranking', unit: 'query', units: sample.queries.length, primary: 'ndcg', sample, metrics: RANKING_METRICS },
    input.metrics ?? [],
    resolveIntervals(input),
  );
}

/** What was understood of what was said; utterances are drawn whole. @throws as {@link prepareSpeech} */
export function evaluateSpeech(input: SpeechInput & UnitOptions): UnitEvaluation {
  const sample = prepareSpeech(input);
  return evaluateUnits(
    { task: 'speech', unit: 'utterance', units: sample.length, primary: 'wer', sample, metrics: SPEECH_METRICS },
    input.metrics ?? [],
    resolveIntervals(input),
  );
}

/** Boxes against boxes; images are drawn whole. @throws as {@link prepareDetection} */
export function evaluateDetection(input: DetectionInput & UnitOptions): UnitEvaluation {
  const sample = prepareDetection(input);
  return evaluateUnits(
    { task: 'detection', unit: 'image', units: sample.images, primary: 'mAP', sample, metrics: DETECTION_METRICS },
    input.metrics ?? [],
    resolveIntervals(input),
  );
}

/** One metric of detection with its interval. @throws as {@link prepareDetection}; EVALUATION_EMPTY, METRIC_UNKNOWN */
export function detectionFigure(name: string, input: DetectionInput & IntervalOptions): Figure {
  const sample = prepareDetection(input);
  const metrics = DETECTION_METRICS.filter((metric) => metric.name === name);
  const setting = { task: 'detection', unit: 'image', units: sample.images, primary: name, sample, metrics } as const;
  const { metrics: figures, omitted } = evaluateUnits(setting, [name], resolveIntervals(input));
  if (figures[name] !== undefined) return figures[name];
  throw new BallastError(`${name} has no value: ${omitted[name]}`, {
    code: 'EVALUATION_EMPTY',
    remedy: 'Give pictures with objects on them',
  });
}

/** Texts of a language model; texts are drawn whole. @throws as {@link prepareLanguage} */
export function evaluateLanguage(input: LanguageInput & UnitOptions): UnitEvaluation {
  const sample = prepareLanguage(input);
  const primary = sample.loss === undefined ? 'hallucinationRate' : 'perplexity';
  return evaluateUnits(
    { task: 'language-model', unit: 'document', units: sample.documents, primary, sample, metrics: LANGUAGE_METRICS },
    input.metrics ?? [],
    resolveIntervals(input),
  );
}
