import { z } from 'zod';
import { BallastError } from '../../errors.js';
import {
  isOfProduction,
  type ModelVersion,
  parseSource,
  promote,
  type RegisteredModel,
  requireReady,
  type Store,
} from '../../store/index.js';
import { choiceTags } from '../../tuning/sweep/chosen-from.js';
import type { Caller } from '../access.js';
import {
  decodePage,
  type Endpoint,
  encodePage,
  endpoint,
  integer,
  listOf,
  pageToken,
  tag,
  toPairs,
  toRecord,
} from './endpoint.js';

const LONGEST_TAG = 100_000;
const name = z.string();
const version = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((text) => /^\d{1,9}$/.test(text), 'Model version must be an integer')
  .transform(Number);
const ofModel = z.object({ name });
const ofVersion = z.object({ name, version });
const registryTag = tag.extend({ value: z.string().max(LONGEST_TAG).default('') });
const search = z.object({
  filter: z.string().optional(),
  max_results: integer.optional(),
  order_by: listOf(z.string()),
  page_token: pageToken,
});

const STAGES: ReadonlyMap<string, string> = new Map(
  ['None', 'Staging', 'Production', 'Archived'].map((stage) => [stage.toLowerCase(), stage]),
);

export const registryEndpoints: readonly Endpoint[] = [
  endpoint(
    'POST',
    'registered-models/create',
    ofModel.extend({ description: z.string().optional(), tags: listOf(registryTag) }),
    async ({ name: model, description, tags }, caller) => {
      await caller.createModel(model, { tags: toRecord(tags), ...(description === undefined ? {} : { description }) });
      return { registered_model: await modelMessage(caller.store, model) };
    },
  ),

  endpoint('GET', 'registered-models/get', ofModel, async ({ name: model }, caller) => {
    await caller.requireModel(model, 'read');
    return { registered_model: await modelMessage(caller.store, model) };
  }),

  endpoint('POST', 'registered-models/rename', ofModel.extend({ new_name: name }), async (request, caller) => {
    await caller.requireModel(request.name, 'manage');
    await caller.store.renameModel(request.name, request.new_name);
    return { registered_model: await modelMessage(caller.store, request.new_name) };
  }),

  endpoint(
    'PATCH',
    'registered-models/update',
    ofModel.extend({ description: z.string().default('') }),
    async ({ name: model, description }, caller) => {
      await caller.requireModel(model, 'edit');
      await caller.store.updateModel(model, { description });
      return { registered_model: await modelMessage(caller.store, model) };
    },
  ),

  endpoint('DELETE', 'registered-models/delete', ofModel, async ({ name: model }, caller) => {
    await caller.requireModel(model, 'manage');
    await caller.store.deleteModel(model);
    return {};
  }),

  endpoint('GET', 'registered-models/search', search, async (request, caller) => {
    const offset = decodePage(request.page_token);
    const { models, more } = await caller.store.searchModels(queryOf(request, offset));
    const shown: object[] = [];
    for (const model of models) {
      if (await caller.mayReadModel(model.name)) shown.push(await modelMessage(caller.store, model.name));
    }
    return { registered_models: shown, ...(more ? { next_page_token: encodePage(offset + models.length) } : {}) };
  }),

  ...(['GET', 'POST'] as const).map((method) =>
    endpoint(
      method,
      'registered-models/get-latest-versions',
      ofModel.extend({ stages: listOf(z.string()) }),
      async ({ name: model, stages }, caller) => {
        await caller.requireModel(model, 'read');
        return { model_versions: (await latestVersions(caller.store, model, stages)).map(versionMessage) };
      },
    ),
  ),

  endpoint(
    'POST',
    'registered-models/set-tag',
    ofModel.extend(registryTag.shape),
    async ({ name: model, key, value }, caller) => {
      await caller.requireModel(model, 'edit');
      await caller.store.setModelTags(model, toRecord([{ key, value }]));
      return {};
    },
  ),

  endpoint(
    'DELETE',
    'registered-models/delete-tag',
    ofModel.extend({ key: z.string() }),
    async ({ name: model, key }, caller) => {
      await caller.requireModel(model, 'edit');
      await caller.store.removeModelTag(model, key);
      return {};
    },
  ),

  endpoint(
    'POST',
    'registered-models/alias',
    ofVersion.extend({ alias: z.string() }),
    async ({ name: model, alias, version: number }, caller) => {
      await caller.requireModel(model, isOfProduction(alias) ? 'deploy' : 'edit');
      await promote(caller.store, await caller.store.getVersion(model, number), alias);
      return {};
    },
  ),

  endpoint(
    'DELETE',
    'registered-models/alias',
    ofModel.extend({ alias: z.string() }),
    async ({ name: model, alias }, caller) => {
      await caller.requireModel(model, isOfProduction(alias) ? 'deploy' : 'edit');
      await caller.store.setAlias(model, alias, undefined);
      return {};
    },
  ),

  endpoint(
    'GET',
    'registered-models/alias',
    ofModel.extend({ alias: z.string() }),
    async ({ name: model, alias }, caller) => {
      await caller.requireModel(model, 'read');
      return { model_version: versionMessage(await caller.store.getVersionByAlias(model, alias)) };
    },
  ),

  endpoint(
    'POST',
    'model-versions/create',
    ofModel.extend({
      source: z.string(),
      run_id: z.string().optional(),
      run_link: z.string().optional(),
      description: z.string().optional(),
      tags: listOf(registryTag),
      model_id: z.string().optional(),
    }),
    async ({ name: model, source, run_id, run_link, description, tags, model_id }, caller) => {
      await caller.requireModel(model, 'edit');
      await caller.store.getModel(model);
      const from = await parseSource(caller.store, source);
      await requireReadable(caller, from);
      if (model_id !== undefined && model_id !== '' && (from.kind !== 'logged-model' || from.modelId !== model_id)) {
        throw mismatch('model_id', model_id);
      }
      if (run_id !== undefined && run_id !== '' && (await runBehind(caller.store, from)) !== run_id) {
        throw mismatch('run_id', run_id);
      }
      const made = await caller.store.createVersion({
        name: model,
        source,
        from,
        tags: { ...(from.kind === 'run' ? await choiceTags(caller.store, from.runId) : {}), ...toRecord(tags) },
        ...(run_link === undefined ? {} : { runLink: run_link }),
        ...(description === undefined ? {} : { description }),
      });
      return { model_version: versionMessage(made) };
    },
  ),

  endpoint('GET', 'model-versions/get', ofVersion, async ({ name: model, version: number }, caller) => {
    await caller.requireModel(model, 'read');
    return { model_version: versionMessage(await caller.store.getVersion(model, number)) };
  }),

  endpoint(
    'PATCH',
    'model-versions/update',
    ofVersion.extend({ description: z.string().default('') }),
    async ({ name: model, version: number, description }, caller) => {
      await caller.requireModel(model, 'edit');
      await caller.store.updateVersion(model, number, { description });
      return { model_version: versionMessage(await caller.store.getVersion(model, number)) };
    },
  ),

  endpoint(
    'POST',
    'model-versions/transition-stage',
    ofVersion.extend({
      stage: z.string(),
      archive_existing_versions: z.union([z.boolean(), z.enum(['true', 'false'])]).default(false),
    }),
    async ({ name: model, version: number, stage, archive_existing_versions }, caller) => {
      const known = STAGES.get(stage.toLowerCase());
      if (known === undefined) {
        throw new BallastError('There is no such stage', {
          code: 'STAGE_INVALID',
          place: 'stage',
          value: stage,
          remedy: `Give one of ${[...STAGES.values()].join(', ')}.`,
        });
      }
      await caller.requireModel(model, isOfProduction(known) ? 'deploy' : 'edit');
      const { store } = caller;
      const moved = await store.getVersion(model, number);
      if (isOfProduction(known)) await requireReady(store, moved, known);
      if (String(archive_existing_versions) === 'true') {
        for (const other of await latestVersions(store, model, [known], { every: true })) {
          if (other.version !== number) await store.updateVersion(model, other.version, { stage: 'Archived' });
        }
      }
      await store.updateVersion(model, number, { stage: known });
      return { model_version: versionMessage(await store.getVersion(model, number)) };
    },
  ),

  endpoint('DELETE', 'model-versions/delete', ofVersion, async ({ name: model, version: number }, caller) => {
    await caller.requireModel(model, 'manage');
    await caller.store.deleteVersion(model, number);
    return {};
  }),

  endpoint('GET', 'model-versions/search', search, async (request, caller) => {
    const offset = decodePage(request.page_token);
    const { versions, more } = await caller.store.searchVersions(queryOf(request, offset));
    const shown: object[] = [];
    for (const each of versions) if (await caller.mayReadModel(each.name)) shown.push(versionMessage(each));
    return { model_versions: shown, ...(more ? { next_page_token: encodePage(offset + versions.length) } : {}) };
  }),

  endpoint('GET', 'model-versions/get-download-uri', ofVersion, async ({ name: model, version: number }, caller) => {
    await caller.requireModel(model, 'read');
    const { modelId } = await caller.store.getVersion(model, number);
    return { artifact_uri: `mlflow-artifacts:/registered/${modelId}/${number}` };
  }),

  endpoint(
    'POST',
    'model-versions/set-tag',
    ofVersion.extend(registryTag.shape),
    async ({ name: model, version: number, key, value }, caller) => {
      await caller.requireModel(model, 'edit');
      await caller.store.setModelTags(model, toRecord([{ key, value }]), number);
      return {};
    },
  ),

  endpoint(
    'DELETE',
    'model-versions/delete-tag',
    ofVersion.extend({ key: z.string() }),
    async ({ name: model, version: number, key }, caller) => {
      await caller.requireModel(model, 'edit');
      await caller.store.removeModelTag(model, key, number);
      return {};
    },
  ),
];

