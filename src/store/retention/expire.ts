import { type Kysely, sql } from 'kysely';
import { batches } from '../batches.js';
import { shownStatus } from '../run-rows.js';
import type { StoreSchema } from '../schema.js';
import { heldModels, heldRuns } from './holds.js';
import type { RetentionPolicy } from './types.js';

/** What is to be done to runs by a policy. */
export interface ExpiredRuns {
  /** To be deleted, oldest first. */
  readonly runs: readonly string[];
  /** Whose files are to be taken away, oldest first. */
  readonly stripped: readonly string[];
  /** How many runs are older than runs are kept, or have files that should go, and are needed. */
  readonly held: number;
}

/** A run that has ended, with what it names. */
interface EndedRun {
  readonly id: string;
  readonly endedAt: number;
  readonly held: boolean;
}

/**
 * Which runs are too old, and whose files go: those too old, then those of the oldest until all contents are within their bytes. A file that
 * something else names too frees nothing.
 */
export async function expiredRuns(db: Kysely<StoreSchema>, policy: RetentionPolicy, now: number): Promise<ExpiredRuns> {
  const { runsMs, artifactsMs, artifactBytes } = policy;
  if (runsMs === null && artifactsMs === null && artifactBytes === null) return { runs: [], stripped: [], held: 0 };
  const ended = await endedRuns(db);
  const older = ({ endedAt }: EndedRun, ms: number | null): boolean => ms !== null && endedAt < now - ms;
  const old = ended.filter((run) => older(run, runsMs));
  const runs = old.filter(({ held }) => !held).map(({ id }) => id);
  const withFiles = await runsWithFiles(db);
  const aged = ended.filter((run) => withFiles.has(run.id) && older(run, artifactsMs));
  const stripped = aged.filter(({ held }) => !held).map(({ id }) => id);
  if (artifactBytes !== null) {
    const gone = new Set(stripped);
    const rest = ended.filter(({ id, held }) => !held && withFiles.has(id) && !gone.has(id));
    stripped.push(
      ...(await beyondBytes(db, { bytes: artifactBytes, gone: stripped, candidates: rest.map(({ id }) => id) })),
    );
  }
  return { runs, stripped, held: new Set([...old, ...aged].filter(({ held }) => held).map(({ id }) => id)).size };
}

/** Runs that are over and not deleted, by their end. */
async function endedRuns(db: Kysely<StoreSchema>): Promise<EndedRun[]> {
  const held = await heldRuns(db);
  const rows = await db
    .selectFrom('run')
    .select(['id', 'status', 'host', 'pid', 'process_started', 'heartbeat_at', 'ended_at'])
    .where('deleted_at', 'is', null)
    .execute();
  return rows
    .filter((row) => shownStatus(row) !== 'running')
    .map((row) => ({ id: row.id, endedAt: row.ended_at ?? row.heartbeat_at, held: held.has(row.id) }))
    .sort((a, b) => a.endedAt - b.endedAt);
}

async function runsWithFiles(db: Kysely<StoreSchema>): Promise<Set<string>> {
  const rows = await db.selectFrom('artifact').select('run_id').distinct().execute();
  return new Set(rows.map(({ run_id }) => run_id));
}

/** The first of the candidates whose files have to go so that what is named is within so many bytes. */
async function beyondBytes(
  db: Kysely<StoreSchema>,
  { bytes, gone, candidates }: { bytes: number; gone: readonly string[]; candidates: readonly string[] },
): Promise<string[]> {
  const names = await contentNames(db);
  let total = [...names.values()].reduce((sum, { size, count }) => sum + (count > 0 ? size : 0), 0);
  const release = async (run: string): Promise<void> => {
    const files = await db.selectFrom('artifact').select('sha256').where('run_id', '=', run).execute();
    for (const { sha256 } of files) {
      const content = names.get(sha256);
      if (content === undefined) continue;
      content.count--;
      if (content.count === 0) total -= content.size;
    }
  };
  for (const run of gone) await release(run);
  const chosen: string[] = [];
  for (const run of candidates) {
    if (total <= bytes) break;
    chosen.push(run);
    await release(run);
  }
  return chosen;
}

/** How many names each content has, and its bytes. */
async function contentNames(db: Kysely<StoreSchema>): Promise<Map<string, { size: number; count: number }>> {
  const blobs = await db.selectFrom('blob').select(['sha256', 'size']).execute();
  const names = new Map(blobs.map(({ sha256, size }) => [sha256, { size, count: 0 }]));
  for (const table of ['artifact', 'logged_model_artifact', 'model_version_file'] as const) {
    const rows = await db
      .selectFrom(table)
      .select(({ fn }) => ['sha256', fn.countAll<number>().as('count')])
      .groupBy('sha256')
      .execute();
    for (const { sha256, count } of rows) {
      const content = names.get(sha256);
      if (content !== undefined) content.count += Number(count);
    }
  }
  return names;
}

/** Takes their files off runs, a run at a time. @returns how many files */
export async function strip(db: Kysely<StoreSchema>, runs: readonly string[]): Promise<number> {
  let files = 0;
  for (const run of runs) {
    const { numDeletedRows } = await db.deleteFrom('artifact').where('run_id', '=', run).executeTakeFirstOrThrow();
    files += Number(numDeletedRows);
  }
  return files;
}

/** How many files runs name, and what would be freed if they and the deleted runs that are due were gone. */
export async function wouldFree(
  db: Kysely<StoreSchema>,
  { stripped, removed }: { stripped: readonly string[]; removed: readonly string[] },
): Promise<{ artifacts: number; contents: number; bytes: number }> {
  const names = await contentNames(db);
  const taken = new Set(stripped);
  let artifacts = 0;
  for (const some of batches([...new Set([...stripped, ...removed])])) {
    const rows = await db.selectFrom('artifact').select(['run_id', 'sha256']).where('run_id', 'in', some).execute();
    for (const { run_id, sha256 } of rows) {
      if (taken.has(run_id)) artifacts++;
      const content = names.get(sha256);
      if (content !== undefined) content.count--;
    }
  }
  const freed = [...names.values()].filter(({ count }) => count <= 0);
  return { artifacts, contents: freed.length, bytes: freed.reduce((sum, { size }) => sum + size, 0) };
}

/**
 * Removes resolved alerts with their history, looks of closed rollouts, counts of applications, samples and reports from before a time.
 *
 * @returns how many
 */
export async function expireRecords(
  db: Kysely<StoreSchema>,
  before: number,
  { dryRun }: { dryRun: boolean },
): Promise<number> {
  const held = [...(await heldModels(db)).keys()];
  const ofOthers = held.length === 0 ? sql`1 = 1` : sql`model not in (${sql.join(held)})`;
  const at = sql.ref('at');
  const old = {
    alert: sql`state = 'resolved' and resolved_at < ${before}`,
    rollout_look: sql`rollout_id in (select id from rollout where closed_at < ${before})`,
    sli_count: sql`${at} < ${before} and ${ofOthers}`,
    label_sample: sql`${at} < ${before} and ${ofOthers}`,
    observation_report: sql`${at} < ${before}`,
  };
  let records = 0;
  for (const [table, condition] of Object.entries(old)) {
    const counted = sql<{
      count: number | string;
    }>`select count(*) as count from ${sql.table(table)} where ${condition}`;
    if (dryRun) records += Number((await counted.execute(db)).rows[0]?.count ?? 0);
    else
      records += Number(
        (await sql`delete from ${sql.table(table)} where ${condition}`.execute(db)).numAffectedRows ?? 0,
      );
  }
  return records;
}
