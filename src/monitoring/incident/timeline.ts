import type { Store } from '../../store/index.js';
import type { IncidentRange } from './incident.js';

/** Something that happened. */
export interface Occurrence {
  /** ms since 1970. */
  readonly at: number;
  readonly what: string;
  /** Who did it; undefined where nobody did. */
  readonly by?: string;
}

const HOUR = 3_600_000;
/** So long before an incident what was changed may be its cause. */
const BEFORE = 48 * HOUR;
const MOST = 1000;

/** What the record says about a model from two days before an incident on: alerts, decisions of rollouts, what people changed. Oldest first. */
export async function timeline(store: Store, model: string, { from, to }: IncidentRange): Promise<Occurrence[]> {
  const within = ({ at }: Occurrence): boolean => at >= from - BEFORE && at <= to;
  const all = [...(await alerts(store, model)), ...(await rollouts(store, model)), ...(await changes(store, model))];
  return all.filter(within).sort((a, b) => a.at - b.at);
}

async function alerts(store: Store, model: string): Promise<Occurrence[]> {
  const found: Occurrence[] = [];
  for (const { fingerprint, annotations, severity } of await store.listAlerts({ model })) {
    for (const { at, event } of await store.alertEvents(fingerprint)) {
      found.push({ at: at.getTime(), what: `${severity} ${event}: ${annotations.summary}` });
    }
    for (const { at, target, told, error } of await store.listDeliveries([fingerprint])) {
      const what = error === undefined ? `${target} was told: ${told}` : `${target} could not be told: ${error}`;
      found.push({ at: at.getTime(), what: `${what} (${fingerprint})` });
    }
  }
  return found;
}

async function rollouts(store: Store, model: string): Promise<Occurrence[]> {
  const found: Occurrence[] = [];
  for (const { id, candidate } of await store.listRollouts({ model })) {
    for (const { at, kind, step, reason, by } of await store.rolloutDecisions(id)) {
      found.push({ at, what: `rollout of version ${candidate}, step ${step}: ${kind}: ${reason}`, by });
    }
  }
  return found;
}

/** What people changed of the model, by the audit log, and whom they silenced. */
async function changes(store: Store, model: string): Promise<Occurrence[]> {
  const subject = `models:/${model}`;
  const isOurs = (of: string): boolean =>
    of === subject || of.startsWith(`${subject}/`) || of.startsWith(`${subject}@`);
  const log = await store.auditLog({ limit: MOST });
  return log
    .filter((event) => isOurs(event.subject) && !event.action.startsWith('rollout.'))
    .map(({ at, action, subject: of, details, actor }) => ({
      ...{ at: at.getTime(), by: actor },
      what: `${action} ${of}${details === null || details === undefined ? '' : ` ${JSON.stringify(details).slice(0, 160)}`}`,
    }));
}
