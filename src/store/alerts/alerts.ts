import type { Selectable } from 'kysely';
import type { StoreContext } from '../context.js';
import { decodeJson, encodeJson } from '../json.js';
import { checkLimit } from '../run-queries.js';
import { storableText } from '../text.js';
import type { AlertTable } from './schema.js';
import { silenceStore } from './silences.js';
import { sloStore } from './slos.js';
import type { AlertState, AlertStore } from './types.js';

const DEFAULT_LIMIT = 500;

/** The {@link AlertStore} part of a store. */
export function alertStore(context: StoreContext): AlertStore {
  const { db } = context;
  return {
    ...sloStore(context),
    ...silenceStore(context),

    async saveAlerts(alerts) {
      if (alerts.length === 0) return;
      await db.transaction().execute(async (transaction) => {
        for (const { alert, event, details = null } of alerts) {
          const { fingerprint, ...values } = toRow(alert);
          await transaction
            .insertInto('alert')
            .values({ fingerprint, ...values })
            .onConflict((conflict) => conflict.column('fingerprint').doUpdateSet(values))
            .execute();
          if (event === undefined) continue;
          await transaction
            .insertInto('alert_event')
            .values({ fingerprint, at: alert.seenAt.getTime(), event, details: encodeJson(details, 'alert event') })
            .execute();
        }
      });
    },

    async listAlerts({ model, state, limit = DEFAULT_LIMIT } = {}) {
      checkLimit(limit);
      let query = db.selectFrom('alert').selectAll().orderBy('state').orderBy('started_at', 'desc').limit(limit);
      if (model !== undefined) query = query.where('model', '=', model);
      if (state !== undefined) query = query.where('state', '=', state);
      return (await query.execute()).map(toAlert);
    },

    async alertEvents(fingerprint) {
      const rows = await db
        .selectFrom('alert_event')
        .selectAll()
        .where('fingerprint', '=', fingerprint)
        .orderBy('id')
        .execute();
      return rows.map(({ at, event, details }) => ({ at: new Date(at), event, details: decodeJson(details) }));
    },

    async saveDeliveries(deliveries) {
      await db.transaction().execute(async (transaction) => {
        for (const { fingerprint, target, told, at, failures, error } of deliveries) {
          const values = {
            told,
            at: at.getTime(),
            failures,
            error: error === undefined ? null : storableText(error),
          };
          await transaction
            .insertInto('alert_delivery')
            .values({ fingerprint, target, ...values })
            .onConflict((conflict) => conflict.columns(['fingerprint', 'target']).doUpdateSet(values))
            .execute();
        }
      });
    },

    async listDeliveries(fingerprints) {
      if (fingerprints.length === 0) return [];
      const rows = await db
        .selectFrom('alert_delivery')
        .selectAll()
        .where('fingerprint', 'in', fingerprints)
        .orderBy('fingerprint')
        .orderBy('target')
        .execute();
      return rows.map((row) => ({ ...row, at: new Date(row.at), error: row.error ?? undefined }));
    },

    async takeTurn(name, everyMs) {
      const now = Date.now();
      const { numInsertedOrUpdatedRows = 0n } = await db
        .insertInto('turn')
        .values({ name, at: now })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet({ at: now })
            // A clock that was set back must not keep everyone waiting.
            .where(({ or, eb }) => or([eb('turn.at', '<=', now - everyMs), eb('turn.at', '>', now + everyMs)])),
        )
        .executeTakeFirst();
      return numInsertedOrUpdatedRows > 0n;
    },
  };
}

function toRow(alert: AlertState): Selectable<AlertTable> {
  return {
    fingerprint: alert.fingerprint,
    model: alert.model,
    rule: alert.rule,
    severity: alert.severity,
    state: alert.state,
    labels: encodeJson(alert.labels, 'alert labels'),
    annotations: encodeJson(alert.annotations, 'alert annotations'),
    started_at: alert.startedAt.getTime(),
    seen_at: alert.seenAt.getTime(),
    resolved_at: alert.resolvedAt?.getTime() ?? null,
    changes: encodeJson(alert.changes, 'alert changes'),
    suppressed_by: alert.suppressedBy ?? null,
  };
}

function toAlert(row: Selectable<AlertTable>): AlertState {
  return {
    fingerprint: row.fingerprint,
    model: row.model,
    rule: row.rule,
    severity: row.severity,
    state: row.state,
    labels: decodeJson(row.labels) as AlertState['labels'],
    annotations: decodeJson(row.annotations) as AlertState['annotations'],
    startedAt: new Date(row.started_at),
    seenAt: new Date(row.seen_at),
    resolvedAt: row.resolved_at === null ? undefined : new Date(row.resolved_at),
    changes: decodeJson(row.changes) as number[],
    suppressedBy: row.suppressed_by ?? undefined,
  };
}
