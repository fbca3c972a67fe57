import { createHash } from 'node:crypto';
import { type Kysely, type Selectable, sql } from 'kysely';
import { BallastError } from '../../errors.js';
import { isAtOrBelow, openContent } from '../artifacts.js';
import { insertAudit } from '../audit.js';
import { batches } from '../batches.js';
import type { StoreContext } from '../context.js';
import { decodeJson, encodeJson } from '../json.js';
import { insertLineage } from '../lineage.js';
import { requireRun } from '../run-rows.js';
import type { ModelVersionTable, StoreSchema } from '../schema.js';
import { checkName, storableText } from '../text.js';
import {
  aliasNotFound,
  checkModelName,
  hasTraffic,
  inUse,
  requireModelRow,
  requireVersionRow,
  toVersions,
} from './rows.js';
import type { ModelVersion, NewVersion, RegistryStore } from './types.js';

type Part = Pick<
  RegistryStore,
  | 'createVersion'
  | 'getVersion'
  | 'getVersionByAlias'
  | 'updateVersion'
  | 'archiveVersion'
  | 'deleteVersion'
  | 'versionFiles'
  | 'openVersionFile'
  | 'signOff'
  | 'withdrawSignOff'
  | 'signOffs'
>;

/** What a version's files came from. */
type Origin = Pick<
  ModelVersionTable,
  'run_id' | 'logged_model_id' | 'regularizer_id' | 'manifest' | 'dataset_name' | 'data_version' | 'code_commit'
>;

interface FileRow {
  path: string;
  sha256: string;
  media_type: string;
}

