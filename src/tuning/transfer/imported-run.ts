import type { FinalStatus } from '../../store/run-status.js';
import type { NewMetricPoint, Store } from '../../store/types.js';

/** A run as another tool tells it. */
export interface ForeignRun {
  readonly name: string;
  readonly experiment: string;
  /** Where it came from, so that it is imported once. */
  readonly origin: string;
  readonly startedAt: Date;
  readonly endedAt: Date | undefined;
  readonly status: FinalStatus;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly metrics: readonly NewMetricPoint[];
  readonly artifacts?: readonly { readonly path: string; open(): Promise<AsyncIterable<Uint8Array>> }[];
}

/** Tag that says where an imported run came from. */
const ORIGIN_TAG = 'ballast.imported';
const POINTS_PER_BATCH = 5000;

/** Records a foreign run; one that was imported before is left as it is. */
export async function recordForeignRun(store: Store, run: ForeignRun): Promise<{ id: string; isNew: boolean }> {
  const quoted = run.origin.replaceAll("'", "''");
  const { runs } = await store.searchRuns({ filter: `tags.\`${ORIGIN_TAG}\` = '${quoted}'`, view: 'all', limit: 1 });
  if (runs[0] !== undefined) return { id: runs[0].id, isNew: false };
  const { id: experimentId } = await store.ensureExperiment(run.experiment);
  const id = await store.createRemoteRun({
    experimentId,
    name: run.name,
    startedAt: run.startedAt,
    tags: run.tags,
  });
  await store.logBatch(id, { params: run.params });
  for (let from = 0; from < run.metrics.length; from += POINTS_PER_BATCH) {
    await store.logBatch(id, { metrics: run.metrics.slice(from, from + POINTS_PER_BATCH) });
  }
  for (const { path, open } of run.artifacts ?? []) await store.putArtifact(id, path, await open());
  await store.updateRemoteRun(id, {
    status: run.status,
    ...(run.endedAt === undefined ? {} : { endedAt: run.endedAt }),
  });
  // Last: an import that was interrupted is not taken for a whole one.
  await store.logBatch(id, { tags: { [ORIGIN_TAG]: run.origin } });
  return { id, isNew: true };
}
