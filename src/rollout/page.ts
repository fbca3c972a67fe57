import { originLabels } from '../monitoring/alerts/alert-labels.js';
import { alertName, runbookCommand } from '../monitoring/runbooks/index.js';
import { versionOf, watchedModel } from '../monitoring/slo/model-slos.js';
import type { AlertState, Store, StoredRolloutDecision } from '../store/index.js';
import type { Rollout } from './controller.js';
import { ROLLOUT_RULE } from './signals.js';
import type { DecisionKind } from './types.js';

/** What someone has to know of at once, and what can wait; the rest resolves it. */
const SEVERITY: Partial<Record<DecisionKind, AlertState['severity']>> = {
  'roll-back': 'page',
  pause: 'page',
  inconclusive: 'ticket',
};

/** Makes alerts of decisions; those of operators need none. One that was told is passed over, so that it may be repeated. */
export async function announce(
  store: Store,
  rollout: Rollout,
  decisions: readonly StoredRolloutDecision[],
): Promise<void> {
  const { id, model, baseline, candidate } = rollout;
  const watched = { ...(await watchedModel(store, model)), version: await versionOf(store, model, candidate) };
  for (const { at, kind, reason, by, step } of decisions) {
    const fingerprint = `rollout:${id}`;
    const severity = by === 'controller' ? SEVERITY[kind as DecisionKind] : undefined;
    const present = (await store.listAlerts({ model })).find((alert) => alert.fingerprint === fingerprint);
    if (present?.changes.includes(at) === true) continue;
    if (severity === undefined && present?.state !== 'firing') continue;
    const when = new Date(at);
    const firing = severity !== undefined;
    await store.saveAlerts([
      {
        alert: {
          fingerprint,
          model,
          rule: ROLLOUT_RULE,
          severity: severity ?? present?.severity ?? 'ticket',
          state: firing ? 'firing' : 'resolved',
          labels: {
            ...originLabels(watched, candidate),
            alertname: alertName(ROLLOUT_RULE),
            severity: severity ?? present?.severity ?? 'ticket',
            ledger_stage: stageOf(rollout, step),
            ...{ rule: ROLLOUT_RULE, rollout: id, decision: kind },
          },
          annotations: {
            summary: `Rollout of version ${candidate} of ${model} (baseline ${baseline}), step ${step + 1}: ${kind}: ${reason}`,
            remedy: `See the evidence: ballast rollout status ${id}`,
            runbook: runbookCommand(ROLLOUT_RULE, model),
            lineage: `ballast models lineage ${model}/${candidate}`,
          },
          startedAt: present?.state === 'firing' ? present.startedAt : when,
          seenAt: when,
          resolvedAt: firing ? undefined : when,
          changes: [...(present?.changes ?? []), at].slice(-20),
          suppressedBy: undefined,
        },
        event: kind,
        details: { reason },
      },
    ]);
  }
}

/** Where quality is lost in a step: of copies, of a part of the users, of all. */
function stageOf({ config }: Rollout, step: number): string {
  const weight = config.steps.at(step)?.weight ?? 1;
  return weight === 0 ? 'shadow' : weight < 1 ? 'canary' : 'production';
}
