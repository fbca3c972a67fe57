import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { modelFacts } from '../../monitoring/runbooks/facts.js';
import { RUNBOOKS, requireRunbook } from '../../monitoring/runbooks/index.js';
import { filledRunbook } from '../../monitoring/runbooks/runbook.js';
import { callerOf } from '../context.js';
import { parseRequest } from '../parse-request.js';
import { requireRead } from './model-access.js';

const query = z.object({ model: z.string().min(1).optional(), version: z.string().min(1).optional() });

/** What to do when an alert fires, for the model that it is about; below `/api/v1/runbooks`. */
export async function runbooksApi(app: FastifyInstance): Promise<void> {
  app.get('/', async (request) => {
    await callerOf(request);
    return { runbooks: RUNBOOKS };
  });

  app.get('/:name', async (request) => {
    const caller = await callerOf(request);
    const runbook = requireRunbook((request.params as { name: string }).name);
    const { model, version } = parseRequest(query, request.query);
    if (model === undefined) return { runbook, known: null };
    await requireRead(caller, model);
    const known = await modelFacts(caller.store, model, version === 'unknown' ? undefined : version);
    return { runbook: filledRunbook(runbook, known.facts), known };
  });
}
