import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { asRollout } from '../../rollout/controller.js';
import { type RolloutDocument, rolloutDocument } from '../../rollout/document.js';
import { callerOf } from '../context.js';
import { parseRequest } from '../parse-request.js';

/** Types of Flagger's webhooks. The payload does not say which it is of: its phase is the canary's. */
const hooks = z.enum([
  'confirm-rollout',
  'pre-rollout',
  'rollout',
  'confirm-promotion',
  'post-rollout',
  'rollback',
  'event',
]);

/** A webhook of Flagger: docs/gitbook/usage/webhooks.md of fluxcd/flagger. */
const webhook = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  phase: z.string(),
  metadata: z.looseObject({ model: z.string().optional() }).nullish(),
});

/**
 * The evidence of a model's last rollout for controllers elsewhere, below `/api/v1/analysis`.
 *
 * Argo Rollouts' web metric (docs/analysis/web.md of argoproj/argo-rollouts) reads `GET /MODEL` with a JSON path such as
 * `{$.data.ok}`; any other status than 2xx is an error to it, not a failure. Flagger's webhooks post to `/flagger/TYPE`, the type of
 * the webhook: 200 goes on, anything else halts; of a `rollback` hook 200 rolls back.
 */
export async function analysisApi(app: FastifyInstance): Promise<void> {
  app.get('/:model', async (request) => {
    const document = await lastOf(request, (request.params as { model: string }).model);
    return { data: analysisOf(document) };
  });

  app.post('/flagger/:hook', async (request, reply) => {
    const hook = parseRequest(hooks, (request.params as { hook: string }).hook);
    const { name, metadata } = parseRequest(webhook, request.body);
    const document = await lastOf(request, metadata?.model ?? name);
    const analysis = analysisOf(document);
    return reply.code(answers(hook, analysis) ? 200 : 412).send(analysis);
  });
}

interface Analysis {
  /** Nothing is proven against the candidate. */
  readonly ok: boolean;
  /** It is proven to be worse than allowed, or someone ended it. */
  readonly failed: boolean;
  /** Every SLI that was judged is shown to be within what is allowed. */
  readonly ready: boolean;
  readonly verdict: 'promote' | 'roll-back' | 'hold';
  readonly reason: string;
  readonly rolloutId: string;
  readonly step: number;
  readonly weight: number;
}

function analysisOf({ rolloutId, state, step, steps, slis, decision }: RolloutDocument): Analysis {
  const failed = state === 'rolled-back' || state === 'aborted';
  const whole = slis.filter(({ part, type }) => part === undefined && type !== 'traffic');
  const ready = state === 'complete' || (whole.length > 0 && whole.every(({ verdict }) => verdict === 'within'));
  return {
    ok: !failed,
    failed,
    ready: ready && !failed,
    verdict: failed ? 'roll-back' : ready ? 'promote' : 'hold',
    reason: decision?.reason ?? '',
    rolloutId,
    step,
    weight: steps[step - 1].weight,
  };
}

/** Whether Flagger is answered with 200. */
function answers(hook: z.infer<typeof hooks>, { ok, failed, ready }: Analysis): boolean {
  if (hook === 'rollback') return failed;
  if (hook === 'confirm-promotion') return ready;
  return hook === 'event' || hook === 'post-rollout' || ok;
}

async function lastOf(request: FastifyRequest, model: string): Promise<RolloutDocument> {
  const { store, requireModel } = await callerOf(request);
  await requireModel(model, 'read');
  const [last] = await store.listRollouts({ model, limit: 1 });
  if (last !== undefined) return rolloutDocument(store, asRollout(last));
  throw new BallastError('There is no rollout of this model', {
    code: 'ROLLOUT_NOT_FOUND',
    kind: 'not-found',
    value: model,
    remedy: `Begin one: ballast rollout start ${model} --candidate VERSION`,
  });
}
