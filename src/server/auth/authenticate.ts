import { createHash } from 'node:crypto';
import { BallastError } from '../../errors.js';
import type { Store, User } from '../../store/index.js';

/** The cookie of a login. */
export const SESSION_COOKIE = 'ballast_session';

/** How long a password that was right is not derived again, in ms: clients send it with every request. */
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 1000;
/** Wrong passwords in a row before answers are delayed, and for how long none is looked at then. */
const MOST_FAILURES = 5;
const LOCKED_MS = 60_000;

/** What a request says of who sends it, over whichever protocol. */
export interface Credentials {
  readonly headers: { readonly authorization?: string | undefined; readonly cookie?: string | undefined };
  /** The address of the client. */
  readonly ip: string;
}

/** Finds out who sends requests: a token (`Bearer`), a name and a password (`Basic`), or the cookie of a login. */
export class Authenticator {
  readonly #store: Store;
  readonly #remembered = new Map<string, { user: User; until: number }>();
  readonly #failures = new Map<string, { count: number; until: number }>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws BallastError `UNAUTHENTICATED`, `TOO_MANY_FAILURES` */
  async userOf(request: Credentials): Promise<User> {
    const { authorization } = request.headers;
    if (authorization !== undefined) return this.#byHeader(authorization, request.ip);
    const session = cookieOf(request, SESSION_COOKIE);
    const user = session === undefined ? undefined : await this.#store.userByToken(session);
    if (user === undefined) throw unauthenticated();
    return user;
  }

  /** The user of a name and a password; too many wrong ones are not looked at any more for a minute. */
  async byPassword(name: string, password: string, address: string): Promise<User> {
    const key = `${address} ${name}`;
    const failed = this.#failures.get(key);
    if (failed !== undefined && failed.count >= MOST_FAILURES && failed.until > Date.now()) throw tooMany();
    const user = await this.#store.userByPassword(name, password);
    if (user !== undefined) {
      this.#failures.delete(key);
      return user;
    }
    const count = failed !== undefined && failed.until > Date.now() ? failed.count + 1 : 1;
    if (this.#failures.size >= MOST_REMEMBERED) this.#failures.clear();
    this.#failures.set(key, { count, until: Date.now() + LOCKED_MS });
    await this.#store.as(address).audit({ action: 'login.failed', subject: `users/${name.slice(0, 100)}` });
    throw unauthenticated();
  }

  async #byHeader(header: string, address: string): Promise<User> {
    const [, scheme = '', value = ''] = /^(\w+) +(.+)$/.exec(header) ?? [];
    if (scheme.toLowerCase() === 'bearer') {
      const user = await this.#store.userByToken(value);
      if (user === undefined) throw unauthenticated();
      return user;
    }
    if (scheme.toLowerCase() !== 'basic') throw unauthenticated();
    const text = Buffer.from(value, 'base64').toString('utf8');
    const at = text.indexOf(':');
    if (at < 0) throw unauthenticated();
    const key = createHash('sha256').update(value).digest('hex');
    const known = this.#remembered.get(key);
    if (known !== undefined && known.until > Date.now()) return known.user;
    const user = await this.byPassword(text.slice(0, at), text.slice(at + 1), address);
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, { user, until: Date.now() + REMEMBERED_MS });
    return user;
  }
}

function cookieOf(request: Credentials, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

function unauthenticated(): BallastError {
  return new BallastError('You are not authenticated', {
    code: 'UNAUTHENTICATED',
    kind: 'unauthenticated',
    remedy: 'Send a token (MLFLOW_TRACKING_TOKEN), or a name and a password (MLFLOW_TRACKING_USERNAME, _PASSWORD).',
  });
}

function tooMany(): BallastError {
  return new BallastError('Too many wrong passwords', {
    code: 'TOO_MANY_FAILURES',
    kind: 'forbidden',
    remedy: 'Wait a minute.',
  });
}