/** The versions of registered models. */
export function versionStore(context: StoreContext): Part {
  const { db, actor, folder } = context;

  async function toVersion(row: Selectable<ModelVersionTable>, name: string): Promise<ModelVersion> {
    const [version] = await toVersions(db, [{ ...row, name }]);
    if (version === undefined) throw new Error('a row gives a version');
    return version;
  }

  async function files(name: string, version: number) {
    const { model_id } = await requireVersionRow(db, name, version);
    return db
      .selectFrom('model_version_file')
      .innerJoin('blob', 'blob.sha256', 'model_version_file.sha256')
      .where('model_id', '=', model_id)
      .where('version', '=', version)
      .select(['path', 'blob.sha256', 'size', 'media_type as mediaType'])
      .orderBy('path');
  }

  async function refuseAliased(transaction: Kysely<StoreSchema>, name: string, version: number): Promise<number> {
    const { model_id } = await requireVersionRow(transaction, name, version);
    const alias = await transaction
      .selectFrom('model_alias')
      .select('name')
      .where('model_id', '=', model_id)
      .where('version', '=', version)
      .executeTakeFirst();
    if (alias !== undefined) throw inUse(`${name}/${version}`, alias.name);
    const served = await transaction
      .selectFrom('model_traffic_share')
      .select('role')
      .where('model_id', '=', model_id)
      .where('version', '=', version)
      .executeTakeFirst();
    if (served !== undefined) throw hasTraffic(`${name}/${version}`, served.role);
    return model_id;
  }

  return {
    async createVersion(version) {
      const { name, source, runLink, description = '', tags = {}, regularizers } = version;
      checkModelName(name);
      const number = await db.transaction().execute(async (transaction) => {
        const { origin, rows } = await contentOf(transaction, version);
        const now = Date.now();
        const { id, last_version } = await transaction
          .insertInto('registered_model')
          .values({ name, description: '', created_at: now, updated_at: now, last_version: 1 })
          .onConflict((conflict) =>
            conflict
              .column('name')
              .doUpdateSet({ updated_at: now, last_version: sql<number>`registered_model.last_version + 1` }),
          )
          .returning(['id', 'last_version'])
          .executeTakeFirstOrThrow();
        const onnx = rows.filter(({ path }) => path.endsWith('.onnx'));
        await transaction
          .insertInto('model_version')
          .values({
            model_id: id,
            version: last_version,
            description: storableText(description),
            created_at: now,
            updated_at: now,
            created_by: actor,
            state: 'ready',
            stage: 'None',
            source: storableText(source),
            run_link: runLink === undefined ? null : storableText(runLink),
            digest: digestOf(rows),
            onnx_path: onnx.length === 1 ? onnx[0].path : null,
            onnx_sha256: onnx.length === 1 ? onnx[0].sha256 : null,
            ...origin,
            ...(origin.regularizer_id === null && regularizers !== undefined
              ? { regularizer_id: regularizers.id, manifest: encodeJson(regularizers.manifest, 'manifest') }
              : {}),
          })
          .execute();
        for (const batch of batches(rows)) {
          await transaction
            .insertInto('model_version_file')
            .values(batch.map((row) => ({ model_id: id, version: last_version, ...row })))
            .execute();
        }
        for (const [tag, value] of Object.entries(tags)) {
          await transaction
            .insertInto('model_version_tag')
            .values({
              model_id: id,
              version: last_version,
              name: checkName(tag, 'tag name'),
              value: storableText(value),
            })
            .execute();
        }
        const subject = `models:/${name}/${last_version}`;
        if (origin.run_id !== null && onnx.length === 1) {
          await insertLineage(transaction, [
            {
              from: { kind: 'run', id: origin.run_id },
              to: { kind: 'model', id: onnx[0].sha256 },
              relation: 'produced',
            },
          ]);
        }
        await insertAudit(transaction, { actor, action: 'model.register', subject, details: { source } });
        return last_version;
      });
      return toVersion(await requireVersionRow(db, name, number), name);
    },

    async getVersion(name, version) {
      return toVersion(await requireVersionRow(db, name, version), name);
    },

    async getVersionByAlias(name, alias) {
      const { id } = await requireModelRow(db, name);
      const row = await db
        .selectFrom('model_alias')
        .select('version')
        .where('model_id', '=', id)
        .where('name', '=', alias)
        .executeTakeFirst();
      if (row === undefined) throw aliasNotFound(name, alias);
      return toVersion(await requireVersionRow(db, name, row.version), name);
    },

    async updateVersion(name, version, { description, stage }) {
      const { model_id } = await requireVersionRow(db, name, version);
      await db
        .updateTable('model_version')
        .set({
          updated_at: Date.now(),
          ...(description === undefined ? {} : { description: storableText(description) }),
          ...(stage === undefined ? {} : { stage }),
        })
        .where('model_id', '=', model_id)
        .where('version', '=', version)
        .execute();
      if (stage === undefined) return;
      const subject = `models:/${name}/${version}`;
      await insertAudit(db, { actor, action: 'model.stage', subject, details: { stage } });
    },

    async archiveVersion(name, version) {
      await db.transaction().execute(async (transaction) => {
        const model_id = await refuseAliased(transaction, name, version);
        await transaction
          .updateTable('model_version')
          .set({ state: 'archived', stage: 'Archived', updated_at: Date.now() })
          .where('model_id', '=', model_id)
          .where('version', '=', version)
          .execute();
        await insertAudit(transaction, { actor, action: 'model.archive', subject: `models:/${name}/${version}` });
      });
    },

    async deleteVersion(name, version) {
      await db.transaction().execute(async (transaction) => {
        const model_id = await refuseAliased(transaction, name, version);
        await transaction
          .deleteFrom('model_version')
          .where('model_id', '=', model_id)
          .where('version', '=', version)
          .execute();
        await insertAudit(transaction, {
          actor,
          action: 'model.delete-version',
          subject: `models:/${name}/${version}`,
        });
      });
    },

    versionFiles: async (name, version) => (await files(name, version)).execute(),

    async openVersionFile(name, version, path) {
      const row = await (await files(name, version)).where('path', '=', path).executeTakeFirst();
      if (row !== undefined) return openContent(folder, row);
      throw new BallastError(`The version has no file "${path}"`, {
        code: 'ARTIFACT_NOT_FOUND',
        kind: 'not-found',
        place: `models:/${name}/${version}`,
        remedy: 'List its files to see what there is.',
      });
    },

    async signOff(name, version, item, note) {
      const values = { actor, note: storableText(note), created_at: Date.now() };
      await db.transaction().execute(async (transaction) => {
        const { model_id } = await requireVersionRow(transaction, name, version);
        await transaction
          .insertInto('model_sign_off')
          .values({ model_id, version, item: checkName(item, 'checklist item'), ...values })
          .onConflict((conflict) => conflict.columns(['model_id', 'version', 'item']).doUpdateSet(values))
          .execute();
        const subject = `models:/${name}/${version}`;
        await insertAudit(transaction, { actor, action: 'checklist.sign', subject, details: { item, note } });
      });
    },

    async withdrawSignOff(name, version, item) {
      await db.transaction().execute(async (transaction) => {
        const { model_id } = await requireVersionRow(transaction, name, version);
        await transaction
          .deleteFrom('model_sign_off')
          .where('model_id', '=', model_id)
          .where('version', '=', version)
          .where('item', '=', item)
          .execute();
        const subject = `models:/${name}/${version}`;
        await insertAudit(transaction, { actor, action: 'checklist.withdraw', subject, details: { item } });
      });
    },

    async signOffs(name, version) {
      const { model_id } = await requireVersionRow(db, name, version);
      const rows = await db
        .selectFrom('model_sign_off')
        .select(['item', 'actor', 'note', 'created_at'])
        .where('model_id', '=', model_id)
        .where('version', '=', version)
        .orderBy('item')
        .execute();
      return rows.map(({ created_at, ...row }) => ({ ...row, at: new Date(created_at) }));
    },
  };
}

