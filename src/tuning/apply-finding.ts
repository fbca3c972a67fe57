import type { Finding } from '../diagnosis/finding.js';
import { applyPatch } from '../diagnosis/patch.js';
import { BallastError } from '../errors.js';
import type { Figure } from '../evaluation/figure.js';
import { findMetric } from '../evaluation/metrics/index.js';
import { judgeDifference, type Verdict } from '../evaluation/verdict.js';
import { type ResolvedSpec, resolveSpec } from '../spec/read.js';
import type { Store } from '../store/types.js';
import type { Diagnosis } from './diagnose-run.js';
import { type ExperimentOptions, runExperiment } from './experiment.js';
import { planRuns } from './plan.js';
import { loadResult } from './result-record.js';
import { answersOf, changeOf } from './variant.js';

/** A finding's change, made and trained: what it did, beside what was expected of it. */
export interface Application {
  readonly finding: string;
  /** Experiment and run of the changed spec. */
  readonly experiment: string;
  readonly run: string;
  readonly metric: string;
  /** New model minus old on the same validation rows, paired. */
  readonly change: Figure;
  readonly verdict: Verdict;
  readonly expected: Finding['expected'];
  /** Whether it helped, by as much as was expected within both intervals; null without an expectation. */
  readonly held: boolean | null;
}

/**
 * Trains the spec as a finding changes it, recorded as an experiment of its own, under a seed that no probe has seen, and
 * compares the new model with the judged one on the same validation rows.
 *
 * @throws BallastError INTERRUPTED
 */
export async function applyFinding(
  store: Store,
  runId: string,
  { found: { resolved, evidence }, finding }: { found: Diagnosis; finding: Finding },
  options: Pick<ExperimentOptions, 'runtime' | 'workFolder' | 'ballastVersion' | 'onEvent' | 'signal'>,
): Promise<Application> {
  if (finding.patch === null) throw new Error('a finding without a patch cannot be applied');
  const old = await loadResult(store, runId);
  const spec = changedSpec(resolved, finding, old.seed);
  const experiment = await runExperiment(spec, { ...options, store });
  const run = experiment.runs.find(({ role, fold }) => role === 'model' && fold === old.fold);
  if (experiment.interrupted || run === undefined) {
    throw new BallastError('interrupted; everything up to the last step is kept', {
      code: 'INTERRUPTED',
      kind: 'cancelled',
      remedy: `Go on with: ballast train --resume ${experiment.id.slice(0, 8)}`,
    });
  }
  const { data } = experiment;
  const { seed } = spec.spec.training;
  const plan = planRuns(resolved.spec, data).find((each) => each.seed === old.seed && each.fold === old.fold);
  if (plan === undefined) throw new Error('a run is planned by its own spec');
  const metric = finding.expected?.metric ?? evidence.metric;
  const [from, to] = [old, run].map((result) => answersOf(resolved, data, plan, result));
  const change = changeOf(metric, { from, to }, { level: 0.95, seed });
  if (change === undefined) throw new Error(`${metric} had a value on these rows before`);
  const { expected } = finding;
  return {
    finding: finding.id,
    experiment: experiment.id,
    run: run.runId,
    metric,
    change,
    verdict: judgeDifference(change, findMetric(metric).metric.direction),
    expected,
    held:
      expected === null
        ? null
        : judgeDifference(change, findMetric(metric).metric.direction) === 'helped' &&
          expected.interval[0] <= change.interval[1] &&
          change.interval[0] <= expected.interval[1],
  };
}

/** The spec as a finding changes it, under a seed that no probe has seen. */
function changedSpec(resolved: ResolvedSpec, { patch }: Finding, seed: number): ResolvedSpec {
  const { training, ...rest } = applyPatch(resolved.spec, patch ?? []);
  return resolveSpec({ ...rest, training: { ...training, seed: seed + SEEDS_OF_PROBES } }, resolved.baseDirectory);
}

/** Probes use the seed of the run and the one after it. */
const SEEDS_OF_PROBES = 2;
