import type { Selectable } from 'kysely';
import { BallastError } from '../../errors.js';
import { insertAudit } from '../audit.js';
import type { StoreContext } from '../context.js';
import { decodeJson, encodeJson } from '../json.js';
import { storableText } from '../text.js';
import type { SilenceTable } from './schema.js';
import type { AlertStore, Matcher, NewSilence, Silence } from './types.js';

/** A silence ends by itself; no one is longer than this. */
const LONGEST_MS = 90 * 24 * 3_600_000;

/** Silences and planned windows of the {@link AlertStore}. */
export function silenceStore({
  db,
  actor,
}: StoreContext): Pick<AlertStore, 'addSilence' | 'endSilence' | 'listSilences'> {
  return {
    async addSilence(silence) {
      checkSilence(silence);
      const { kind, matchers, startsAt, endsAt, reason } = silence;
      return db.transaction().execute(async (transaction) => {
        const row = await transaction
          .insertInto('silence')
          .values({
            kind,
            matchers: encodeJson(matchers, 'matchers'),
            starts_at: startsAt.getTime(),
            ends_at: endsAt.getTime(),
            reason: storableText(reason),
            created_by: actor,
            created_at: Date.now(),
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        const details = { kind, matchers, reason, startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString() };
        await insertAudit(transaction, { actor, action: 'alert.silence', subject: `silences/${row.id}`, details });
        return toSilence(row);
      });
    },

    async endSilence(id) {
      await db.transaction().execute(async (transaction) => {
        const row = await transaction.selectFrom('silence').selectAll().where('id', '=', id).executeTakeFirst();
        if (row === undefined) {
          throw new BallastError('There is no such silence', {
            code: 'SILENCE_NOT_FOUND',
            kind: 'not-found',
            value: id,
            remedy: 'ballast alerts silences lists them.',
          });
        }
        const now = Date.now();
        if (row.ends_at <= now) {
          throw new BallastError('This silence is over already', {
            code: 'SILENCE_OVER',
            kind: 'conflict',
            place: `silences/${id}`,
          });
        }
        await transaction.updateTable('silence').set({ ends_at: now }).where('id', '=', id).execute();
        await insertAudit(transaction, { actor, action: 'alert.unsilence', subject: `silences/${id}` });
      });
    },

    async listSilences({ endedToo = false } = {}) {
      let query = db.selectFrom('silence').selectAll().orderBy('id', 'desc');
      if (!endedToo) query = query.where('ends_at', '>', Date.now());
      return (await query.execute()).map(toSilence);
    },
  };
}

function checkSilence({ matchers, startsAt, endsAt, reason }: NewSilence): void {
  const fault =
    matchers.length === 0
      ? 'it would silence everything: name at least one label'
      : reason.trim() === ''
        ? 'it needs a reason'
        : !(endsAt.getTime() > startsAt.getTime())
          ? 'it ends before it begins'
          : !(endsAt.getTime() - startsAt.getTime() <= LONGEST_MS)
            ? 'it is longer than 90 days'
            : matchers.map(matcherFault).find((each) => each !== undefined);
  if (fault !== undefined) {
    throw new BallastError(`This silence cannot be: ${fault}`, { code: 'SILENCE_INVALID', value: matchers });
  }
}

function matcherFault({ label, value, regex = false }: Matcher): string | undefined {
  if (!/^[a-z_][a-z0-9_]*$/i.test(label)) return `${label} is no name of a label`;
  if (!regex) return undefined;
  if (value.length > 200) return `the expression for ${label} is longer than 200 characters`;
  try {
    new RegExp(value);
    return undefined;
  } catch {
    return `${value} is no regular expression`;
  }
}

function toSilence(row: Selectable<SilenceTable>): Silence {
  return {
    id: row.id,
    kind: row.kind,
    matchers: decodeJson(row.matchers) as Matcher[],
    startsAt: new Date(row.starts_at),
    endsAt: new Date(row.ends_at),
    reason: row.reason,
    createdBy: row.created_by,
    createdAt: new Date(row.created_at),
  };
}