/** The files a version is made of, paths from the folder they were named by, and where they came from. */
async function contentOf(
  db: Kysely<StoreSchema>,
  { from, source }: NewVersion,
): Promise<{ origin: Origin; rows: FileRow[] }> {
  if (from.kind === 'version') {
    const row = await requireVersionRow(db, from.name, from.version);
    const rows = await db
      .selectFrom('model_version_file')
      .select(['path', 'sha256', 'media_type'])
      .where('model_id', '=', row.model_id)
      .where('version', '=', from.version)
      .orderBy('path')
      .execute();
    const { run_id, logged_model_id, regularizer_id, manifest, dataset_name, data_version, code_commit } = row;
    return {
      rows,
      origin: { run_id, logged_model_id, regularizer_id, manifest, dataset_name, data_version, code_commit },
    };
  }
  const table = from.kind === 'run' ? 'artifact' : 'logged_model_artifact';
  const owner = from.kind === 'run' ? 'run_id' : 'model_id';
  const id = from.kind === 'run' ? from.runId : from.modelId;
  let runId: string | null = id;
  if (from.kind === 'run') {
    await requireRun(db, id);
  } else {
    const model = await db
      .selectFrom('logged_model')
      .select('source_run_id')
      .where('id', '=', id)
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
    if (model === undefined) {
      throw new BallastError(`Logged model with ID '${id}' not found.`, {
        code: 'LOGGED_MODEL_NOT_FOUND',
        kind: 'not-found',
      });
    }
    runId = model.source_run_id;
  }
  const below = from.path === '' ? sql<boolean>`1 = 1` : isAtOrBelow(from.path);
  const { rows: found } = await sql<FileRow>`select path, sha256, media_type from ${sql.table(table)}
    where ${sql.ref(owner)} = ${id} and ${below} order by path`.execute(db);
  if (found.length === 0) {
    throw new BallastError('There are no files to register', {
      code: 'VERSION_WITHOUT_FILES',
      place: source,
      remedy: 'Name a run or a logged model and the folder, or the file, of its model.',
    });
  }
  const rows = found.map((row) => ({ ...row, path: pathBelow(row.path, from.path) }));
  return { rows, origin: await originOf(db, runId, from.kind === 'run' ? null : id) };
}

async function originOf(db: Kysely<StoreSchema>, runId: string | null, loggedModelId: string | null): Promise<Origin> {
  const row =
    runId === null
      ? undefined
      : await db
          .selectFrom('run')
          .select(['regularizer_id', 'manifest', 'dataset_name', 'data_version', 'code_commit'])
          .where('id', '=', runId)
          .executeTakeFirst();
  return {
    run_id: runId,
    logged_model_id: loggedModelId,
    regularizer_id: row?.regularizer_id ?? null,
    manifest: row === undefined || decodeJson(row.manifest) === null ? 'null' : row.manifest,
    dataset_name: row?.dataset_name ?? null,
    data_version: row?.data_version ?? null,
    code_commit: row?.code_commit ?? null,
  };
}

/** A file registered by itself keeps its name. */
function pathBelow(path: string, folder: string): string {
  if (folder === '') return path;
  return path === folder ? (path.split('/').at(-1) ?? path) : path.slice(folder.length + 1);
}

function digestOf(rows: readonly FileRow[]): string {
  const hash = createHash('sha256');
  for (const { path, sha256 } of [...rows].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${sha256}  ${path}\n`);
  }
  return hash.digest('hex');
}
