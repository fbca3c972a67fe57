import { BallastError } from '../../errors.js';
import { insertAudit } from '../audit.js';
import type { StoreContext } from '../context.js';
import { checkName, storableText } from '../text.js';
import { tagNotFound } from '../tracking/experiments.js';
import { isOfProduction } from './production.js';
import {
  aliasNotFound,
  archived,
  checkAlias,
  checkModelName,
  inUse,
  requireModelRow,
  requireVersionRow,
  toModels,
} from './rows.js';
import { searchModels, searchVersions } from './search.js';
import type { RegistryStore, Responsibility } from './types.js';
import { versionStore } from './versions.js';

const CRITICALITIES: readonly string[] = ['low', 'medium', 'high', 'safety'];

/** The {@link RegistryStore} part of a store. */
export function registryStore(context: StoreContext): RegistryStore {
  const { db, actor } = context;
  return {
    ...versionStore(context),
    searchModels: (query = {}) => searchModels(context, query),
    searchVersions: (query = {}) => searchVersions(context, query),

    async createModel(name, { description = '', tags = {} } = {}) {
      checkModelName(name);
      const now = Date.now();
      await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .insertInto('registered_model')
          .values({
            name,
            description: storableText(description),
            created_at: now,
            updated_at: now,
            last_version: 0,
          })
          .onConflict((conflict) => conflict.column('name').doNothing())
          .returning('id')
          .executeTakeFirst();
        if (row === undefined) throw modelExists(name);
        for (const [tag, value] of Object.entries(tags)) {
          await transaction
            .insertInto('registered_model_tag')
            .values({ model_id: row.id, name: checkName(tag, 'tag name'), value: storableText(value) })
            .execute();
        }
        await insertAudit(transaction, { actor, action: 'model.create', subject: `models:/${name}` });
      });
    },

    async getModel(name) {
      const [model] = await toModels(db, [await requireModelRow(db, name)]);
      if (model === undefined) throw new Error('a row gives a model');
      return model;
    },

    async modelName(modelId) {
      const row = await db.selectFrom('registered_model').select('name').where('id', '=', modelId).executeTakeFirst();
      return row?.name ?? (await requireModelRow(db, `number ${modelId}`)).name;
    },

    async renameModel(name, newName) {
      checkModelName(newName);
      await db.transaction().execute(async (transaction) => {
        const { id } = await requireModelRow(transaction, name);
        const other = await transaction
          .selectFrom('registered_model')
          .select('id')
          .where('name', '=', newName)
          .executeTakeFirst();
        if (other !== undefined && other.id !== id) throw modelExists(newName);
        await transaction
          .updateTable('registered_model')
          .set({ name: newName, updated_at: Date.now() })
          .where('id', '=', id)
          .execute();
        await insertAudit(transaction, {
          actor,
          action: 'model.rename',
          subject: `models:/${newName}`,
          details: { from: name },
        });
      });
    },

    async updateModel(name, change) {
      const values = toColumns(change);
      await db.transaction().execute(async (transaction) => {
        const { id } = await requireModelRow(transaction, name);
        await transaction
          .updateTable('registered_model')
          .set({ ...values, updated_at: Date.now() })
          .where('id', '=', id)
          .execute();
        await insertAudit(transaction, { actor, action: 'model.update', subject: `models:/${name}`, details: values });
      });
    },

    async deleteModel(name) {
      await db.transaction().execute(async (transaction) => {
        const { id } = await requireModelRow(transaction, name);
        const aliases = await transaction.selectFrom('model_alias').select('name').where('model_id', '=', id).execute();
        const used = aliases.find((alias) => isOfProduction(alias.name));
        if (used !== undefined) throw inUse(name, used.name);
        await transaction.deleteFrom('registered_model').where('id', '=', id).execute();
        await insertAudit(transaction, { actor, action: 'model.delete', subject: `models:/${name}` });
      });
    },

    async setModelTags(name, tags, version) {
      const { id } = await requireModelRow(db, name);
      if (version !== undefined) await requireVersionRow(db, name, version);
      for (const [tag, text] of Object.entries(tags)) {
        const value = storableText(text);
        const row = { model_id: id, name: checkName(tag, 'tag name'), value };
        if (version === undefined) {
          await db
            .insertInto('registered_model_tag')
            .values(row)
            .onConflict((conflict) => conflict.columns(['model_id', 'name']).doUpdateSet({ value }))
            .execute();
        } else {
          await db
            .insertInto('model_version_tag')
            .values({ ...row, version })
            .onConflict((conflict) => conflict.columns(['model_id', 'version', 'name']).doUpdateSet({ value }))
            .execute();
        }
      }
    },

    async removeModelTag(name, tag, version) {
      const { id } = await requireModelRow(db, name);
      if (version !== undefined) await requireVersionRow(db, name, version);
      const { numDeletedRows } =
        version === undefined
          ? await db
              .deleteFrom('registered_model_tag')
              .where('model_id', '=', id)
              .where('name', '=', tag)
              .executeTakeFirstOrThrow()
          : await db
              .deleteFrom('model_version_tag')
              .where('model_id', '=', id)
              .where('version', '=', version)
              .where('name', '=', tag)
              .executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) throw tagNotFound(tag, `models:/${name}`);
    },

    async setAlias(name, alias, version) {
      checkAlias(alias);
      await db.transaction().execute(async (transaction) => {
        const { id } = await requireModelRow(transaction, name);
        const before = await transaction
          .selectFrom('model_alias')
          .select('version')
          .where('model_id', '=', id)
          .where('name', '=', alias)
          .executeTakeFirst();
        if (version === undefined) {
          if (before === undefined) throw aliasNotFound(name, alias);
          await transaction.deleteFrom('model_alias').where('model_id', '=', id).where('name', '=', alias).execute();
        } else {
          const row = await requireVersionRow(transaction, name, version);
          if (row.state === 'archived') throw archived(name, version);
          await transaction
            .insertInto('model_alias')
            .values({ model_id: id, name: alias, version })
            .onConflict((conflict) => conflict.columns(['model_id', 'name']).doUpdateSet({ version }))
            .execute();
        }
        await insertAudit(transaction, {
          actor,
          action: version === undefined ? 'model.demote' : 'model.promote',
          subject: `models:/${name}@${alias}`,
          details: { from: before?.version ?? null, to: version ?? null },
        });
      });
    },
  };
}

function toColumns(change: Partial<Responsibility> & { readonly description?: string }) {
  const { description, owner, onCall, escalation, criticality, threatModel } = change;
  if (criticality !== undefined && !CRITICALITIES.includes(criticality)) {
    throw new BallastError('There is no such criticality', {
      code: 'MODEL_INVALID',
      place: 'criticality',
      value: criticality,
      remedy: `Give one of ${CRITICALITIES.join(', ')}.`,
    });
  }
  const given = {
    description,
    owner,
    on_call: onCall,
    escalation,
    criticality,
    threat_model: threatModel,
  };
  const entries = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, storableText(value)]));
}

function modelExists(name: string): BallastError {
  return new BallastError(`Registered Model (name=${name}) already exists`, {
    code: 'MODEL_EXISTS',
    kind: 'conflict',
    remedy: 'Register a version of it, or choose another name.',
  });
}
