import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BallastError } from '../../errors.js';
import { derive } from '../../numeric/index.js';
import { prepareDetection } from './detection.js';
import { evaluateDetection, evaluateLanguage, evaluateRanking, evaluateSpeech } from './evaluate-units.js';
import { edits } from './speech.js';

interface Golden {
  ranking: { rows: [number, number, number][]; values: Record<string, number> }[];
  speech: { reference: string[]; hypothesis: string[]; values: Record<string, number> };
  detection: {
    images: { id: number }[];
    annotations: {
      image_id: number;
      category_id: number;
      bbox: [number, number, number, number];
      area: number;
      iscrowd: number;
    }[];
    results: { image_id: number; category_id: number; bbox: [number, number, number, number]; score: number }[];
    values: Record<string, number>;
  };
}

const golden = JSON.parse(readFileSync(new URL('./goldens/units.json', import.meta.url), 'utf8')) as Golden;
const bootstrap = { resamples: 200 };

const detectionInput = () => ({
  images: golden.detection.images.map(({ id }) => id),
  truth: golden.detection.annotations.map(({ image_id, category_id, bbox, area, iscrowd }) => ({
    image: image_id,
    category: category_id,
    box: bbox,
    area,
    crowd: iscrowd === 1,
  })),
  detected: golden.detection.results.map(({ image_id, category_id, bbox, score }) => ({
    image: image_id,
    category: category_id,
    box: bbox,
    score,
  })),
});

function code(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof BallastError) return error.code;
    throw error;
  }
  return undefined;
}

