/** Language models: perplexity of given texts, and answers that judges looked at. */
import { invalid } from '../invalid.js';
import { isMeasured, type Measurement } from '../metric.js';
import { ratioOfSums, type UnitMetric } from './unit-metric.js';

/** Rows are tokens, or texts with the sum over their tokens. */
export interface LanguageInput {
  /** Text that a row belongs to, any numbers, [N]. */
  readonly document: ArrayLike<number>;
  /** Natural logarithm of the probability of the row's token, or sum of those of its tokens, [N]. */
  readonly logProbability?: ArrayLike<number>;
  /** Tokens of each row, [N]. Default 1. */
  readonly tokens?: ArrayLike<number>;
  /** Bytes of UTF-8 of each row, [N]. */
  readonly bytes?: ArrayLike<number>;
  /** 1 where a judge found the answer made up, 0 where not, NaN where nobody looked, [N]. */
  readonly hallucinated?: ArrayLike<number>;
}

/** Sums over each text. */
export interface LanguageSample {
  readonly documents: number;
  readonly loss: Float64Array | undefined;
  readonly tokens: Float64Array;
  readonly bytes: Float64Array | undefined;
  readonly hallucinated: Float64Array | undefined;
  readonly judged: Float64Array;
}

/** @throws BallastError EVALUATION_LOG_PROBABILITY, EVALUATION_COUNT, EVALUATION_SHAPE naming the row */
export function prepareLanguage(input: LanguageInput): LanguageSample {
  const { document, logProbability, tokens, bytes, hallucinated } = input;
  if (logProbability === undefined && hallucinated === undefined) {
    throw invalid('There are neither log probabilities nor judgements', 'EVALUATION_NO_PREDICTIONS');
  }
  const index = new Map<number, number>();
  for (let row = 0; row < document.length; row++) if (!index.has(document[row])) index.set(document[row], index.size);
  const summed = (
    name: string,
    values: ArrayLike<number>,
    check: (value: number) => boolean,
    expected: string,
  ): Float64Array => {
    if (values.length !== document.length)
      throw invalid(`There are ${document.length} rows but ${values.length} ${name}`, 'EVALUATION_SHAPE');
    const sums = new Float64Array(index.size);
    for (let row = 0; row < values.length; row++) {
      if (!check(values[row]))
        throw invalid(`${name} is ${expected}`, 'EVALUATION_COUNT', values[row], `${name}, row ${row}`);
      sums[index.get(document[row])!] += values[row];
    }
    return sums;
  };
  const count = (value: number): boolean => value > 0 && Number.isFinite(value);
  const judgements = hallucinated && Float64Array.from(hallucinated);
  return {
    documents: index.size,
    loss:
      logProbability &&
      summed(
        'logProbability',
        logProbability,
        (p) => p <= 0 && Number.isFinite(p),
        'the logarithm of a probability: at most 0',
      ).map((p) => -p),
    tokens: summed('tokens', tokens ?? new Float64Array(document.length).fill(1), count, 'a number above 0'),
    bytes: bytes && summed('bytes', bytes, count, 'a number above 0'),
    hallucinated:
      judgements &&
      summed(
        'hallucinated',
        judgements.map((value) => (Number.isNaN(value) ? 0 : value)),
        (value) => value === 0 || value === 1,
        '0, 1 or missing',
      ),
    judged:
      judgements === undefined
        ? new Float64Array(index.size)
        : summed(
            'hallucinated',
            judgements.map((value) => (Number.isNaN(value) ? 0 : 1)),
            () => true,
            '',
          ),
  };
}

/** exp of a mean: its interval is one of the mean, taken through. */
function exponential(mean: Measurement): Measurement {
  if (!isMeasured(mean)) return mean;
  const value = Math.exp(mean.value);
  return {
    value,
    support: mean.support,
    scale: 'log',
    resample: (counts) => Math.exp(mean.resample!(counts)),
    influence: () => mean.influence!().map((slope) => value * slope),
  };
}

export const LANGUAGE_METRICS: readonly UnitMetric<LanguageSample>[] = [
  {
    name: 'perplexity',
    title: 'Perplexity',
    direction: 'lower',
    range: [1, Number.POSITIVE_INFINITY],
    standard: [Number.NaN],
    description: 'exp of the mean negative log probability of a token, over all texts.',
    measure: ({ loss, tokens }) =>
      loss === undefined
        ? { reason: 'no log probabilities are given' }
        : exponential(ratioOfSums(loss, tokens, 'there are no tokens')),
  },
  {
    name: 'bitsPerByte',
    title: 'Bits per byte',
    direction: 'lower',
    range: [0, Number.POSITIVE_INFINITY],
    standard: [Number.NaN],
    description: 'Negative log2 probability per byte of text: comparable between tokenizers.',
    measure: ({ loss, bytes }) =>
      loss === undefined || bytes === undefined
        ? { reason: 'the bytes of each row are not given' }
        : ratioOfSums(
            loss.map((nats) => nats / Math.LN2),
            bytes,
            'there are no bytes',
          ),
  },
  {
    name: 'hallucinationRate',
    title: 'Hallucination rate',
    direction: 'lower',
    range: [0, 1],
    standard: [Number.NaN],
    description: 'Share of judged answers that judges found made up.',
    measure: ({ hallucinated, judged }) =>
      hallucinated === undefined
        ? { reason: 'no judgements are given' }
        : ratioOfSums(hallucinated, judged, 'no answer was judged'),
  },
];
