import type { Evaluation, LedgerStage } from '../../evaluation/index.js';
import type { AlertState, ModelVersion, Run, Store, StoredObservation } from '../../store/index.js';
import { ledgerOfRun } from '../../tuning/run-ledger.js';
import { differences, type SpecDifference } from '../../tuning/spec-difference.js';
import { type Confused, confusedOf, confusedRows } from '../dashboard/confused.js';
import { type Failing, topFailing } from '../dashboard/failing.js';
import { type MissingLabels, missingLabels } from '../labels/missing.js';
import { type ModelFacts, modelFacts } from '../runbooks/facts.js';
import { versionOf } from '../slo/model-slos.js';
import { stagesOfProduction } from '../stages/production-stages.js';
import { type Occurrence, timeline } from './timeline.js';

/** A stretch of time in which something was wrong with a model. */
export interface IncidentRange {
  /** ms since 1970. */
  readonly from: number;
  readonly to: number;
}

/** What users met of one version in that time. */
export interface Impact {
  readonly version: string;
  readonly role: 'live' | 'candidate';
  readonly requests: number;
  readonly failed: number;
  readonly labelled: number;
  readonly wrong: number;
}

/** Everything that the record holds about an incident: the incident checklist and the postmortem are written from it. */
export interface Incident extends IncidentRange {
  readonly model: string;
  readonly known: ModelFacts;
  readonly alerts: readonly AlertState[];
  readonly impact: readonly Impact[];
  readonly timeline: readonly Occurrence[];
  /** What the version before was trained with otherwise, regularizers first; undefined where there is none to compare. */
  readonly changed: readonly SpecDifference[] | undefined;
  /** What fails most: faults, flags, slices. */
  readonly failing: readonly Failing[];
  /** Classes that are taken for each other on the holdout and in production, the worst first. */
  readonly confused: { readonly holdout: readonly Confused[]; readonly production: readonly Confused[] };
  /** The gap ledger from train to production. */
  readonly ledger: readonly LedgerStage[];
  readonly labels: MissingLabels;
  /** The version that answers now, and trainings of the same experiment since. */
  readonly answering: string | undefined;
  readonly retrained: readonly {
    readonly id: string;
    readonly status: string;
    readonly regularizerId: string | undefined;
  }[];
}

const MOST_ROWS = 5000;

/**
 * Gathers an incident from the record.
 *
 * @param version that is meant; unless given the one that most went wrong with, and where nothing did the one that answers
 */
export async function gatherIncident(
  store: Store,
  model: string,
  { from, to, version }: IncidentRange & { readonly version?: string | undefined },
): Promise<Incident> {
  const impact = await impactOf(store, model, { from, to });
  const bad = ({ failed, wrong }: Impact): number => failed + wrong;
  const [worst] = impact.filter((each) => bad(each) > 0).toSorted((a, b) => bad(b) - bad(a));
  const known = await modelFacts(store, model, version ?? worst?.version);
  const now = await modelFacts(store, model);
  const meant = await registered(store, model, known.facts.VERSION);
  const before = await registered(store, model, known.facts.PREVIOUS);
  const run = meant?.runId === undefined ? undefined : await store.getRun(meant.runId);
  const rows = await store.observationsBetween(model, { from, to, limit: MOST_ROWS });
  return {
    ...{ model, from, to, known },
    alerts: (await store.listAlerts({ model })).filter(
      ({ startedAt, seenAt, resolvedAt }) => startedAt.getTime() <= to && (resolvedAt ?? seenAt).getTime() >= from,
    ),
    impact,
    timeline: await timeline(store, model, { from, to }),
    changed: await changedFrom(store, before, meant),
    failing: topFailing(rows),
    confused: { holdout: await confusedOnHoldout(store, run), production: confusedRows(answered(rows)) },
    ledger: run === undefined ? [] : await ledger(store, run),
    labels: await missingLabels(store, model, { from, now: to }),
    answering: now.facts.VERSION,
    retrained: run === undefined ? [] : await trainedSince(store, run, from),
  };
}

async function registered(store: Store, model: string, version: string | undefined): Promise<ModelVersion | undefined> {
  return version === undefined ? undefined : versionOf(store, model, version);
}

async function impactOf(store: Store, model: string, { from, to }: IncidentRange): Promise<Impact[]> {
  const versions = new Map<string, Impact>();
  for (const { version, role, start, ms, requests, failed, labelled, wrong } of await store.windowsOf(model, {
    from,
    slice: '',
  })) {
    if (role === 'shadow' || start + ms <= from || start >= to) continue;
    const key = `${role} ${version}`;
    const sum = versions.get(key) ?? { version, role, requests: 0, failed: 0, labelled: 0, wrong: 0 };
    versions.set(key, {
      ...{ version, role },
      ...{ requests: sum.requests + requests, failed: sum.failed + failed },
      ...{ labelled: sum.labelled + labelled, wrong: sum.wrong + wrong },
    });
  }
  return [...versions.values()];
}

async function changedFrom(
  store: Store,
  before: ModelVersion | undefined,
  after: ModelVersion | undefined,
): Promise<SpecDifference[] | undefined> {
  if (before?.runId === undefined || after?.runId === undefined) return undefined;
  const [old, young] = [await store.getRun(before.runId), await store.getRun(after.runId)];
  const withoutPlace = ({ spec }: Run) => ({ ...(spec as object), baseDirectory: undefined });
  const strengths = differences(old.manifest, young.manifest, 'manifest');
  const others = differences(withoutPlace(old), withoutPlace(young)).filter(
    ({ key }) => !key.startsWith('regularizers'),
  );
  const data = differences(
    { dataVersion: old.dataVersion, commit: old.codeCommit },
    { dataVersion: young.dataVersion, commit: young.codeCommit },
  );
  return [...strengths, ...others, ...data];
}

const answered = (rows: readonly StoredObservation[]): StoredObservation[] =>
  rows.filter(({ role, status, label }) => role !== 'shadow' && status === 'ok' && label !== undefined);

async function confusedOnHoldout(store: Store, run: Run | undefined): Promise<Confused[]> {
  if (run === undefined) return [];
  const found = (await store.getEvaluations(run.id)).find(({ stage }) => stage === 'holdout');
  return found === undefined ? [] : confusedOf(found.record as Evaluation);
}

async function ledger(store: Store, run: Run): Promise<readonly LedgerStage[]> {
  const first = (await store.getEvaluations(run.id)).find(({ stage }) => stage === 'validation');
  if (first === undefined) return [];
  const { primary } = first.record as Evaluation;
  return (await ledgerOfRun(store, run, primary, undefined, await stagesOfProduction(store, run, primary))).stages;
}

async function trainedSince(store: Store, run: Run, from: number): Promise<Incident['retrained']> {
  const runs = await store.listRuns({ experiment: run.experiment, limit: 50 });
  return runs
    .filter(({ id, startedAt, role }) => startedAt.getTime() >= from && id !== run.id && role !== 'baseline')
    .map(({ id, status, regularizerId }) => ({ id, status, regularizerId }));
}
