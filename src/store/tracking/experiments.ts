import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { BallastError } from '../../errors.js';
import type { StoreContext } from '../context.js';
import { checkLimit } from '../run-queries.js';
import { compareNumber, compareText, refused } from '../search/compare.js';
import { type Clause, parseFilter, parseOrder } from '../search/filter.js';
import { checkName, storableText } from '../text.js';
import type { TrackedExperiment, TrackedExperimentStore } from './types.js';

const DEFAULT_ID = 0;
const DEFAULT_NAME = 'Default';
const DEFAULT_LIMIT = 1000;
const LARGEST_LIMIT = 50_000;

/** The {@link TrackedExperimentStore} part of a store. */
export function trackedExperiments({ db, kind }: StoreContext): TrackedExperimentStore {
  const select = () => db.selectFrom('experiment').select(['id', 'name', 'created_at', 'updated_at', 'deleted_at']);

  async function tagsOf(ids: readonly number[]): Promise<Map<number, Record<string, string>>> {
    const tags = new Map<number, Record<string, string>>(ids.map((id) => [id, {}]));
    if (ids.length === 0) return tags;
    const rows = await db
      .selectFrom('experiment_tag')
      .selectAll()
      .where('experiment_id', 'in', ids)
      .orderBy('name')
      .execute();
    for (const { experiment_id, name, value } of rows) {
      const own = tags.get(experiment_id);
      if (own !== undefined) own[name] = value;
    }
    return tags;
  }

  async function get(id: number): Promise<TrackedExperiment> {
    const row = await select().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw experimentNotFound(id);
    return toExperiment(row, (await tagsOf([id])).get(id));
  }

  async function change(id: number, values: { name?: string; deleted_at?: number | null }): Promise<void> {
    await db
      .updateTable('experiment')
      .set({ ...values, updated_at: Date.now() })
      .where('id', '=', id)
      .execute();
  }

  async function requireActive(id: number): Promise<void> {
    if ((await get(id)).deletedAt !== undefined) throw experimentDeleted(id);
  }

  return {
    getExperiment: get,

    async ensureDefaultExperiment() {
      const numbered = kind === 'postgres' ? sql`overriding system value` : sql``;
      await sql`insert into experiment (id, name, created_at) ${numbered}
        values (${DEFAULT_ID}, ${DEFAULT_NAME}, ${Date.now()}) on conflict do nothing`.execute(db);
    },

    async createExperiment(name, tags = {}) {
      checkName(name, 'experiment name');
      return db.transaction().execute(async (transaction) => {
        const row = await transaction
          .insertInto('experiment')
          .values({ name, created_at: Date.now(), updated_at: null, deleted_at: null })
          .onConflict((conflict) => conflict.column('name').doNothing())
          .returning('id')
          .executeTakeFirst();
        if (row === undefined) throw experimentExists(name);
        for (const [tag, value] of Object.entries(tags)) {
          await transaction
            .insertInto('experiment_tag')
            .values({ experiment_id: row.id, name: checkName(tag, 'tag name'), value: storableText(value) })
            .execute();
        }
        return row.id;
      });
    },

    async findExperiment(name) {
      const row = await select().where('name', '=', name).executeTakeFirst();
      return row === undefined ? undefined : toExperiment(row, (await tagsOf([row.id])).get(row.id));
    },

    async searchExperiments({ filter = '', orderBy = [], view = 'active', limit = DEFAULT_LIMIT, offset = 0 }) {
      checkLimit(limit, LARGEST_LIMIT);
      let query = select();
      if (view === 'active') query = query.where('deleted_at', 'is', null);
      if (view === 'deleted') query = query.where('deleted_at', 'is not', null);
      for (const clause of parseFilter(filter)) query = query.where(condition(clause));
      for (const text of orderBy) {
        const key = parseOrder(text);
        query = query.orderBy(columnOf({ ...key, at: 1 }).column, key.ascending ? 'asc' : 'desc');
      }
      const rows = await query
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .offset(offset)
        .execute();
      const page = rows.slice(0, limit);
      const tags = await tagsOf(page.map(({ id }) => id));
      return { experiments: page.map((row) => toExperiment(row, tags.get(row.id))), more: rows.length > limit };
    },

    async renameExperiment(id, name) {
      checkName(name, 'experiment name');
      await requireActive(id);
      const other = await select().where('name', '=', name).executeTakeFirst();
      if (other !== undefined && other.id !== id) throw experimentExists(name);
      await change(id, { name });
    },

    async deleteExperiment(id) {
      await requireActive(id);
      await change(id, { deleted_at: Date.now() });
    },

    async restoreExperiment(id) {
      await get(id);
      await change(id, { deleted_at: null });
    },

    async setExperimentTags(id, tags) {
      await requireActive(id);
      for (const [tag, text] of Object.entries(tags)) {
        const value = storableText(text);
        await db
          .insertInto('experiment_tag')
          .values({ experiment_id: id, name: checkName(tag, 'tag name'), value })
          .onConflict((conflict) => conflict.columns(['experiment_id', 'name']).doUpdateSet({ value }))
          .execute();
      }
      await change(id, {});
    },

    async removeExperimentTag(id, name) {
      await requireActive(id);
      const { numDeletedRows } = await db
        .deleteFrom('experiment_tag')
        .where('experiment_id', '=', id)
        .where('name', '=', name)
        .executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) throw tagNotFound(name, `experiment ${id}`);
    },
  };

  function condition(clause: Clause): RawBuilder<SqlBool> {
    if (clause.entity === 'tags' || clause.entity === 'tag') {
      const named = sql`from experiment_tag t where t.experiment_id = experiment.id and t.name = ${clause.key}`;
      if (clause.comparator === 'IS NULL') return sql`not exists (select 1 ${named})`;
      if (clause.comparator === 'IS NOT NULL') return sql`exists (select 1 ${named})`;
      return sql`exists (select 1 ${named} and ${compareText(kind, sql`t.value`, clause)})`;
    }
    const { type, column } = columnOf(clause);
    return type === 'text' ? compareText(kind, column, clause) : compareNumber(column, clause);
  }
}

