import { BallastError } from '../../errors.js';
import type { AlertDelivery, AlertState, Store } from '../../store/index.js';
import { isFlapping } from './alert-state.js';
import type { AlertTarget, ToldAlert } from './targets.js';

const MINUTE = 60_000;
/** A page that nobody silenced or mended by then is told to who comes next. */
const ESCALATE_MS = 30 * MINUTE;
/** Between attempts after failures: doubles up to an hour. */
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 60 * MINUTE;

/**
 * Tells each target what it does not know yet. What could not be told stays due, with growing pauses; a target that fails
 * holds up no other. What is suppressed is not told; what was told and is resolved is told even so.
 *
 * @returns faults by target
 */
export async function deliver(
  store: Store,
  alerts: readonly AlertState[],
  targets: readonly AlertTarget[],
  now: number,
): Promise<{ readonly target: string; readonly error: BallastError }[]> {
  const deliveries = await store.listDeliveries(alerts.map(({ fingerprint }) => fingerprint));
  const faults = await Promise.all(
    targets.map(async (target) => {
      const before = new Map(
        deliveries.filter((each) => each.target === target.name).map((each) => [each.fingerprint, each]),
      );
      const due = alerts.flatMap((alert) => dueOf(alert, before.get(alert.fingerprint), target, now));
      if (due.length === 0) return [];
      let error: BallastError | undefined;
      try {
        await target.tell(due);
      } catch (fault) {
        if (!(fault instanceof BallastError)) throw fault;
        error = fault;
      }
      await store.saveDeliveries(
        due.map(({ alert: { fingerprint }, told }) => {
          const old = before.get(fingerprint);
          return {
            fingerprint,
            target: target.name,
            told: error === undefined ? told : (old?.told ?? ''),
            at: new Date(now),
            failures: error === undefined ? 0 : (old?.failures ?? 0) + 1,
            error: error?.describe(),
          };
        }),
      );
      return error === undefined ? [] : [{ target: target.name, error }];
    }),
  );
  return faults.flat();
}

/** What a target is to be told of an alert now: one thing, or nothing. */
function dueOf(alert: AlertState, before: AlertDelivery | undefined, target: AlertTarget, now: number): ToldAlert[] {
  const last = before?.told ?? '';
  if (before !== undefined && before.failures > 0) {
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (before.failures - 1));
    if (now - before.at.getTime() < wait) return [];
  }
  if (alert.state === 'resolved') return last === '' || last === 'resolved' ? [] : [{ alert, told: 'resolved' }];
  if (alert.suppressedBy !== undefined) return [];
  const escalated = alert.severity === 'page' && now - alert.startedAt.getTime() >= ESCALATE_MS;
  const told = escalated ? 'escalated' : 'firing';
  const rank = ['', 'resolved', 'firing', 'escalated'];
  const isNews =
    last === '' ||
    last === 'resolved' ||
    rank.indexOf(told) > rank.indexOf(last) ||
    // Fired anew since it was told.
    (before !== undefined && before.at.getTime() < alert.startedAt.getTime());
  if (isNews) return [{ alert, told }];
  const quiet = isFlapping(alert.changes, now) && target.repeatMs > MINUTE;
  const repeat = before === undefined || now - before.at.getTime() >= target.repeatMs;
  return repeat && !quiet ? [{ alert, told }] : [];
}
