import { type Kysely, sql } from 'kysely';
import { batches } from '../batches.js';
import { decodeJson } from '../json.js';
import { shownStatus } from '../run-rows.js';
import type { StoreSchema } from '../schema.js';

/** Who looks into an alert wants what was before it: the longest window of a burn rate. */
const BEFORE_ALERT_MS = 3 * 24 * 3_600_000;
/** A run with this tag is kept, whatever its age. */
const KEEP_TAG = 'ballast.keep';

/** Since when observations of a model are needed, and why. */
export interface HeldModel {
  readonly model: string;
  /** ms since the epoch. */
  readonly since: number;
  readonly reason: string;
}

/** The models whose observations are needed by a rollout under way or by an alert that fires. */
export async function heldModels(db: Kysely<StoreSchema>): Promise<Map<string, HeldModel>> {
  const rollouts = await db
    .selectFrom('rollout')
    .select(['id', 'model', 'created_at'])
    .where('closed_at', 'is', null)
    .execute();
  const alerts = await db
    .selectFrom('alert')
    .select(['model', 'rule', 'started_at'])
    .where('state', '=', 'firing')
    .execute();
  const held = new Map<string, HeldModel>();
  for (const hold of [
    ...rollouts.map(({ id, model, created_at }) => ({ model, since: created_at, reason: `rollout ${id}` })),
    ...alerts.map(({ model, rule, started_at }) => ({
      model,
      since: started_at - BEFORE_ALERT_MS,
      reason: `alert ${rule}`,
    })),
  ]) {
    const before = held.get(hold.model);
    if (before === undefined || hold.since < before.since) held.set(hold.model, hold);
  }
  return held;
}

/** The runs that versions which are needed come from: these stay even where somebody deleted them. */
export async function runsOfVersions(db: Kysely<StoreSchema>): Promise<Set<string>> {
  const held = new Set<string>();
  await holdOrigins(db, held, await neededVersions(db));
  return held;
}

/** The runs that something needs. */
export async function heldRuns(db: Kysely<StoreSchema>): Promise<Set<string>> {
  const [tagged, swept, running] = await Promise.all([
    db.selectFrom('run_tag').select('run_id').where('name', '=', KEEP_TAG).execute(),
    db
      .selectFrom('trial')
      .innerJoin('sweep', 'sweep.id', 'trial.sweep_id')
      .select('trial.run_id')
      .where('sweep.state', '=', 'running')
      .where('trial.run_id', 'is not', null)
      .execute(),
    db
      .selectFrom('run')
      .select(['id', 'status', 'host', 'pid', 'process_started', 'heartbeat_at'])
      .where('status', '=', 'running')
      .execute(),
  ]);
  const held = new Set<string>();
  await holdOrigins(db, held, [
    ...(await neededVersions(db)),
    ...[...tagged, ...swept].flatMap(({ run_id }) => (run_id === null ? [] : [{ kind: 'run', id: run_id }])),
    ...running.filter((run) => shownStatus(run) === 'running').map(({ id }) => ({ kind: 'run', id })),
  ]);
  return held;
}

/** Runs and files of versions that are not archived, or that a rollout under way or a firing alert names. */
async function neededVersions(db: Kysely<StoreSchema>): Promise<Node[]> {
  const rollouts = await db
    .selectFrom('rollout')
    .select(['model', 'baseline', 'candidate'])
    .where('closed_at', 'is', null)
    .execute();
  const alerts = await db.selectFrom('alert').select(['model', 'labels']).where('state', '=', 'firing').execute();
  const named = new Set([
    ...rollouts.flatMap(({ model, baseline, candidate }) => [`${model}/${baseline}`, `${model}/${candidate}`]),
    ...alerts.map(({ model, labels }) => `${model}/${(decodeJson(labels) as { version?: string }).version ?? ''}`),
  ]);
  const versions = await db
    .selectFrom('model_version')
    .innerJoin('registered_model', 'registered_model.id', 'model_version.model_id')
    .select(['name', 'version', 'state', 'run_id', 'onnx_sha256'])
    .execute();
  return versions
    .filter(({ name, version, state }) => state === 'ready' || named.has(`${name}/${version}`))
    .flatMap(({ run_id, onnx_sha256 }) => [
      ...(run_id === null ? [] : [{ kind: 'run', id: run_id }]),
      ...(onnx_sha256 === null ? [] : [{ kind: 'model', id: onnx_sha256 }]),
    ]);
}

interface Node {
  readonly kind: string;
  readonly id: string;
}

/** Holds the runs among nodes of the lineage, all that they came from, and the baselines they are compared with. */
async function holdOrigins(db: Kysely<StoreSchema>, held: Set<string>, nodes: readonly Node[]): Promise<void> {
  const seen = new Set<string>();
  let frontier = nodes;
  while (frontier.length > 0) {
    const fresh = frontier.filter(({ kind, id }) => !seen.has(`${kind}:${id}`) && seen.add(`${kind}:${id}`));
    const next: Node[] = [];
    for (const some of batches(fresh)) {
      const runs = some.filter(({ kind }) => kind === 'run').map(({ id }) => id);
      for (const id of runs) held.add(id);
      if (runs.length > 0) next.push(...(await companions(db, runs)));
      const edges = await db
        .selectFrom('lineage_edge')
        .select(['from_kind as kind', 'from_id as id'])
        .where(({ or, and }) => or(some.map(({ kind, id }) => and({ to_kind: kind, to_id: id }))))
        .where('from_kind', '!=', 'data')
        .execute();
      next.push(...edges);
    }
    frontier = next;
  }
}

/** The runs that runs continue, and the baselines of their commands. */
async function companions(db: Kysely<StoreSchema>, runs: readonly string[]): Promise<Node[]> {
  const parents = await db
    .selectFrom('run')
    .select('parent_run_id as id')
    .where('id', 'in', runs)
    .where('parent_run_id', 'is not', null)
    .execute();
  const baselines = await db
    .selectFrom('run')
    .select('id')
    .where('role', '=', sql.lit('baseline'))
    .where('group_id', 'in', (query) =>
      query
        .selectFrom('run as held')
        .select('held.group_id')
        .where('held.id', 'in', runs)
        .where('held.group_id', 'is not', null),
    )
    .execute();
  return [...parents, ...baselines].flatMap(({ id }) => (id === null ? [] : [{ kind: 'run', id }]));
}
