import type { AlertState, Store } from '../../store/index.js';
import { liveVersion, versionOf, watchedModel } from '../slo/model-slos.js';
import type { Facts } from './runbook.js';

/** What of a model is put into a runbook, and who answers for it. */
export interface ModelFacts {
  readonly facts: Facts;
  readonly regularizerId: string | undefined;
  readonly commit: string | undefined;
  readonly owner: string | undefined;
  readonly onCall: string | undefined;
  readonly escalation: string | undefined;
}

/**
 * What is known of a model at the moment. The version before is the one that answered users before the present one; where none did, the
 * highest number below it that is in use.
 *
 * @param version that is meant; the one that answers unless given
 */
export async function modelFacts(store: Store, model: string, version?: string): Promise<ModelFacts> {
  const watched = await watchedModel(store, model);
  const answered = (await store.windowsOf(model, { slice: '' }))
    .filter(({ role }) => role === 'live')
    .sort((a, b) => a.start - b.start)
    .map((window) => window.version);
  const meant =
    version ??
    (await liveVersion(store, model)) ??
    answered.at(-1) ??
    (watched.version === undefined ? undefined : String(watched.version.version));
  const found = meant === undefined ? undefined : await versionOf(store, model, meant);
  const previous = answered.findLast((each) => each !== meant) ?? (await versionBefore(store, model, found?.version));
  const { registered } = watched;
  return {
    facts: {
      MODEL: model,
      ...(meant === undefined ? {} : { VERSION: meant }),
      ...(previous === undefined ? {} : { PREVIOUS: previous }),
      ...(found?.runId === undefined ? {} : { RUN: found.runId }),
    },
    regularizerId: found?.regularizerId,
    commit: found?.codeCommit,
    owner: registered?.owner,
    onCall: registered?.onCall ?? registered?.owner,
    escalation: registered?.escalation,
  };
}

/** What an alert is about. */
export async function alertFacts(store: Store, { model, labels, fingerprint }: AlertState): Promise<ModelFacts> {
  const version = labels.version === 'unknown' ? undefined : labels.version;
  const found = await modelFacts(store, model, version);
  return { ...found, facts: { ...found.facts, FINGERPRINT: fingerprint } };
}

async function versionBefore(store: Store, model: string, version: number | undefined): Promise<string | undefined> {
  if (version === undefined) return undefined;
  const { versions } = await store.searchVersions({
    filter: `name = '${model.replaceAll("'", "''")}'`,
    orderBy: ['version_number DESC'],
    limit: 200,
  });
  const before = versions.find((each) => each.version < version && each.state === 'ready');
  return before === undefined ? undefined : String(before.version);
}
