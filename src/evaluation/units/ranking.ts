/** Ranking: how well scores put the relevant documents of each query first. */
import { invalid } from '../invalid.js';
import { meanOfUnits, ratioOfSums, type UnitMetric } from './unit-metric.js';

export interface RankingInput {
  /** Query of each row, any numbers, [N]. */
  readonly query: ArrayLike<number>;
  /** Relevance, >= 0, 0 is not relevant, [N]. */
  readonly relevance: ArrayLike<number>;
  /** Larger is ranked earlier, [N]. */
  readonly score: ArrayLike<number>;
  /** 1 where the row was shown and clicked, 0 where it was shown and not, NaN where it was not shown, [N]. */
  readonly clicked?: ArrayLike<number>;
}

/** Rows of one query, by score, the largest first; equal scores make one block. */
interface RankedQuery {
  /** [blocks + 1]: where the blocks of equal scores begin. */
  readonly starts: Int32Array;
  /** Relevance by rank. */
  readonly gains: Float64Array;
  readonly relevant: number;
  readonly shown: number;
  readonly clicks: number;
}

export interface RankingSample {
  readonly queries: readonly RankedQuery[];
  readonly clicksKnown: boolean;
}

/** @throws BallastError EVALUATION_SHAPE, EVALUATION_NOT_FINITE, EVALUATION_RELEVANCE naming the row */
export function prepareRanking({ query, relevance, score, clicked }: RankingInput): RankingSample {
  const rows = query.length;
  for (const [name, values] of Object.entries({ relevance, score, ...(clicked && { clicked }) })) {
    if (values.length !== rows)
      throw invalid(`There are ${rows} queries but ${values.length} ${name}`, 'EVALUATION_SHAPE');
  }
  const byQuery = new Map<number, number[]>();
  for (let row = 0; row < rows; row++) {
    if (!Number.isFinite(score[row]))
      throw invalid('A score is missing or infinite', 'EVALUATION_NOT_FINITE', score[row], `score, row ${row}`);
    if (!(relevance[row] >= 0 && Number.isFinite(relevance[row]))) {
      throw invalid(
        'A relevance is a number of at least 0',
        'EVALUATION_RELEVANCE',
        relevance[row],
        `relevance, row ${row}`,
      );
    }
    const own = byQuery.get(query[row]);
    if (own === undefined) byQuery.set(query[row], [row]);
    else own.push(row);
  }
  const queries = [...byQuery.values()].map((own): RankedQuery => {
    const order = own.toSorted((a, b) => score[b] - score[a]);
    const starts = order.flatMap((row, rank) => (rank === 0 || score[row] !== score[order[rank - 1]] ? [rank] : []));
    const gains = Float64Array.from(order, (row) => relevance[row]);
    const clicks = clicked === undefined ? [] : own.map((row) => clicked[row]).filter((click) => !Number.isNaN(click));
    return {
      starts: Int32Array.from([...starts, order.length]),
      gains,
      relevant: gains.filter((gain) => gain > 0).length,
      shown: clicks.length,
      clicks: clicks.reduce((sum, click) => sum + click, 0),
    };
  });
  return { queries, clicksKnown: clicked !== undefined };
}

const NONE_RELEVANT = 'no query has a relevant row';
const SHARED = { direction: 'higher', range: [0, 1] } as const;

/** A mean over the queries that have something relevant. */
const overQueries = (of: (query: RankedQuery, k: number) => number) => (sample: RankingSample, k: number) =>
  meanOfUnits(
    Float64Array.from(sample.queries, (query) => (query.relevant === 0 ? Number.NaN : of(query, k))),
    NONE_RELEVANT,
  );

export const RANKING_METRICS: readonly UnitMetric<RankingSample>[] = [
  {
    ...SHARED,
    name: 'ndcg',
    title: 'NDCG',
    standard: [Number.NaN],
    description:
      'Discounted cumulative gain over the best possible one (Järvelin & Kekäläinen 2002): gain is the relevance, discount log2(rank + 1); equal scores share the mean gain of their ranks (McSherry & Najork 2008). Queries without a relevant row do not count.',
    measure: overQueries((query) => ndcg(query, Number.POSITIVE_INFINITY)),
  },
  {
    ...SHARED,
    name: 'ndcg@k',
    title: 'NDCG at',
    standard: [10],
    description: 'NDCG of the first k ranks.',
    measure: overQueries(ndcg),
  },
  {
    ...SHARED,
    name: 'map',
    title: 'Mean average precision',
    standard: [Number.NaN],
    description:
      'Mean over relevant rows of the share of relevant rows among those scored at least as high (label ranking average precision); equal scores rank last among themselves.',
    measure: overQueries(averagePrecision),
  },
  {
    ...SHARED,
    name: 'mrr',
    title: 'Mean reciprocal rank',
    standard: [Number.NaN],
    description: '1 / rank of the first relevant row; equal scores rank last among themselves.',
    measure: overQueries(({ starts, gains }) => {
      const block = starts.findIndex((start, i) => i > 0 && gains.subarray(starts[i - 1], start).some((g) => g > 0));
      return 1 / starts[block];
    }),
  },
  {
    ...SHARED,
    name: 'recall@k',
    title: 'Recall at',
    standard: [10],
    description: 'Share of the relevant rows of a query among its first k; ties at the k-th place count in part.',
    measure: overQueries((query, k) => hitsAt(query, k) / query.relevant),
  },
  {
    ...SHARED,
    name: 'precision@k',
    title: 'Precision at',
    standard: [],
    description: 'Share of relevant rows among the first k of a query; ties at the k-th place count in part.',
    measure: overQueries((query, k) => hitsAt(query, k) / k),
  },
  {
    ...SHARED,
    name: 'ctr',
    title: 'Click-through rate',
    standard: [Number.NaN],
    description: 'Clicks per row shown; its interval knows that rows of one query are not independent.',
    measure: ({ queries, clicksKnown }) =>
      clicksKnown
        ? ratioOfSums(
            Float64Array.from(queries, ({ clicks }) => clicks),
            Float64Array.from(queries, ({ shown }) => shown),
            'nothing was shown',
          )
        : { reason: 'no clicks are given' },
  },
];

function ndcg({ starts, gains }: RankedQuery, k: number): number {
  const discount = (rank: number): number => (rank < k ? 1 / Math.log2(rank + 2) : 0);
  let gained = 0;
  for (let block = 1; block < starts.length; block++) {
    const [from, to] = [starts[block - 1], starts[block]];
    let gain = 0;
    let weight = 0;
    for (let rank = from; rank < to; rank++) {
      gain += gains[rank];
      weight += discount(rank);
    }
    gained += (gain / (to - from)) * weight;
  }
  const ideal = gains
    .toSorted()
    .reverse()
    .reduce((sum, gain, rank) => sum + gain * discount(rank), 0);
  return gained / ideal;
}

function averagePrecision({ starts, gains, relevant }: RankedQuery): number {
  let found = 0;
  let sum = 0;
  for (let block = 1; block < starts.length; block++) {
    const hits = gains.subarray(starts[block - 1], starts[block]).filter((gain) => gain > 0).length;
    found += hits;
    sum += (hits * found) / starts[block];
  }
  return sum / relevant;
}

function hitsAt({ starts, gains }: RankedQuery, k: number): number {
  let hits = 0;
  for (let block = 1; block < starts.length && starts[block - 1] < k; block++) {
    const [from, to] = [starts[block - 1], starts[block]];
    const relevant = gains.subarray(from, to).filter((gain) => gain > 0).length;
    hits += relevant * Math.min(1, (k - from) / (to - from));
  }
  return hits;
}