const COLUMNS: ReadonlyMap<string, { type: 'text' | 'number'; column: RawBuilder<unknown> }> = new Map([
  ['name', { type: 'text' as const, column: sql`experiment.name` }],
  ['experiment_id', { type: 'text' as const, column: sql`cast(experiment.id as text)` }],
  ['creation_time', { type: 'number' as const, column: sql`experiment.created_at` }],
  [
    'last_update_time',
    { type: 'number' as const, column: sql`coalesce(experiment.updated_at, experiment.created_at)` },
  ],
]);

function columnOf({ entity, key, at }: Pick<Clause, 'entity' | 'key' | 'at'>) {
  const column = COLUMNS.get(key);
  const isAttribute = entity === undefined || ['attribute', 'attributes', 'attr'].includes(entity);
  if (column === undefined || !isAttribute) {
    throw refused({ key, at }, `an experiment has ${[...COLUMNS.keys()].join(', ')} and tags, and not "${key}"`);
  }
  return column;
}

interface ExperimentRow {
  id: number;
  name: string;
  created_at: number;
  updated_at: number | null;
  deleted_at: number | null;
}

function toExperiment(row: ExperimentRow, tags: Readonly<Record<string, string>> = {}): TrackedExperiment {
  return {
    id: row.id,
    name: row.name,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at ?? row.created_at),
    deletedAt: row.deleted_at === null ? undefined : new Date(row.deleted_at),
    tags,
  };
}

export function experimentNotFound(id: number | string): BallastError {
  return new BallastError(`No Experiment with id=${id} exists`, {
    code: 'EXPERIMENT_NOT_FOUND',
    kind: 'not-found',
    remedy: 'List the experiments to see their ids.',
  });
}

export function experimentDeleted(id: number): BallastError {
  return new BallastError(`The experiment ${id} is deleted`, {
    code: 'EXPERIMENT_DELETED',
    kind: 'conflict',
    remedy: 'Restore it first.',
  });
}

function experimentExists(name: string): BallastError {
  return new BallastError(`Experiment(name=${name}) already exists`, {
    code: 'EXPERIMENT_EXISTS',
    kind: 'conflict',
    remedy: 'Choose another name; a deleted experiment keeps its own until it is restored or renamed.',
  });
}

export function tagNotFound(name: string, place: string): BallastError {
  return new BallastError(`No tag with name: ${name}`, {
    code: 'TAG_NOT_FOUND',
    kind: 'not-found',
    place,
    remedy: 'List the tags to see what there is.',
  });
}
