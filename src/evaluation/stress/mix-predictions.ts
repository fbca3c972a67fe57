import type { PredictionInput } from '../input.js';

/** Each row's answer out of one of several predictions of the same rows, of one shape. */
export function mixPredictions(predictions: readonly PredictionInput[], choice: Int32Array): PredictionInput {
  const [first] = predictions;
  const rows = choice.length;
  const mixed = (of: (each: PredictionInput) => ArrayLike<number> | undefined): Float64Array | undefined => {
    const parts = predictions.map(of);
    const length = parts[0]?.length;
    if (length === undefined) return undefined;
    const width = length / rows;
    return Float64Array.from({ length }, (_, i) => parts[choice[Math.floor(i / width)]]?.[i] ?? Number.NaN);
  };
  const scores = (kind: 'probabilities' | 'logits'): ArrayLike<number> | undefined =>
    mixed((each) => (each.task === 'classification' ? each[kind] : undefined));
  const labels = mixed(({ predictions: answers }) => answers);
  if (first.task === 'regression') return { ...first, predictions: labels ?? [] };
  const [probabilities, logits] = [scores('probabilities'), scores('logits')];
  return {
    ...first,
    ...(labels === undefined ? {} : { predictions: labels }),
    ...(probabilities === undefined ? {} : { probabilities }),
    ...(logits === undefined ? {} : { logits }),
  };
}
