import { chiSquareTest, kolmogorovSf, ksTwoSample } from '../../numeric/index.js';
import {
  binned,
  jensenShannon,
  ksDistance,
  populationStability,
  spread,
  totalVariation,
  wasserstein,
} from './distances.js';
import type { CategoryDistribution, Distribution, NumberDistribution } from './distribution.js';

/** One column, reference against current, before it is judged beside the others. */
export interface FeatureTest {
  readonly name: string;
  /** `missing` where the column has a kind in one source that it has not in the other, or no value at all. */
  readonly test: 'ks' | 'chi-square' | 'missing';
  readonly statistic: number;
  /** Of values and of missing ones together: twice the smaller of both. */
  readonly pValue: number;
  /** Share of rows, 0 to 1: the distance of distribution functions, the total variation, or the change of missing ones. */
  readonly effect: number;
  readonly distances: Readonly<Record<string, number>>;
  readonly missing: { readonly reference: number; readonly current: number };
}

/** Tests one column. Both distributions are of one kind. */
export function testFeature(name: string, reference: Distribution, current: Distribution): FeatureTest {
  const share = ({ missing, count }: Distribution): number => missing / Math.max(1, missing + count);
  const missing = { reference: share(reference), current: share(current) };
  const absent = chiSquareTest([
    [reference.count, reference.missing],
    [current.count, current.missing],
  ]).pValue;
  const values =
    reference.count === 0 || current.count === 0
      ? undefined
      : reference.kind === 'number' && current.kind === 'number'
        ? testNumbers(reference, current)
        : reference.kind === 'category' && current.kind === 'category'
          ? testCategories(reference, current)
          : undefined;
  const change = Math.abs(missing.reference - missing.current);
  if (values === undefined) {
    const never = reference.count === 0 && current.count === 0;
    return {
      ...{ name, test: 'missing', statistic: change, pValue: never ? 1 : absent },
      ...{ effect: change, distances: {}, missing },
    };
  }
  const pValue =
    reference.missing + current.missing === 0 ? values.pValue : Math.min(1, 2 * Math.min(values.pValue, absent));
  return { name, ...values, pValue, effect: Math.max(values.effect, change), missing };
}

type ValueTest = Pick<FeatureTest, 'test' | 'statistic' | 'pValue' | 'effect' | 'distances'>;

function testNumbers(reference: NumberDistribution, current: NumberDistribution): ValueTest {
  const error = reference.rankError + current.rankError;
  const statistic = ksDistance(reference, current);
  // A sketch may be wrong by so much: only what is beyond it is evidence.
  const [n, m] = [reference.count, current.count];
  const pValue =
    error === 0
      ? ksTwoSample(reference.values, current.values).pValue
      : kolmogorovSf(Math.sqrt((n * m) / (n + m)) * Math.max(0, statistic - error));
  const [p, q] = binned(reference, current);
  const unit = spread(reference);
  const distance = wasserstein(reference, current);
  return {
    test: 'ks',
    statistic,
    pValue,
    effect: statistic,
    distances: {
      ks: statistic,
      wasserstein: distance,
      ...(unit > 0 ? { wassersteinInDeviations: distance / unit } : {}),
      psi: populationStability(p, q),
      jensenShannon: jensenShannon(p, q),
    },
  };
}

/** Rarer categories than this, in both sources together, are taken as one: chi-square wants expected counts. */
const FEWEST = 10;

function testCategories(reference: CategoryDistribution, current: CategoryDistribution): ValueTest {
  const names = [...new Set([...reference.counts.keys(), ...current.counts.keys()])];
  const pairs = names.map((name) => [reference.counts.get(name) ?? 0, current.counts.get(name) ?? 0] as const);
  const common = pairs.filter(([a, b]) => a + b >= FEWEST);
  const rare = pairs.filter(([a, b]) => a + b < FEWEST);
  const lumped = rare.length === 0 ? common : [...common, rare.reduce(([a, b], [c, d]) => [a + c, b + d] as const)];
  const [p, q] = [lumped.map(([a]) => a), lumped.map(([, b]) => b)];
  const { statistic, pValue } = chiSquareTest([p, q]);
  const variation = totalVariation(p, q);
  return {
    test: 'chi-square',
    statistic,
    pValue,
    effect: variation,
    distances: { totalVariation: variation, psi: populationStability(p, q), jensenShannon: jensenShannon(p, q) },
  };
}