/** Registering serves the files under the permissions of the model: who registers must be allowed to read them. */
async function requireReadable(caller: Caller, from: Awaited<ReturnType<typeof parseSource>>): Promise<void> {
  if (from.kind === 'run') await caller.requireRun(from.runId, 'read');
  else if (from.kind === 'logged-model') await caller.requireLoggedModel(from.modelId, 'read');
  else await caller.requireModel(from.name, 'read');
}

/** The run whose model a source is. */
async function runBehind(store: Store, from: Awaited<ReturnType<typeof parseSource>>): Promise<string | undefined> {
  if (from.kind === 'run') return from.runId;
  if (from.kind === 'logged-model') return (await store.getLoggedModel(from.modelId)).sourceRunId;
  return (await store.getVersion(from.name, from.version)).runId;
}

function mismatch(field: string, value: string): BallastError {
  return new BallastError(`Invalid value for parameter '${field}': the source is not of it`, {
    code: 'SOURCE_REFUSED',
    place: field,
    value,
    remedy: 'Register from the run, or the logged model, that the source names.',
  });
}

function queryOf({ filter, max_results, order_by }: z.output<typeof search>, offset: number) {
  return {
    offset,
    ...(filter === undefined ? {} : { filter }),
    ...(max_results === undefined ? {} : { limit: max_results }),
    ...(order_by === undefined ? {} : { orderBy: order_by }),
  };
}