describe('metrics of units', () => {
  it.each(golden.ranking)('ranks as scikit-learn does, equal scores included', ({ rows, values }) => {
    const { metrics } = evaluateRanking({
      query: rows.map(([query]) => query),
      relevance: rows.map(([, relevance]) => relevance),
      score: rows.map(([, , score]) => score),
      metrics: ['ndcg@5'],
      bootstrap,
    });
    for (const [name, value] of Object.entries(values)) expect(metrics[name].value).toBeCloseTo(value, 12);
    for (const { value, interval } of Object.values(metrics)) {
      expect(interval[0]).toBeLessThanOrEqual(value);
      expect(interval[1]).toBeGreaterThanOrEqual(value);
    }
  });

  it('counts the words of jiwer', () => {
    const { reference, hypothesis, values } = golden.speech;
    const { metrics } = evaluateSpeech({ reference, hypothesis, bootstrap });
    expect(metrics.wer.value).toBeCloseTo(values.wer, 12);
    expect(metrics.cer.value).toBeCloseTo(values.cer, 12);
    const { substitutions, deletions, insertions } = metrics;
    expect(substitutions.value + deletions.value + insertions.value).toBeCloseTo(values.wer, 12);
  });

  it('finds objects as pycocotools does: crowds, sizes, a hundred recalls', () => {
    const { metrics } = evaluateDetection({ ...detectionInput(), bootstrap });
    for (const [name, value] of Object.entries(golden.detection.values))
      expect(metrics[name].value, name).toBeCloseTo(value, 9);
  });

  it('takes the perplexity of a uniform guess for the number of words, and bits from nats', () => {
    const { metrics, units } = evaluateLanguage({
      document: [1, 1, 2, 3],
      logProbability: new Float64Array(4).fill(-Math.log(50)),
      bytes: [5, 5, 5, 5],
      bootstrap,
    });
    expect(units).toBe(3);
    expect(metrics.perplexity.value).toBeCloseTo(50, 9);
    expect(metrics.bitsPerByte.value).toBeCloseTo(Math.log2(50) / 5, 12);
  });

  it('counts judged answers only', () => {
    const { metrics, omitted, primary } = evaluateLanguage({
      document: [1, 2, 3, 4],
      hallucinated: [1, 0, Number.NaN, 0],
      bootstrap,
    });
    expect(primary).toBe('hallucinationRate');
    expect(metrics.hallucinationRate.value).toBeCloseTo(1 / 3, 12);
    expect(omitted.perplexity).toBe('no log probabilities are given');
  });

  it('counts clicks by row shown', () => {
    const { metrics } = evaluateRanking({
      query: [1, 1, 2, 2],
      relevance: [1, 0, 1, 0],
      score: [2, 1, 2, 1],
      clicked: [1, 0, 1, Number.NaN],
      bootstrap,
    });
    expect(metrics.ctr.value).toBeCloseTo(2 / 3, 12);
    expect(metrics['recall@10'].value).toBe(1);
  });

  it('has intervals that cover: the word error rate of utterances of any length', () => {
    const random = derive(11, 'coverage');
    const rate = 0.2;
    let covered = 0;
    const rounds = 150;
    for (let round = 0; round < rounds; round++) {
      const reference: string[] = [];
      const hypothesis: string[] = [];
      for (let i = 0; i < 60; i++) {
        const words = Array.from({ length: 1 + Math.floor(20 * random.uniform()) }, () => 'w');
        reference.push(words.join(' '));
        hypothesis.push(words.map((word) => (random.uniform() < rate ? 'x' : word)).join(' '));
      }
      const { interval } = evaluateSpeech({ reference, hypothesis, seed: round, bootstrap }).metrics.wer;
      if (interval[0] <= rate && rate <= interval[1]) covered++;
    }
    // 95 % of 150 within its binomial band at 0.1 %.
    expect(covered).toBeGreaterThanOrEqual(133);
  });

  it('counts edits as a distance does', () => {
    const words = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 });
    const distance = (a: string[], b: string[]) => {
      const { substitutions, deletions, insertions } = edits(a, b);
      return substitutions + deletions + insertions;
    };
    fc.assert(
      fc.property(words, words, words, (a, b, c) => {
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, c)).toBeLessThanOrEqual(distance(a, b) + distance(b, c));
        const { deletions, insertions } = edits(a, b);
        expect(a.length - deletions + insertions).toBe(b.length);
        expect(distance(a, a)).toBe(0);
      }),
    );
  });

  it('ranks perfectly whatever the order of rows and any monotone change of scores', () => {
    const rows = fc.array(
      fc.record({
        query: fc.integer({ min: 0, max: 3 }),
        relevance: fc.integer({ min: 0, max: 3 }),
        score: fc.integer({ min: -5, max: 5 }),
      }),
      { minLength: 2, maxLength: 30 },
    );
    fc.assert(
      fc.property(rows, (given) => {
        const of = (list: typeof given, scale: number) =>
          evaluateRanking({
            query: list.map(({ query }) => query),
            relevance: list.map(({ relevance }) => relevance),
            score: list.map(({ score }) => scale * score ** 3),
            bootstrap: { resamples: 2 },
          }).metrics.ndcg?.value;
        const value = of(given, 1);
        const again = of(given.toReversed(), 0.5);
        if (value === undefined) expect(again).toBeUndefined();
        else {
          expect(again).toBeCloseTo(value, 12);
          expect(value).toBeLessThanOrEqual(1 + 1e-12);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('names what is wrong with its input', () => {
    expect(code(() => evaluateRanking({ query: [1], relevance: [-1], score: [0] }))).toBe('EVALUATION_RELEVANCE');
    expect(code(() => evaluateRanking({ query: [1], relevance: [1], score: [Number.NaN] }))).toBe(
      'EVALUATION_NOT_FINITE',
    );
    expect(code(() => evaluateRanking({ query: [], relevance: [], score: [] }))).toBe('EVALUATION_EMPTY');
    expect(code(() => evaluateRanking({ query: [1], relevance: [1], score: [1], metrics: ['wer'] }))).toBe(
      'METRIC_UNKNOWN',
    );
    expect(code(() => evaluateRanking({ query: [1], relevance: [1], score: [1], metrics: ['ndcg@0'] }))).toBe(
      'METRIC_PARAMETER',
    );
    expect(code(() => evaluateSpeech({ reference: [' '], hypothesis: ['a'] }))).toBe('EVALUATION_REFERENCE');
    expect(code(() => evaluateLanguage({ document: [1], logProbability: [0.5] }))).toBe('EVALUATION_COUNT');
    expect(code(() => evaluateLanguage({ document: [1] }))).toBe('EVALUATION_NO_PREDICTIONS');
    const { images, truth } = detectionInput();
    expect(
      code(() =>
        prepareDetection({ images, truth, detected: [{ image: 1, category: 1, box: [0, 0, 1, 1], score: 1 }] }),
      ),
    ).toBe('EVALUATION_IMAGE');
    expect(
      code(() =>
        prepareDetection({ images, truth, detected: [{ image: 10, category: 1, box: [0, 0, -1, 1], score: 1 }] }),
      ),
    ).toBe('EVALUATION_BOX');
  });
});
