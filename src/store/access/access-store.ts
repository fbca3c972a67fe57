import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Selectable } from 'kysely';
import { BallastError } from '../../errors.js';
import { insertAudit } from '../audit.js';
import type { StoreContext } from '../context.js';
import type { AppUserTable } from '../schema.js';
import { storableText } from '../text.js';
import { type AccessStore, EVERYONE, type User } from './types.js';

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** Cost of guessing a password: 64 MB and about a fifth of a second each (RFC 7914). */
const SCRYPT = { N: 1 << 16, r: 8, p: 1, maxmem: 128 << 20 } as const;
const KEY_BYTES = 32;
const SHORTEST_PASSWORD = 12;
const TOKEN_PREFIX = 'blt_';
const NAME = /^[A-Za-z0-9][\w.@-]{0,99}$/;
/** Digits of a token's hash that lists show. */
const SHOWN_DIGITS = 12;

/** The {@link AccessStore} part of a store. */
export function accessStore({ db, actor }: StoreContext): AccessStore {
  async function requireUser(name: string): Promise<Selectable<AppUserTable>> {
    const row = await db.selectFrom('app_user').selectAll().where('name', '=', name).executeTakeFirst();
    if (row !== undefined) return row;
    throw new BallastError('There is no such user', {
      code: 'USER_NOT_FOUND',
      kind: 'not-found',
      value: name,
      remedy: 'List the users, or add one: ballast users add NAME --role ROLE.',
    });
  }
  const audit = (action: string, subject: string, details: unknown = null) =>
    insertAudit(db, { actor, action, subject, details });

  return {
    async putUser(name, role) {
      if (!NAME.test(name)) {
        throw new BallastError('This is no name for a user', {
          code: 'USER_NAME_INVALID',
          value: name,
          remedy: 'Use letters, digits, dots, hyphens, underscores and at signs.',
        });
      }
      await db
        .insertInto('app_user')
        .values({ name, role, password: null, created_at: Date.now() })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ role }))
        .execute();
      await audit('user.put', `users/${name}`, { role });
    },

    async setPassword(name, password) {
      await requireUser(name);
      if (password.length < SHORTEST_PASSWORD) {
        throw new BallastError('The password is too short', {
          code: 'PASSWORD_TOO_SHORT',
          remedy: `Use at least ${SHORTEST_PASSWORD} characters.`,
        });
      }
      const salt = randomBytes(16);
      const hash = `${salt.toString('hex')}:${(await derive(password, salt, KEY_BYTES, SCRYPT)).toString('hex')}`;
      await db.updateTable('app_user').set({ password: hash }).where('name', '=', name).execute();
      // Whoever knew the old password may still be logged in.
      await db.deleteFrom('access_token').where('user_name', '=', name).where('label', '=', SESSION_LABEL).execute();
      await audit('user.password', `users/${name}`);
    },

    async removeUser(name) {
      await requireUser(name);
      await db.transaction().execute(async (transaction) => {
        await transaction.deleteFrom('access_grant').where('user_name', '=', name).execute();
        await transaction.deleteFrom('access_token').where('user_name', '=', name).execute();
        await transaction.deleteFrom('app_user').where('name', '=', name).execute();
      });
      await audit('user.remove', `users/${name}`);
    },

    async listUsers() {
      return (await db.selectFrom('app_user').selectAll().orderBy('name').execute()).map(toUser);
    },

    async userByPassword(name, password) {
      const row = await db.selectFrom('app_user').selectAll().where('name', '=', name).executeTakeFirst();
      const [salt, hash] = (row?.password ?? `${'0'.repeat(32)}:${'0'.repeat(2 * KEY_BYTES)}`).split(':');
      const found = await derive(password, Buffer.from(salt, 'hex'), KEY_BYTES, SCRYPT);
      const equal = timingSafeEqual(found, Buffer.from(hash, 'hex'));
      return equal && row !== undefined && row.password !== null ? toUser(row) : undefined;
    },

    async userByToken(token) {
      if (!token.startsWith(TOKEN_PREFIX)) return undefined;
      const row = await db
        .selectFrom('access_token')
        .innerJoin('app_user', 'app_user.name', 'access_token.user_name')
        .where('hash', '=', hashOf(token))
        .where('expires_at', '>', Date.now())
        .select(['app_user.name', 'role', 'password', 'app_user.created_at'])
        .executeTakeFirst();
      return row === undefined ? undefined : toUser(row);
    },

    async createToken(user, { label, seconds }) {
      await requireUser(user);
      const token = `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
      const now = Date.now();
      await db.deleteFrom('access_token').where('expires_at', '<=', now).execute();
      await db
        .insertInto('access_token')
        .values({
          hash: hashOf(token),
          user_name: user,
          label: storableText(label),
          created_at: now,
          expires_at: now + seconds * 1000,
        })
        .execute();
      await audit('token.create', `users/${user}`, { label, seconds });
      return token;
    },

    async listTokens(user) {
      let query = db.selectFrom('access_token').selectAll().orderBy('created_at');
      if (user !== undefined) query = query.where('user_name', '=', user);
      return (await query.execute()).map(({ hash, user_name, label, created_at, expires_at }) => ({
        id: hash.slice(0, SHOWN_DIGITS),
        user: user_name,
        label,
        createdAt: new Date(created_at),
        expiresAt: new Date(expires_at),
      }));
    },

    async revokeToken(tokenOrId) {
      const hash = tokenOrId.startsWith(TOKEN_PREFIX) ? hashOf(tokenOrId) : tokenOrId.toLowerCase();
      if (!/^[0-9a-f]{12,64}$/.test(hash)) throw tokenNotFound();
      const rows = await db
        .deleteFrom('access_token')
        .where('hash', 'like', `${hash}%`)
        .returning('user_name')
        .execute();
      const [row] = rows;
      if (row === undefined) throw tokenNotFound();
      await audit('token.revoke', `users/${row.user_name}`, { id: hash.slice(0, SHOWN_DIGITS) });
    },

    async grant({ kind, id }, user, permission) {
      if (user !== EVERYONE) await requireUser(user);
      if (permission === undefined) {
        await db
          .deleteFrom('access_grant')
          .where('subject_kind', '=', kind)
          .where('subject_id', '=', id)
          .where('user_name', '=', user)
          .execute();
      } else {
        await db
          .insertInto('access_grant')
          .values({ subject_kind: kind, subject_id: id, user_name: user, permission })
          .onConflict((conflict) =>
            conflict.columns(['subject_kind', 'subject_id', 'user_name']).doUpdateSet({ permission }),
          )
          .execute();
      }
      await audit('access.grant', `${kind}s/${id}`, { user, permission: permission ?? null });
    },

    async listGrants(subject) {
      let query = db.selectFrom('access_grant').selectAll().orderBy('subject_kind').orderBy('subject_id');
      if (subject !== undefined) {
        query = query.where('subject_kind', '=', subject.kind).where('subject_id', '=', subject.id);
      }
      return (await query.execute()).map(({ subject_kind, subject_id, user_name, permission }) => ({
        subject: { kind: subject_kind, id: subject_id },
        user: user_name,
        permission,
      }));
    },
  };
}

/** The label of tokens that a login gives. */
export const SESSION_LABEL = 'session';

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function toUser({ name, role, password, created_at }: Selectable<AppUserTable>): User {
  return { name, role, createdAt: new Date(created_at), hasPassword: password !== null };
}

function tokenNotFound(): BallastError {
  return new BallastError('There is no such token', {
    code: 'TOKEN_NOT_FOUND',
    kind: 'not-found',
    remedy: 'List the tokens: ballast users list.',
  });
}