/** The newest version of each stage, or every one of them. */
async function latestVersions(
  store: Store,
  model: string,
  stages: readonly string[] = [],
  { every = false } = {},
): Promise<ModelVersion[]> {
  await store.getModel(model);
  const wanted = new Set(stages.map((stage) => STAGES.get(stage.toLowerCase()) ?? stage));
  const { versions } = await store.searchVersions({
    filter: `name = '${model.replaceAll("'", "''")}'`,
    orderBy: ['version_number DESC'],
    limit: 10_000,
  });
  const seen = new Set<string>();
  return versions.filter(({ stage }) => {
    if (wanted.size > 0 && !wanted.has(stage)) return false;
    const first = !seen.has(stage);
    seen.add(stage);
    return every || first;
  });
}

async function modelMessage(store: Store, model: string): Promise<object> {
  const found = await store.getModel(model);
  return { ...modelFields(found), latest_versions: (await latestVersions(store, model)).map(versionMessage) };
}

function modelFields(model: RegisteredModel): object {
  return {
    name: model.name,
    creation_timestamp: model.createdAt.getTime(),
    last_updated_timestamp: model.updatedAt.getTime(),
    description: model.description,
    tags: toPairs(model.tags),
    aliases: Object.entries(model.aliases).map(([alias, number]) => ({ alias, version: String(number) })),
  };
}

function versionMessage(each: ModelVersion): object {
  return {
    name: each.name,
    version: String(each.version),
    creation_timestamp: each.createdAt.getTime(),
    last_updated_timestamp: each.updatedAt.getTime(),
    user_id: each.createdBy,
    current_stage: each.stage,
    description: each.description,
    source: each.source,
    run_id: each.runId ?? '',
    status: 'READY',
    tags: toPairs({ ...ownTags(each), ...each.tags }),
    run_link: each.runLink ?? '',
    aliases: each.aliases,
    ...(each.loggedModelId === undefined ? {} : { model_id: each.loggedModelId }),
  };
}

/** What the registry knows of a version, as tags for clients that know nothing else. */
function ownTags({
  digest,
  regularizerId,
  datasetName,
  dataVersion,
  codeCommit,
}: ModelVersion): Record<string, string> {
  return {
    'ballast.digest': digest,
    ...(regularizerId === undefined ? {} : { 'ballast.regularizers': regularizerId }),
    ...(datasetName === undefined ? {} : { 'ballast.data': `${datasetName}@${dataVersion ?? ''}` }),
    ...(codeCommit === undefined ? {} : { 'ballast.commit': codeCommit }),
  };
}
