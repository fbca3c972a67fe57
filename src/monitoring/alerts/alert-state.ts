import type { AlertState, Silence } from '../../store/index.js';
import type { WatchedModel } from '../slo/model-slos.js';
import { alertAnnotations, alertLabels, fingerprintOf } from './alert-labels.js';
import type { Condition } from './condition.js';
import { suppression } from './suppression.js';

/** A change of an alert to keep. */
export interface AlertChange {
  readonly alert: AlertState;
  readonly event?: 'fired' | 'resolved' | 'raised' | 'lowered' | 'suppressed' | 'unsuppressed' | 'flapping';
  readonly details?: unknown;
}

const MINUTE = 60_000;
/** How long what is wrong must be gone before an alert is resolved. */
const HOLD_MS = { page: 5 * MINUTE, ticket: 30 * MINUTE } as const;
/** So many changes within this time are flapping, and make the hold this many times longer. */
const FLAPS = 4;
const FLAP_MS = 6 * 60 * MINUTE;
const FLAP_HOLD = 6;

/**
 * The next states of a model's alerts. What is found fires once, however often it is found; it is resolved after it was gone
 * for some time, longer where it comes and goes. Pure: the same state and findings give the same changes.
 *
 * @param before its alerts that are kept, resolved ones too
 */
export function nextAlerts(
  model: WatchedModel,
  conditions: readonly Condition[],
  {
    before,
    silences,
    now,
  }: {
    readonly before: readonly AlertState[];
    readonly silences: readonly Silence[];
    readonly now: number;
  },
): AlertChange[] {
  const known = new Map(before.map((alert) => [alert.fingerprint, alert]));
  const found = new Map(conditions.map((condition) => [fingerprintOf(model.name, condition), condition]));
  const changes: AlertChange[] = [];
  for (const [fingerprint, condition] of found) {
    const old = known.get(fingerprint);
    changes.push(fire(model, condition, { fingerprint, old, silences, now }));
  }
  for (const old of before) {
    if (old.state !== 'firing' || found.has(old.fingerprint)) continue;
    const hold = HOLD_MS[old.severity] * (isFlapping(old.changes, now) ? FLAP_HOLD : 1);
    if (now - old.seenAt.getTime() < hold) {
      // Still told as firing: silences hold for it too.
      const quiet = suppression(old, silences, now);
      if (quiet !== old.suppressedBy) {
        changes.push({
          alert: { ...old, suppressedBy: quiet },
          event: quiet === undefined ? 'unsuppressed' : 'suppressed',
        });
      }
      continue;
    }
    const at = new Date(now);
    changes.push({
      alert: { ...old, state: 'resolved', resolvedAt: at, seenAt: at, changes: remembered(old.changes, now) },
      event: 'resolved',
    });
  }
  return changes;
}

function fire(
  model: WatchedModel,
  condition: Condition,
  {
    fingerprint,
    old,
    silences,
    now,
  }: { fingerprint: string; old: AlertState | undefined; silences: readonly Silence[]; now: number },
): AlertChange {
  const labels = alertLabels(model, condition);
  const quiet = suppression({ labels, rule: condition.rule, severity: condition.severity }, silences, now);
  const isNew = old?.state !== 'firing';
  const changes = isNew ? remembered(old?.changes ?? [], now) : old.changes;
  const alert: AlertState = {
    fingerprint,
    model: model.name,
    rule: condition.rule,
    severity: condition.severity,
    state: 'firing',
    labels,
    annotations: alertAnnotations(model, condition),
    startedAt: isNew ? new Date(now) : old.startedAt,
    seenAt: new Date(now),
    resolvedAt: undefined,
    changes,
    suppressedBy: quiet,
  };
  const details = { summary: condition.summary, severity: condition.severity };
  if (isNew) return { alert, event: isFlapping(changes, now) ? 'flapping' : 'fired', details };
  if (old.severity !== condition.severity) {
    return { alert, event: condition.severity === 'page' ? 'raised' : 'lowered', details };
  }
  if (old.suppressedBy === undefined && quiet !== undefined)
    return { alert, event: 'suppressed', details: { by: quiet } };
  if (old.suppressedBy !== undefined && quiet === undefined) return { alert, event: 'unsuppressed' };
  return { alert };
}

function remembered(changes: readonly number[], now: number): number[] {
  return [...changes.filter((at) => now - at <= FLAP_MS), now].slice(-20);
}

/** Whether an alert came and went so often lately that it says little. */
export function isFlapping(changes: readonly number[], now: number): boolean {
  return changes.filter((at) => now - at <= FLAP_MS).length >= FLAPS;
}
