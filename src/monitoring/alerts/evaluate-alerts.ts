import type { AlertState, Store } from '../../store/index.js';
import { DriftWatch } from '../slo/drift-watch.js';
import { watchedModels } from '../slo/watched.js';
import { type AlertChange, nextAlerts } from './alert-state.js';
import { gatherEvidence } from './evidence.js';
import { conditionsOf } from './rules/index.js';

/** Judges every model, or one, keeps what changed and returns all alerts that fire or have just been resolved. */
export async function evaluateAlerts(
  store: Store,
  {
    now = Date.now(),
    model,
    drift = new DriftWatch(store),
  }: { readonly now?: number; readonly model?: string; readonly drift?: DriftWatch } = {},
): Promise<{ readonly alerts: AlertState[]; readonly changes: AlertChange[] }> {
  const silences = await store.listSilences();
  const names = model === undefined ? await watchedModels(store) : [model];
  const changes: AlertChange[] = [];
  for (const name of names) {
    const before = await judgedAlerts(store, name);
    const evidence = await gatherEvidence(store, name, { now, drift });
    const next = nextAlerts(evidence.model, conditionsOf(evidence), { before, silences, now });
    await store.saveAlerts(next);
    changes.push(...next);
  }
  return { alerts: await store.listAlerts(model === undefined ? {} : { model }), changes };
}

/** Alerts of a model but those of rollouts that wait for somebody: these end by what is decided, not because time passes. */
async function judgedAlerts(store: Store, model: string): Promise<AlertState[]> {
  const alerts = await store.listAlerts({ model });
  const waiting = new Set<string>();
  for (const { rule, state, labels, fingerprint } of alerts) {
    if (rule !== 'rollout' || state !== 'firing') continue;
    const { phase } = await store.getRollout(labels.rollout);
    if (phase === 'paused' || phase === 'inconclusive') waiting.add(fingerprint);
  }
  return alerts.filter(({ fingerprint }) => !waiting.has(fingerprint));
}
