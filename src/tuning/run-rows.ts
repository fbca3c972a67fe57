import { HashIndex } from '../data/hash-index.js';
import { rowSetId } from '../data/holdout.js';
import { readTable } from '../data/read/read.js';
import { type Roles, resolveRoles } from '../data/roles.js';
import { rowHashes } from '../data/row-hash.js';
import { applySeries } from '../data/series.js';
import { findColumn, type Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import { readModel } from '../graph/format/decode.js';
import type { Model } from '../graph/model.js';
import { type OwnRole, type PreparedData, prepareData, readOptions } from '../spec/prepare.js';
import { type ResolvedSpec, resolveSpec } from '../spec/read.js';
import type { Spec } from '../spec/schema.js';
import { applyTokenizers } from '../spec/tokens.js';
import type { Run, Store } from '../store/types.js';
import { describedPorts } from './described-ports.js';
import type { ModelPorts } from './model-ports.js';
import { planRuns } from './plan.js';
import { loadResult, loadTokenizers, MODEL } from './result-record.js';

/** The spec that a run recorded, ready to run again. */
export function specOfRun(run: Run): ResolvedSpec {
  const { baseDirectory, ...spec } = run.spec as Spec & { baseDirectory?: string };
  if (typeof baseDirectory !== 'string') {
    throw new BallastError('this run has no spec of Ballast', { code: 'RUN_WITHOUT_SPEC', place: `runs:/${run.id}` });
  }
  return resolveSpec(spec, baseDirectory);
}

/** Roles that a run's model was fitted with, beside those that always have an effect. */
export function rolesOfRun({ kind }: Pick<Run, 'kind'>): readonly OwnRole[] {
  return kind === 'path' ? ['event', 'offset', 'targets'] : [];
}

/** Rows for a run's model, in a table read as its own data is. */
export interface RowsOfRun {
  readonly table: Table;
  readonly rows: Uint32Array;
  readonly roles: Roles;
}

/** Data of a run as it was split, the rows of its own training and validation. */
export interface PartsOfRun {
  readonly data: PreparedData;
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * The data of a run with the rows that it was trained and validated on.
 *
 * @param purpose who reads, for the record of the holdout, which is not touched
 * @throws BallastError EVALUATE_DATA_CHANGED, RUN_WITHOUT_SPEC
 */
export async function partsOfRun(store: Store, run: Run, purpose: string): Promise<PartsOfRun> {
  const resolved = specOfRun(run);
  const { role, seed, fold } = await loadResult(store, run.id);
  const data = await prepareData(resolved, { register: store.holdoutRegister(purpose) });
  if (data.version !== run.dataVersion) throw dataChanged(data.version, run);
  const plan = planRuns(resolved.spec, data).find((each) => each.seed === seed && each.fold === fold);
  if (plan === undefined) {
    throw new BallastError(`the record does not say which rows this ${role} was trained and validated on`, {
      code: 'RUN_WITHOUT_SPEC',
      place: `runs:/${run.id}`,
    });
  }
  return { data, train: plan.train, validation: plan.validation };
}

/** The rows that a run was trained or validated on; as {@link partsOfRun}. */
export async function ownRows(
  store: Store,
  run: Run,
  part: 'train' | 'validation',
  purpose: string,
): Promise<RowsOfRun> {
  const parts = await partsOfRun(store, run, purpose);
  return { table: parts.data.table, rows: parts[part], roles: parts.data.roles };
}

/** Rows of a source that are in the locked holdout of a data set. */
export interface LockedRows {
  readonly rows: number;
  /** Of the holdout, as reads of it are counted by. */
  readonly rowSet: string;
}

async function lockedRows(store: Store, run: Run, table: Table, roles: Roles): Promise<LockedRows | undefined> {
  const found = await findLocked(store, run, table, roles, 'evaluate --data');
  if (found === undefined) return undefined;
  const rows = found.positions.filter((position) => position >= 0).length;
  return rows === 0 ? undefined : { rows, rowSet: rowSetId(found.hashes) };
}

/** For each row of a table its position in the locked holdout, negative where it is not there; undefined without a lock. */
async function findLocked(
  store: Store,
  run: Run,
  table: Table,
  { id }: Roles,
  purpose: string,
): Promise<{ positions: Int32Array; hashes: BigUint64Array } | undefined> {
  if (run.datasetName === undefined) return undefined;
  const lock = await store.holdoutRegister(purpose).read(run.datasetName);
  // Without its id columns the rows of a source cannot be told apart from those of the run.
  if (lock === undefined || id.some((name) => findColumn(table, name) === undefined)) return undefined;
  const positions = new HashIndex(lock.hashes).find(rowHashes(table, id.length > 0 ? id : undefined));
  return { positions, hashes: lock.hashes };
}

/** The rows of a table that are not in the locked holdout of a run's data set: those that may be tuned on. */
export async function unlockedRows(store: Store, run: Run, table: Table, roles: Roles): Promise<Uint32Array> {
  const found = await findLocked(store, run, table, roles, 'compress');
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
  return found === undefined ? rows : rows.filter((row) => found.positions[row] < 0);
}

/** All rows of another source, and how many of them are in the locked holdout of the run's data set. */
export async function otherRows(
  store: Store,
  run: Run,
  source: string,
): Promise<RowsOfRun & { readonly locked: LockedRows | undefined }> {
  const { raw, table } = await readAs(store, run, source);
  const roles = resolveRoles(table, specOfRun(run).spec.data);
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
  return { table, rows, roles, locked: await lockedRows(store, run, raw, roles) };
}

/**
 * The rows of a source, read as those of a run were: `raw`, and with its series and tokens.
 *
 * @param labelled whether it has to have the target
 */
export async function readAs(
  store: Store,
  run: Run,
  source: string,
  labelled = true,
): Promise<{ raw: Table; table: Table }> {
  const resolved = specOfRun(run);
  const { target, ...options } = readOptions(resolved);
  const raw = await readTable(source, {
    ...options,
    ...(labelled && target !== undefined ? { target } : {}),
    baseDirectory: process.cwd(),
  });
  const shaped = applySeries(raw, resolved.spec.data.features);
  return { raw, table: applyTokenizers(shaped, await loadTokenizers(store, run.id)) };
}

/** The model that a run exported, and how rows reach it. @throws BallastError ARTIFACT_*, MODEL_UNDESCRIBED */
export async function modelOfRun(
  store: Store,
  run: Run,
): Promise<{ bytes: Uint8Array; model: Model; ports: ModelPorts }> {
  const bytes = await (await store.openArtifact(run.id, MODEL)).bytes();
  const model = readModel(bytes);
  const ports = describedPorts(model);
  if (ports === undefined) {
    throw new BallastError('the run’s model does not describe its inputs', {
      code: 'MODEL_UNDESCRIBED',
      place: `runs:/${run.id}`,
    });
  }
  return { bytes, model, ports };
}

export function dataChanged(version: string, run: Run): BallastError {
  return new BallastError(`the data is now ${version}, and the run was trained on ${run.dataVersion}`, {
    code: 'EVALUATE_DATA_CHANGED',
    kind: 'conflict',
    place: `runs:/${run.id}`,
    remedy: 'Restore the data, train again, or give other rows with --data',
  });
}
