import type { Kysely, Selectable } from 'kysely';
import { BallastError } from '../../errors.js';
import { decodeJson } from '../json.js';
import type { ModelVersionTable, RegisteredModelTable, StoreSchema } from '../schema.js';
import { checkName } from '../text.js';
import type { ModelVersion, RegisteredModel } from './types.js';

/** A model's row by its name. @throws BallastError `MODEL_NOT_FOUND` */
export async function requireModelRow(
  db: Kysely<StoreSchema>,
  name: string,
): Promise<Selectable<RegisteredModelTable>> {
  const row = await db.selectFrom('registered_model').selectAll().where('name', '=', name).executeTakeFirst();
  if (row !== undefined) return row;
  throw new BallastError(`Registered Model with name=${name} not found`, {
    code: 'MODEL_NOT_FOUND',
    kind: 'not-found',
    remedy: 'List the models to see their names.',
  });
}

/** A version's row. @throws BallastError `MODEL_NOT_FOUND`, `VERSION_NOT_FOUND` */
export async function requireVersionRow(
  db: Kysely<StoreSchema>,
  name: string,
  version: number,
): Promise<Selectable<ModelVersionTable>> {
  const { id } = await requireModelRow(db, name);
  const row = await db
    .selectFrom('model_version')
    .selectAll()
    .where('model_id', '=', id)
    .where('version', '=', version)
    .executeTakeFirst();
  if (row !== undefined) return row;
  throw new BallastError(`Model Version (name=${name}, version=${version}) not found`, {
    code: 'VERSION_NOT_FOUND',
    kind: 'not-found',
    place: `models:/${name}`,
    remedy: 'Show the model to see its versions.',
  });
}

/** Models with their tags and aliases, in the order of the rows. */
export async function toModels(
  db: Kysely<StoreSchema>,
  rows: readonly Selectable<RegisteredModelTable>[],
): Promise<RegisteredModel[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const tags = await db.selectFrom('registered_model_tag').selectAll().where('model_id', 'in', ids).execute();
  const aliases = await db.selectFrom('model_alias').selectAll().where('model_id', 'in', ids).execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    owner: row.owner ?? undefined,
    onCall: row.on_call ?? undefined,
    escalation: row.escalation ?? undefined,
    // Checked when it is written.
    criticality: (row.criticality ?? undefined) as RegisteredModel['criticality'],
    threatModel: row.threat_model ?? undefined,
    tags: Object.fromEntries(tags.filter((tag) => tag.model_id === row.id).map(({ name, value }) => [name, value])),
    aliases: Object.fromEntries(
      aliases.filter((alias) => alias.model_id === row.id).map(({ name, version }) => [name, version]),
    ),
  }));
}

/** Versions with their tags and aliases, in the order of the rows. */
export async function toVersions(
  db: Kysely<StoreSchema>,
  rows: readonly (Selectable<ModelVersionTable> & { name: string })[],
): Promise<ModelVersion[]> {
  if (rows.length === 0) return [];
  const ids = [...new Set(rows.map(({ model_id }) => model_id))];
  const tags = await db.selectFrom('model_version_tag').selectAll().where('model_id', 'in', ids).execute();
  const aliases = await db.selectFrom('model_alias').selectAll().where('model_id', 'in', ids).execute();
  return rows.map((row) => {
    const own = (other: { model_id: number; version: number }): boolean =>
      other.model_id === row.model_id && other.version === row.version;
    return {
      modelId: row.model_id,
      name: row.name,
      version: row.version,
      description: row.description,
      createdAt: new Date(row.created_at),
      updatedAt: new Date(row.updated_at),
      createdBy: row.created_by,
      state: row.state,
      stage: row.stage,
      source: row.source,
      runId: row.run_id ?? undefined,
      runLink: row.run_link ?? undefined,
      loggedModelId: row.logged_model_id ?? undefined,
      digest: row.digest,
      onnxPath: row.onnx_path ?? undefined,
      onnxSha256: row.onnx_sha256 ?? undefined,
      regularizerId: row.regularizer_id ?? undefined,
      manifest: decodeJson(row.manifest),
      datasetName: row.dataset_name ?? undefined,
      dataVersion: row.data_version ?? undefined,
      codeCommit: row.code_commit ?? undefined,
      tags: Object.fromEntries(tags.filter(own).map(({ name, value }) => [name, value])),
      aliases: aliases.filter(own).map(({ name }) => name),
    };
  });
}

/** A model's name: any name without what separates the parts of a reference or of a path. */
export function checkModelName(name: string): string {
  checkName(name, 'model name');
  if (!/[/\\:@#?%]/.test(name) && name !== '.' && name !== '..') return name;
  throw new BallastError('Registered model name cannot be this', {
    code: 'MODEL_NAME_INVALID',
    place: 'name',
    value: name,
    remedy: 'Use no slash, backslash, colon, at sign, hash, question mark or per cent sign.',
  });
}

const ALIAS = /^[\w-]{1,255}$/;

/** An alias: letters, digits, underscores, hyphens; not `latest`, not what looks like a version (`v3`). */
export function checkAlias(alias: string): string {
  if (ALIAS.test(alias) && !/^v\d+$/i.test(alias) && alias.toLowerCase() !== 'latest') return alias;
  throw new BallastError('This is no name for an alias', {
    code: 'ALIAS_INVALID',
    place: 'alias',
    value: alias,
    remedy: 'Use letters, digits, underscores and hyphens; not "latest", not a version such as v3.',
  });
}

export function aliasNotFound(name: string, alias: string): BallastError {
  return new BallastError(`Registered model alias ${alias} not found.`, {
    code: 'ALIAS_NOT_FOUND',
    kind: 'not-found',
    place: `models:/${name}`,
    remedy: 'Show the model to see its aliases.',
  });
}

export function inUse(name: string, alias: string): BallastError {
  return new BallastError(`The alias "${alias}" points to it`, {
    code: 'MODEL_IN_USE',
    kind: 'conflict',
    place: `models:/${name}`,
    remedy: `Move the alias first: ballast models alias ${name}@${alias} --remove`,
  });
}

export function archived(name: string, version: number): BallastError {
  return new BallastError('An archived version takes no alias and no traffic', {
    code: 'VERSION_ARCHIVED',
    kind: 'conflict',
    place: `models:/${name}/${version}`,
    remedy: 'Choose another version.',
  });
}

export function hasTraffic(name: string, role: string): BallastError {
  return new BallastError(`It is served, as ${role}`, {
    code: 'MODEL_IN_USE',
    kind: 'conflict',
    place: `models:/${name}`,
    remedy: 'Give its traffic to another version first.',
  });
}
