import type { Kysely } from 'kysely';
import type { StoreContext } from './context.js';
import { decodeJson, encodeJson } from './json.js';
import { checkLimit } from './run-queries.js';
import type { StoreSchema } from './schema.js';
import { checkName, storableText } from './text.js';
import type { AuditEvent, AuditStore } from './types.js';

const DEFAULT_LIMIT = 100;

/** The {@link AuditStore} part of a store. */
export function auditStore({ db, actor }: StoreContext): AuditStore {
  return {
    audit: (event) => insertAudit(db, { actor, ...event }),

    async auditLog({ limit = DEFAULT_LIMIT, ...filter } = {}) {
      checkLimit(limit);
      let query = db.selectFrom('audit_event').selectAll().orderBy('id', 'desc').limit(limit);
      if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor);
      if (filter.action !== undefined) query = query.where('action', '=', filter.action);
      if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
      if (filter.before !== undefined) query = query.where('id', '<', filter.before);
      return (await query.execute()).map((row) => ({
        id: row.id,
        at: new Date(row.created_at),
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        details: decodeJson(row.details),
      }));
    },
  };
}

/** Appends an event, in the transaction of what it tells of. */
export async function insertAudit(
  db: Kysely<StoreSchema>,
  { actor, action, subject, details = null }: AuditEvent & { actor: string },
): Promise<void> {
  await db
    .insertInto('audit_event')
    .values({
      created_at: Date.now(),
      actor: checkName(actor, 'actor'),
      action: checkName(action, 'action'),
      subject: storableText(subject),
      details: encodeJson(details, 'details'),
    })
    .execute();
}
