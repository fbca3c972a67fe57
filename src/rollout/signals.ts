import { sliWindows } from '../monitoring/slo/feed.js';
import { modelSlos, watchedModel } from '../monitoring/slo/model-slos.js';
import { earliest, type SloStatus, sloStatus } from '../monitoring/slo/status.js';
import type { Store } from '../store/index.js';
import type { Signals } from './types.js';

/** Which SLI of a rollout an objective's bad events are. */
const SLI_OF = { availability: 'failures', correctness: 'error' } as const;

/** What objectives and alerts of a model say at a moment: of its budgets, and of the candidate. */
export async function signalsOf(store: Store, model: string, candidate: string, now: number): Promise<Signals> {
  const slos = (await modelSlos(store, await watchedModel(store, model)))
    .map(({ slo }) => slo)
    .filter(({ stage }) => stage === 'production');
  const windows = await sliWindows(store, model, { from: earliest(slos, now), to: now });
  const statuses = slos.map((slo) => sloStatus(slo, windows, now));
  const alerts = (await store.listAlerts({ model, state: 'firing' })).filter(
    ({ severity, labels, rule }) => severity === 'page' && labels.version === candidate && rule !== ROLLOUT_RULE,
  );
  const ofDrift = alerts.filter(({ rule }) => rule.includes('drift'));
  const others = alerts.filter(({ rule }) => !rule.includes('drift'));
  const text = ({ rule, annotations }: (typeof alerts)[number]) => annotations.summary ?? rule;
  return {
    burn: Math.max(0, ...statuses.map(burnOf)),
    remaining: Math.min(1, ...statuses.map(({ budget }) => budget.remaining)),
    allowed: Object.fromEntries(
      statuses.flatMap(({ slo, budget }) => {
        const sli = slo.sli.type in SLI_OF ? SLI_OF[slo.sli.type as keyof typeof SLI_OF] : undefined;
        return sli === undefined || budget.allowed === 0 ? [] : [[sli, budget.allowed]];
      }),
    ),
    breached: [
      ...statuses
        .filter(({ burn, versions }) => versions[0]?.version === candidate && burn.some(pages))
        .map(({ slo }) => `objective ${slo.name} is being broken by version ${candidate}`),
      ...others.map(text),
    ],
    drifted: ofDrift.map(text),
  };
}

/** The rule that a rollout's own alerts go by. */
export const ROLLOUT_RULE = 'rollout' as const;

const pages = ({ severity, fires }: SloStatus['burn'][number]): boolean => severity === 'page' && fires;

/** The fastest burn that both windows of a rule agree on; 0 with too few bad events to speak of. */
function burnOf({ slo, budget, burn }: SloStatus): number {
  if (budget.bad < slo.lowTraffic.events) return 0;
  return Math.max(
    0,
    ...burn.filter(({ held }) => held === undefined).map(({ longBurn, shortBurn }) => Math.min(longBurn, shortBurn)),
  );
}
