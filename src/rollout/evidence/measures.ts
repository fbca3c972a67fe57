import type { RolloutSli } from '../../spec/rollout-options.js';
import type { StoredObservation } from '../../store/index.js';

/** An answer as far as SLIs look at it. */
export type Answer = Pick<
  StoredObservation,
  'status' | 'latencyMs' | 'runMs' | 'memory' | 'prediction' | 'scores' | 'slices' | 'label' | 'features'
>;

/** A value in [0, 1], more is worse, of everything (part `''`) or of a class or slice. */
export type Loss = readonly [part: string, value: number];

/** An SLI that each answer says something about. */
export type JudgedSli = Exclude<RolloutSli, { type: 'memory' }>;

/** SLIs that need to know the truth. */
export function needsLabel(type: string): boolean {
  return type === 'error' || type === 'recall' || type === 'calibration';
}

/** Whether parts are categories of which each answer is or is not one: their shares may differ to both sides. */
export function isOfShares(type: string): boolean {
  return type === 'answers' || type === 'traffic';
}

/**
 * The losses of one answer under an SLI; none where it says nothing about it.
 *
 * @param paired whether nobody waits for the candidate's answers: they come after the users', so that their latency says how busy the
 * machine is. Then the time in the model's process counts, where it is known.
 */
export function lossesOf(sli: JudgedSli, answer: Answer, paired: boolean): Loss[] {
  switch (sli.type) {
    case 'failures':
      // What was refused is the client's fault, of whichever version.
      if (answer.status === 'rejected') return [];
      return withSlices(answer.status === 'failed' ? 1 : 0, sli.slices ? answer.slices : []);
    case 'latency':
      if (answer.status !== 'ok') return [];
      return [['', isLate(sli, answer, paired) ? 1 : 0]];
    case 'error': {
      const loss = errorOf(answer, sli.scale);
      return loss === undefined ? [] : withSlices(loss, sli.slices ? answer.slices : []);
    }
    case 'recall': {
      const loss = errorOf(answer);
      return loss === undefined ? [] : [[String(answer.label?.value), loss]];
    }
    case 'calibration':
    case 'disagreement':
    case 'answers':
      return [];
  }
}

function isLate(
  { withinMs, runWithinMs }: Extract<RolloutSli, { type: 'latency' }>,
  { latencyMs, runMs }: Answer,
  paired: boolean,
): boolean {
  if (paired && runMs !== undefined && runWithinMs !== undefined) return runMs > runWithinMs;
  return withinMs !== undefined && latencyMs > withinMs;
}

/** Of an SLI of shares: the categories that an answer belongs to. */
export function categoriesOf(type: string, answer: Answer, medians: Readonly<Record<string, number>>): string[] {
  if (type === 'answers') {
    return answer.status === 'ok' && answer.prediction !== undefined ? [String(answer.prediction)] : [];
  }
  const above = Object.entries(medians)
    .filter(([column, median]) => {
      const value = answer.features[column];
      return typeof value === 'number' && value > median;
    })
    .map(([column, median]) => `${column} > ${median}`);
  return [...answer.slices, ...above];
}

/** Confidence less correctness, and the bin of the confidence; undefined where the answer has no scores or no label. */
export function calibrationOf(answer: Answer, bins: number): { bin: number; gap: number } | undefined {
  const { scores, label, prediction } = answer;
  if (scores === undefined || scores.length === 0 || label === undefined || prediction === undefined) return undefined;
  const confidence = scores.length === 1 ? Math.max(scores[0], 1 - scores[0]) : Math.max(...scores);
  if (!(confidence >= 0 && confidence <= 1)) return undefined;
  return {
    bin: Math.min(bins - 1, Math.floor(confidence * bins)),
    gap: confidence - (same(prediction, label.value) ? 1 : 0),
  };
}

function errorOf({ status, prediction, label }: Answer, scale?: number): number | undefined {
  if (label === undefined || status === 'rejected') return undefined;
  // A request that failed was not answered rightly.
  if (prediction === undefined) return status === 'failed' ? 1 : undefined;
  if (typeof prediction === 'number' && typeof label.value === 'number' && scale !== undefined) {
    return Math.min(1, Math.abs(prediction - label.value) / scale);
  }
  return same(prediction, label.value) ? 0 : 1;
}

/** Classes that are numbers may come as text from one side. */
export function same(a: string | number, b: string | number): boolean {
  return a === b || String(a) === String(b);
}

const withSlices = (loss: number, slices: readonly string[]): Loss[] => [
  ['', loss],
  ...slices.map((slice): Loss => [slice, loss]),
];
