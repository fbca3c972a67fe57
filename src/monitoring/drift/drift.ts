import { BallastError } from '../../errors.js';
import { benjaminiHochberg } from '../../numeric/index.js';
import { type FeatureTest, testFeature } from './feature.js';
import { classifierTest, type MultivariateTest, mmdTest } from './multivariate.js';
import {
  type ColumnSummary,
  type ComparedKind,
  joinRows,
  lumpCategories,
  type SourceSummary,
} from './source-summary.js';

export interface DriftOptions {
  /** Share of false discoveries among all tests. Default 0.05. */
  readonly fdr?: number;
  /** Least effect that is called drift, as a share of the rows: with many rows every difference is certain. Default 0.05. */
  readonly leastEffect?: number;
  /** Test of all columns together. Default classifier. */
  readonly multivariate?: 'classifier' | 'mmd' | 'none';
  /** Only these columns. Default: all that both have. */
  readonly columns?: readonly string[];
  readonly exclude?: readonly string[];
  /** Columns that are answers of a model rather than its inputs: told apart. */
  readonly predictions?: readonly string[];
  readonly seed?: number;
}

export interface FeatureDrift extends FeatureTest {
  /** The p-value adjusted for all tests (Benjamini and Hochberg). */
  readonly adjusted: number;
  readonly drifted: boolean;
}

export interface DriftReport {
  /** Whether anything drifted, a column that is gone included. */
  readonly drifted: boolean;
  readonly rows: { readonly reference: number; readonly current: number };
  /** The largest effect first. */
  readonly features: readonly FeatureDrift[];
  readonly multivariate: (MultivariateTest & { readonly adjusted: number; readonly drifted: boolean }) | null;
  readonly predictions?: readonly FeatureDrift[];
  readonly fdr: number;
  readonly leastEffect: number;
  readonly columns: {
    readonly onlyReference: readonly string[];
    readonly onlyCurrent: readonly string[];
    /** Columns that are not compared, and why. */
    readonly skipped: Readonly<Record<string, string>>;
  };
}

/** Rows of each source that the tests of all columns together look at. */
const MULTIVARIATE_ROWS = { classifier: 5000, mmd: 500 } as const;

/**
 * Compares two sources column by column (Kolmogorov and Smirnov's test of numbers, chi-square of categories, missing values
 * beside), and all columns together, under one false discovery rate. A column drifts where the evidence is clear and the
 * effect is one that matters.
 *
 * @throws BallastError DRIFT_EMPTY, DRIFT_COLUMN
 */
export function measureDrift(
  reference: SourceSummary,
  current: SourceSummary,
  options: DriftOptions = {},
): DriftReport {
  const { fdr = 0.05, leastEffect = 0.05, multivariate = 'classifier', seed = 1 } = options;
  if (reference.rows === 0 || current.rows === 0) {
    const which = reference.rows === 0 ? 'reference' : 'current';
    throw new BallastError(`the ${which} rows are none`, { code: 'DRIFT_EMPTY', remedy: 'Give rows to compare' });
  }
  const { compared, skipped, onlyReference, onlyCurrent } = chooseColumns(reference, current, options);
  const tests = compared.map(({ name, pair, kind }) => {
    const [a, b] = lumpCategories(pair[0].distribution(kind), pair[1].distribution(kind));
    return testFeature(name, a, b);
  });
  const answers = new Set(options.predictions);
  const inputs = compared.filter(({ name }) => !answers.has(name));
  const together =
    multivariate === 'none' || inputs.length < 2
      ? undefined
      : (multivariate === 'mmd' ? mmdTest : classifierTest)(
          joinRows([reference.sample, current.sample], inputs, MULTIVARIATE_ROWS[multivariate]),
          seed,
        );
  const adjusted = benjaminiHochberg([...tests, ...(together === undefined ? [] : [together])].map((t) => t.pValue));
  const judged = <Tested extends { readonly effect: number }>(test: Tested, i: number) => ({
    ...test,
    adjusted: adjusted[i],
    drifted: adjusted[i] <= fdr && test.effect >= leastEffect,
  });
  const features = tests.map(judged).sort((a, b) => b.effect - a.effect);
  const whole = together === undefined ? null : judged(together, tests.length);
  return {
    drifted: onlyReference.length > 0 || features.some(({ drifted }) => drifted) || whole?.drifted === true,
    rows: { reference: reference.rows, current: current.rows },
    features: features.filter(({ name }) => !answers.has(name)),
    multivariate: whole,
    ...(answers.size === 0 ? {} : { predictions: features.filter(({ name }) => answers.has(name)) }),
    fdr,
    leastEffect,
    columns: { onlyReference, onlyCurrent, skipped },
  };
}

interface Compared {
  readonly name: string;
  readonly pair: readonly [Comparable, Comparable];
  readonly kind: ComparedKind;
}

type Comparable = Exclude<ColumnSummary, { readonly skipped: string }>;

function chooseColumns(
  reference: SourceSummary,
  current: SourceSummary,
  { columns, exclude = [], predictions = [] }: DriftOptions,
) {
  const left = new Set(exclude);
  const wanted = (name: string): boolean => !left.has(name) && (columns === undefined || columns.includes(name));
  const known = [...reference.columns.keys()].slice(0, 20).join(', ');
  const unknown = [...(columns ?? []), ...exclude, ...predictions].find(
    (name) => !reference.columns.has(name) && !current.columns.has(name),
  );
  if (unknown !== undefined) {
    throw new BallastError(`there is no column "${unknown}"`, { code: 'DRIFT_COLUMN', remedy: `Columns are ${known}` });
  }
  const skipped: Record<string, string> = {};
  const compared: Compared[] = [];
  for (const [name, own] of reference.columns) {
    const other = current.columns.get(name);
    if (!wanted(name) || other === undefined) continue;
    if ('skipped' in own || 'skipped' in other) {
      skipped[name] = 'skipped' in own ? own.skipped : 'skipped' in other ? other.skipped : '';
      continue;
    }
    compared.push({ name, pair: [own, other], kind: own.kind === other.kind ? own.kind : 'category' });
  }
  if (compared.length === 0) {
    throw new BallastError('the sources have no column of numbers or categories in common', {
      code: 'DRIFT_COLUMN',
      remedy: `Columns of the reference are ${known}`,
    });
  }
  const onlyIn = (source: SourceSummary, other: SourceSummary): string[] =>
    [...source.columns.keys()].filter((name) => wanted(name) && !other.columns.has(name));
  return {
    ...{ compared, skipped },
    onlyReference: onlyIn(reference, current),
    onlyCurrent: onlyIn(current, reference),
  };
}
