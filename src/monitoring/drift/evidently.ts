import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { benjaminiHochberg } from '../../numeric/index.js';
import type { DriftReport, FeatureDrift } from './drift.js';

/** A report as Evidently writes it (`Report.run(...).json()`, since 0.7). */
export interface EvidentlyReport {
  readonly metrics: readonly {
    readonly id: string;
    readonly metric_name: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly value: unknown;
  }[];
  readonly tests: readonly unknown[];
}

const VALUE_DRIFT = 'evidently:metric_v2:ValueDrift';
const DRIFTED_COLUMNS = 'evidently:metric_v2:DriftedColumnsCount';
/** Evidently's names of the tests that are ours too. */
const METHODS: Readonly<Record<FeatureDrift['test'], string>> = {
  ks: 'K-S p_value',
  'chi-square': 'chi-square p_value',
  missing: 'chi-square p_value',
};

/** A report as Evidently's: a metric per column with its p-value, and how many columns drifted, by our rule. */
export function toEvidently({ features, predictions = [], fdr }: DriftReport): EvidentlyReport {
  const columns = [...features, ...predictions];
  const count = columns.filter(({ drifted }) => drifted).length;
  // One column that drifted is drift: Evidently's own default would want half of them.
  const share = columns.length === 0 ? 1 : 1 / columns.length;
  return {
    metrics: [
      metric(
        `DriftedColumnsCount(drift_share=${share})`,
        { type: DRIFTED_COLUMNS, drift_share: share },
        {
          count,
          share: columns.length === 0 ? 0 : count / columns.length,
        },
      ),
      ...columns.map(({ name, test, pValue }) =>
        metric(
          `ValueDrift(column=${name},method=${METHODS[test]},threshold=${fdr})`,
          { type: VALUE_DRIFT, column: name, method: METHODS[test], threshold: fdr },
          pValue,
        ),
      ),
    ],
    tests: [],
  };
}

function metric(
  name: string,
  config: Readonly<Record<string, unknown>>,
  value: unknown,
): EvidentlyReport['metrics'][number] {
  const id = createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 32);
  return { id, metric_name: name, config, value };
}

const reportSchema = z.object({
  metrics: z.array(z.object({ config: z.looseObject({ type: z.string() }), value: z.unknown() })),
});
const valueDrift = z.object({
  config: z.object({ column: z.string(), method: z.string(), threshold: z.number().nullish() }),
  value: z.number(),
});

/** What an Evidently report says of columns, judged by our rule where it has p-values. */
export interface EvidentlyDrift {
  readonly drifted: boolean;
  /** The surest first. */
  readonly features: readonly {
    readonly name: string;
    readonly test: string;
    readonly statistic: number;
    /** null where the method is a distance. */
    readonly pValue: number | null;
    readonly adjusted: number | null;
    readonly drifted: boolean;
  }[];
  readonly fdr: number;
}

/**
 * Reads an Evidently report: its p-values under one false discovery rate, its distances by their own thresholds.
 *
 * @throws BallastError `EVIDENTLY_INVALID`
 */
export function fromEvidently(document: unknown, place: string, fdr = 0.05): EvidentlyDrift {
  const parsed = reportSchema.safeParse(document);
  const metrics = parsed.success ? parsed.data.metrics.filter(({ config }) => config.type === VALUE_DRIFT) : [];
  const columns = metrics.flatMap((each) => valueDrift.safeParse(each).data ?? []);
  if (columns.length === 0) {
    throw new BallastError('this is no report of Evidently on the drift of columns', {
      code: 'EVIDENTLY_INVALID',
      place,
      remedy: 'Write one with Report([DataDriftPreset()]).run(current, reference).save_json(FILE)',
    });
  }
  const pValues = columns.map(({ config, value }) => (/p_value/.test(config.method) ? value : Number.NaN));
  const adjusted = benjaminiHochberg(pValues);
  const features = columns.map(({ config: { column, method, threshold }, value }, i) => {
    const tested = !Number.isNaN(pValues[i]);
    return {
      ...{ name: column, test: method, statistic: value },
      pValue: tested ? value : null,
      adjusted: tested ? adjusted[i] : null,
      drifted: tested ? adjusted[i] <= fdr : value >= (threshold ?? 0.1),
    };
  });
  return {
    drifted: features.some(({ drifted }) => drifted),
    features: features.sort((a, b) => (a.adjusted ?? 0) - (b.adjusted ?? 0)),
    fdr,
  };
}
