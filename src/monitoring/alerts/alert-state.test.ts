import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AlertState, Silence } from '../../store/index.js';
import { type AlertChange, nextAlerts } from './alert-state.js';
import type { Condition } from './condition.js';
import { suppression } from './suppression.js';

const MINUTE = 60_000;
const model = { name: 'fraud', registered: undefined, version: undefined, run: undefined };
const condition = (change: Partial<Condition> = {}): Condition => ({
  rule: 'slo-burn',
  severity: 'page',
  version: '3',
  stage: 'production',
  subject: { slo: 'availability' },
  summary: 'it burns',
  remedy: 'Put it out',
  ...change,
});

/** Alerts as a store keeps them, from one moment to the next. */
class Kept {
  alerts = new Map<string, AlertState>();
  silences: Silence[] = [];
  at(now: number, ...conditions: Condition[]): AlertChange[] {
    const changes = nextAlerts(model, conditions, { before: [...this.alerts.values()], silences: this.silences, now });
    for (const { alert } of changes) this.alerts.set(alert.fingerprint, alert);
    return changes;
  }
}

describe('alerts', () => {
  test('fire once however often they are found, and resolve after they were gone for a while', () => {
    const kept = new Kept();
    expect(kept.at(0, condition()).map(({ event }) => event)).toEqual(['fired']);
    expect(kept.at(MINUTE, condition()).map(({ event }) => event)).toEqual([undefined]);
    expect(kept.at(3 * MINUTE)).toEqual([]);
    expect(kept.at(7 * MINUTE).map(({ event, alert }) => [event, alert.state])).toEqual([['resolved', 'resolved']]);
    expect(kept.at(8 * MINUTE)).toEqual([]);
    expect(kept.at(9 * MINUTE, condition()).map(({ event, alert }) => [event, alert.startedAt])).toEqual([
      ['fired', new Date(9 * MINUTE)],
    ]);
    expect(kept.alerts.size).toBe(1);
  });

  test('are one for each version and subject, whatever their severity', () => {
    const kept = new Kept();
    kept.at(0, condition(), condition({ version: '4' }), condition({ subject: { slo: 'latency' } }));
    expect(kept.alerts.size).toBe(3);
    expect(kept.at(1, condition({ severity: 'ticket' })).map(({ event }) => event)).toEqual(['lowered']);
    expect(kept.at(2, condition()).map(({ event }) => event)).toEqual(['raised']);
    expect(kept.alerts.size).toBe(3);
  });

  test('that come and go are told to flap, and stay longer', () => {
    const kept = new Kept();
    let now = 0;
    const events: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      events.push(...kept.at(now, condition()).map(({ event }) => event));
      now += 6 * MINUTE;
      events.push(...kept.at(now).map(({ event }) => event));
      now += MINUTE;
    }
    expect(events).toEqual(['fired', 'resolved', 'fired', 'resolved', 'flapping']);
    // Gone for six minutes is not enough any more.
    expect([...kept.alerts.values()][0].state).toBe('firing');
    expect(kept.at(now + 30 * MINUTE).map(({ event }) => event)).toEqual(['resolved']);
  });

  test('name the model, version, commit, regularizers, owner, endpoint, ledger stage and runbook, or say unknown', () => {
    const [{ alert }] = new Kept().at(0, condition());
    expect(alert.labels).toEqual({
      alertname: 'BallastErrorBudgetBurn',
      model: 'fraud',
      version: '3',
      endpoint: '/v2/models/fraud/infer',
      severity: 'page',
      ledger_stage: 'production',
      regularizer_id: 'unknown',
      commit: 'unknown',
      owner: 'unknown',
      on_call: 'unknown',
      slo: 'availability',
    });
    expect(alert.annotations.runbook).toBe('ballast runbook slo-burn --model fraud');
  });

  const silence = (change: Partial<Silence> = {}): Silence => ({
    id: 7,
    kind: 'silence',
    matchers: [{ label: 'model', value: 'fra.*', regex: true }],
    startsAt: new Date(0),
    endsAt: new Date(10 * MINUTE),
    reason: 'known',
    createdBy: 'ann',
    createdAt: new Date(0),
    ...change,
  });

  test('are quiet while silenced, and not after', () => {
    const kept = new Kept();
    kept.silences = [silence()];
    expect(kept.at(0, condition())[0].alert.suppressedBy).toBe('silence 7');
    expect(kept.at(11 * MINUTE, condition()).map(({ event }) => event)).toEqual(['unsuppressed']);
    expect(kept.at(12 * MINUTE, condition())[0].alert.suppressedBy).toBeUndefined();
    // Gone, and held: the silence is heeded all the same.
    kept.silences = [silence({ endsAt: new Date(60 * MINUTE) })];
    expect(kept.at(13 * MINUTE).map(({ event }) => event)).toEqual(['suppressed']);
  });

  test('planned work quiets what it disturbs, not pages about users', () => {
    const of = (rule: string, severity: 'page' | 'ticket') =>
      suppression({ labels: { model: 'fraud' }, rule, severity }, [silence({ kind: 'planned' })], 1);
    expect([of('drift', 'ticket'), of('slo-burn', 'ticket'), of('canary-regression', 'page')]).toEqual([
      'planned 7',
      'planned 7',
      'planned 7',
    ]);
    expect(of('slo-burn', 'page')).toBeUndefined();
    expect(
      suppression({ labels: { model: 'a fraud' }, rule: 'drift', severity: 'page' }, [silence()], 1),
    ).toBeUndefined();
  });

  test('keep their rules whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            wait: fc.integer({ min: 1, max: 40 }),
            found: fc.subarray(['1', '2']),
            severity: fc.constantFrom('page' as const, 'ticket' as const),
          }),
          { maxLength: 40 },
        ),
        (steps) => {
          const kept = new Kept();
          let now = 0;
          for (const { wait, found, severity } of steps) {
            now += wait * MINUTE;
            kept.at(now, ...found.map((version) => condition({ version, severity })));
            const versions = [...kept.alerts.values()].filter(({ state }) => state === 'firing');
            // What is found fires, once; what fires was found within the longest hold.
            for (const version of found) {
              expect(versions.filter(({ labels }) => labels.version === version)).toHaveLength(1);
            }
            for (const { seenAt, startedAt, resolvedAt } of versions) {
              expect(now - seenAt.getTime()).toBeLessThan(6 * 30 * MINUTE);
              expect(startedAt <= seenAt).toBe(true);
              expect(resolvedAt).toBeUndefined();
            }
          }
        },
      ),
    );
  });
});
