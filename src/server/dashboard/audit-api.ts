import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { callerOf } from '../context.js';
import { parseRequest } from '../parse-request.js';

const filter = z.strictObject({
  actor: z.string().optional(),
  action: z.string().optional(),
  subject: z.string().optional(),
  before: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

/** Who did what, the newest first, for administrators; below `/api/v1`. */
export async function auditApi(app: FastifyInstance): Promise<void> {
  app.get('/audit', async (request) => {
    const caller = await callerOf(request);
    caller.requireAdmin();
    return { events: await caller.store.auditLog(parseRequest(filter, request.query)) };
  });
}
