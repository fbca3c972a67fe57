import { buildLedger } from '../evaluation/ledger.js';
import { findMetric } from '../evaluation/metrics/index.js';
import { meanOverSeeds, pairedOverSeeds } from '../evaluation/paired.js';
import type { ModelComparison } from '../evaluation/verdict.js';
import type { ReportFinding, ReportSeeds, TrainReportInput } from '../reports/train-report-input.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { Store } from '../store/types.js';
import type { ExperimentResult } from '../tuning/experiment.js';
import { leftOut } from '../tuning/plan.js';
import type { RunResult } from '../tuning/run-result.js';
import { compareRuns, type Worth } from '../tuning/worth.js';

/** The JSON answer of `ballast train`. */
export function trainDocument(
  resolved: ResolvedSpec,
  result: ExperimentResult,
  report: string,
  worth: readonly Worth[] | undefined,
): Record<string, unknown> {
  const { split } = result.data;
  return {
    experiment: result.id,
    dataset: {
      name: result.data.name,
      version: result.data.version,
      rows: { train: split.train.length, validation: split.validation.length, holdout: split.holdout.length },
    },
    runs: result.runs.map((run) => ({
      role: run.role,
      runId: run.runId,
      regularizerId: run.regularizerId,
      seed: run.seed,
      ...(run.fold === undefined ? {} : { fold: run.fold }),
      ...(run.without === undefined ? {} : { without: leftOut(resolved.spec, run.without) }),
      epochs: run.epochs,
      bestEpoch: run.bestEpoch,
      outcome: run.outcome,
      metrics: { train: run.train.metrics, validation: run.validation.metrics },
      gap: { metric: result.primary, value: run.gap.value, interval: run.gap.interval, method: run.gap.method },
      findings: run.findings,
      model: run.modelPath,
    })),
    seeds: seedsSummary(result.runs, result.primary),
    ...(worth === undefined ? {} : { ablations: worth }),
    report,
  };
}

/** Everything the report page shows. */
export async function trainReportInput(
  resolved: ResolvedSpec,
  result: ExperimentResult,
  store: Store,
  spec: string,
  worth?: readonly Worth[],
): Promise<TrainReportInput> {
  const { data, runs, primary } = result;
  const { split, table, roles } = data;
  const comparison = comparisonOf(resolved, result);
  const seeds = seedsSummary(runs, primary);
  const [first] = runs;
  const environment = (await store.getRun(first.runId)).environment as Record<string, unknown>;
  const roleOf = (name: string): string =>
    name === roles.target ? 'target' : roles.features.includes(name) ? 'feature' : 'other';
  const findings = [
    ...objectiveFindings(resolved, runs),
    ...runs.flatMap((run) =>
      run.findings.map(
        (finding): ReportFinding => ({
          severity: finding.severity,
          message: `${run.role}: ${finding.message}`,
          remedy: finding.remedy,
        }),
      ),
    ),
  ];
  return {
    title: resolved.spec.name,
    createdAt: new Date(),
    command: String(environment.command ?? ''),
    dataset: {
      name: data.name,
      version: data.version,
      rows: { train: split.train.length, validation: split.validation.length, holdout: split.holdout.length },
      columns: table.columns.slice(0, 200).map((column) => ({
        name: column.name,
        role: roleOf(column.name),
        type: column.kind === 'array' ? column.content : column.kind === 'number' ? column.type : column.kind,
      })),
      findings,
      holdoutReads: (await store.holdoutReads({ rowSet: data.rowSet })).length,
    },
    task: resolved.spec.task,
    primaryMetric: primary,
    runs: runs.map((run) => ({ ...run, stoppedEarly: run.outcome === 'stopped-early' })),
    ...(comparison === undefined ? {} : { comparison }),
    ...(seeds === undefined ? {} : { seeds }),
    ...(worth === undefined ? {} : { worth }),
    ledgers: runs.slice(0, 2).map((run) => ({
      role: run.role,
      ledger: buildLedger(primary, [
        { stage: 'train', evaluation: run.train },
        { stage: 'validation', evaluation: run.validation },
      ]),
    })),
    environment: {
      hardware: `${environment.processor}, ${environment.cores} cores`,
      runtime: `${environment.runtime} (${environment.backend})`,
      threads: Number(environment.threads),
      versions: { ballast: String(environment.ballast), node: String(environment.node) },
    },
    spec,
  };
}

/** The model against the baseline on the same rows, for the first seed and fold. */
function comparisonOf(resolved: ResolvedSpec, { data, runs, primary }: ExperimentResult): ModelComparison | undefined {
  const model = runs.find(({ role }) => role === 'model');
  const without = runs.find(
    ({ role, seed, fold }) => role === 'baseline' && seed === model?.seed && fold === model?.fold,
  );
  return model === undefined || without === undefined
    ? undefined
    : compareRuns(resolved, { data, primary }, { model, without });
}

/** Means over seeds (or folds) with intervals, and that of the paired differences. */
function seedsSummary(runs: readonly RunResult[], metric: string): ReportSeeds | undefined {
  const baselines = runs.filter(({ role }) => role === 'baseline');
  const pairs = baselines.flatMap((baseline) => {
    const model = runs.find(
      ({ role, seed, fold }) => role === 'model' && seed === baseline.seed && fold === baseline.fold,
    );
    const [before, after] = [baseline.validation.metrics[metric]?.value, model?.validation.metrics[metric]?.value];
    return before === undefined || after === undefined ? [] : [{ seed: baseline.seed, baseline: before, model: after }];
  });
  const baseline = meanOverSeeds(pairs.map((pair) => pair.baseline));
  const model = meanOverSeeds(pairs.map((pair) => pair.model));
  const difference = pairedOverSeeds(
    pairs.map((pair) => pair.model),
    pairs.map((pair) => pair.baseline),
  );
  if (baseline === undefined || model === undefined || difference === undefined) return undefined;
  return { metric, rows: pairs, baseline, model, difference };
}

/** Whether the model meets the spec's own limits, and whether it clearly is no worse than the baseline (M2). */
function objectiveFindings({ spec }: ResolvedSpec, runs: readonly RunResult[]): ReportFinding[] {
  const model = runs.find(({ role }) => role === 'model');
  if (model === undefined) return [];
  const { gap, ece } = spec.objectives.constraints;
  const measured = model.validation.metrics.ece?.value;
  const metric = findMetric(spec.objectives.primary ?? (spec.task === 'classification' ? 'accuracy' : 'rmse')).metric;
  return [
    ...(gap === undefined || model.gap.value <= gap
      ? []
      : [
          {
            severity: 'warning' as const,
            message: `the gap in ${metric.title.toLowerCase()} is ${model.gap.value.toFixed(4)}, above the limit of ${gap}`,
            remedy: 'Raise a strength, add data or augmentation, or lower the capacity',
          },
        ]),
    ...(ece === undefined || measured === undefined || measured <= ece
      ? []
      : [
          {
            severity: 'warning' as const,
            message: `the calibration error is ${measured.toFixed(4)}, above the limit of ${ece}`,
            remedy: 'Add label smoothing or weight decay, or calibrate',
          },
        ]),
  ];
}
