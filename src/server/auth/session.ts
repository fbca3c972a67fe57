import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { SESSION_LABEL } from '../../store/index.js';
import { callerOf, type ServerContext } from '../context.js';
import { type Authenticator, SESSION_COOKIE } from './authenticate.js';

const SESSION_SECONDS = 12 * 3600;
const login = z.object({ name: z.string().min(1).max(100), password: z.string().min(1).max(1000) });

/** Login, logout, and who one is: what a browser needs before everything else. */
export async function sessionApi(
  app: FastifyInstance,
  { context: { store }, authenticator }: { context: ServerContext; authenticator: Authenticator | undefined },
): Promise<void> {
  const cookie = (value: string, seconds: number): string =>
    `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}`;

  app.post('/login', { config: { byCapability: true } }, async (request, reply) => {
    if (authenticator === undefined) return { name: 'local', role: 'admin' };
    const parsed = login.safeParse(request.body);
    if (!parsed.success) {
      throw new BallastError('Give name and password', { code: 'REQUEST_INVALID', place: 'login' });
    }
    const user = await authenticator.byPassword(parsed.data.name, parsed.data.password, request.ip);
    const token = await store.as(user.name).createToken(user.name, { label: SESSION_LABEL, seconds: SESSION_SECONDS });
    return reply.header('set-cookie', cookie(token, SESSION_SECONDS)).send({ name: user.name, role: user.role });
  });

  app.post('/logout', async (request, reply) => {
    const token = new RegExp(`${SESSION_COOKIE}=(blt_[\\w-]+)`).exec(request.headers.cookie ?? '')?.[1];
    if (token !== undefined) await (await callerOf(request)).store.revokeToken(token);
    return reply.header('set-cookie', cookie('', 0)).send({});
  });

  app.get('/session', async (request) => {
    const { name, role } = await callerOf(request);
    return { name, role, users: authenticator !== undefined };
  });
}
