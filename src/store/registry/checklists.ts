import { BallastError } from '../../errors.js';
import type { Run, Store } from '../types.js';
import { isOfProduction } from './production.js';
import type { ModelVersion, RegisteredModel, SignOff } from './types.js';

/** Tag of a run that was trained again from its record: `identical` or `different`. */
export const REPRODUCED_TAG = 'ballast.reproduced';

type List = 'pre-production' | 'production readiness' | 'responsibility';

/** What a machine can say of an item: yes, no, or that it cannot tell, so that a person answers for it. */
type Answer = { readonly done: boolean | undefined; readonly evidence: string };

interface Subject {
  readonly store: Store;
  readonly model: RegisteredModel;
  readonly version: ModelVersion;
  readonly run: Run | undefined;
}

interface Item {
  readonly id: string;
  readonly list: List;
  readonly text: string;
  check(subject: Subject): Promise<Answer>;
}

/** An item and where it stands. */
export interface CheckedItem {
  readonly id: string;
  readonly list: List;
  readonly text: string;
  readonly done: boolean;
  /** Who says so: the machine, or the person who signed. */
  readonly by: string | undefined;
  readonly evidence: string;
}

const UNKNOWN: Answer = { done: undefined, evidence: 'no machine can tell; someone has to answer for it' };

const given = (name: string, value: string | undefined): Answer =>
  value === undefined || value === ''
    ? { done: false, evidence: `${name} is not set` }
    : { done: true, evidence: value };

/** The run where Ballast trained it; what other tools logged has no record to check. */
const ownRun = ({ run }: Subject): Run | undefined => (run?.kind === 'logged' ? undefined : run);

const ITEMS: readonly Item[] = [
  {
    id: 'holdout-validated',
    list: 'pre-production',
    text: 'holdout validated and versioned',
    async check(subject) {
      const run = ownRun(subject);
      if (run === undefined) return UNKNOWN;
      const holdout = (await subject.store.getEvaluations(run.id)).find(({ stage }) => stage === 'holdout');
      if (holdout === undefined) {
        return { done: false, evidence: `not judged on the holdout: ballast evaluate ${run.id.slice(0, 8)} --holdout` };
      }
      const changes = run.datasetName === undefined ? [] : await subject.store.holdoutChanges(run.datasetName);
      const last = changes.at(-1);
      if (last === undefined) return { done: false, evidence: 'the holdout has no recorded version' };
      const day = holdout.createdAt.toISOString().slice(0, 10);
      return {
        done: true,
        evidence: `judged ${day} on holdout ${run.datasetName} v${last.version}, ${last.rows} rows`,
      };
    },
  },
  {
    id: 'reproducibility-verified',
    list: 'pre-production',
    text: 'reproducibility verified',
    async check(subject) {
      const run = ownRun(subject);
      if (run === undefined) return UNKNOWN;
      const found = (await subject.store.getTags(run.id))[REPRODUCED_TAG];
      if (found === 'identical') return { done: true, evidence: 'trained again from its record: the same bytes' };
      const how = `ballast runs reproduce ${run.id.slice(0, 8)}`;
      return {
        done: false,
        evidence: found === undefined ? `not tried: ${how}` : `trained again, it differed: ${how}`,
      };
    },
  },
  {
    id: 'baseline-logged',
    list: 'pre-production',
    text: 'baseline metrics logged',
    async check(subject) {
      const run = ownRun(subject);
      if (run === undefined) return UNKNOWN;
      if (run.groupId === undefined) return { done: false, evidence: 'the run has no baseline beside it' };
      const [baseline] = await subject.store.listRuns({ groupId: run.groupId, role: 'baseline', status: 'finished' });
      if (baseline === undefined) return { done: false, evidence: 'no finished baseline stands beside the run' };
      const metrics = await subject.store.latestMetrics(baseline.id);
      return { done: metrics.length > 0, evidence: `${metrics.length} metrics of baseline ${baseline.id.slice(0, 8)}` };
    },
  },
  {
    id: 'canary-plan',
    list: 'pre-production',
    text: 'canary plan and thresholds defined',
    async check(subject) {
      const spec = ownRun(subject)?.spec;
      const plan = typeof spec === 'object' && spec !== null && 'rollout' in spec ? spec.rollout : undefined;
      return plan === undefined || plan === null ? UNKNOWN : { done: true, evidence: 'rollout in the spec' };
    },
  },
  ...[
    ['slis-emitted', 'endpoints emit SLIs'],
    ['canary-configured', 'canary configured'],
    ['rollback-drilled', 'roll-back and automation drilled'],
    ['runbooks-accessible', 'runbooks accessible with run history'],
  ].map(([id, text]): Item => ({ id, text, list: 'production readiness', check: async () => UNKNOWN })),
  ...(
    [
      ['owner', 'owner', 'owner'],
      ['on-call', 'on-call route', 'onCall'],
      ['escalation', 'escalation', 'escalation'],
      ['criticality', 'criticality', 'criticality'],
      ['threat-model', 'threat model', 'threatModel'],
    ] as const
  ).map(
    ([id, text, field]): Item => ({
      id,
      text: `${text} named`,
      list: 'responsibility',
      check: async ({ model }) => given(text, model[field]),
    }),
  ),
];

/**
 * Where a version stands on the checklists. What a machine can tell it tells, and no signature changes that; the rest is
 * done when someone has signed for it.
 */
export async function checklist(store: Store, version: ModelVersion): Promise<CheckedItem[]> {
  const model = await store.getModel(version.name);
  const run = version.runId === undefined ? undefined : await runOf(store, version.runId);
  const signed = new Map((await store.signOffs(version.name, version.version)).map((each) => [each.item, each]));
  const items: CheckedItem[] = [];
  for (const { id, list, text, check } of ITEMS) {
    items.push({ id, list, text, ...state(await check({ store, model, version, run }), signed.get(id)) });
  }
  return items;
}

function state({ done, evidence }: Answer, signed: SignOff | undefined): Pick<CheckedItem, 'done' | 'by' | 'evidence'> {
  if (done !== undefined) return { done, by: done ? 'checked' : undefined, evidence };
  if (signed === undefined) return { done: false, by: undefined, evidence };
  return { done: true, by: signed.actor, evidence: signed.note };
}

/** The run where it is still there: garbage may have been collected since. */
async function runOf(store: Store, runId: string): Promise<Run | undefined> {
  try {
    return await store.getRun(runId);
  } catch (error) {
    if (error instanceof BallastError && error.code === 'RUN_NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * Signs an item for a version, or takes the signature back.
 *
 * @throws BallastError `CHECKLIST_ITEM_UNKNOWN`, `CHECKLIST_ITEM_CHECKED`
 */
export async function sign(
  store: Store,
  version: ModelVersion,
  id: string,
  { note, withdraw = false }: { note: string; withdraw?: boolean },
): Promise<void> {
  const item = (await checklist(store, version)).find((each) => each.id === id);
  if (item === undefined) {
    throw new BallastError('There is no such item on the checklists', {
      code: 'CHECKLIST_ITEM_UNKNOWN',
      value: id,
      remedy: `There are ${ITEMS.map((each) => each.id).join(', ')}.`,
    });
  }
  if (withdraw) {
    await store.withdrawSignOff(version.name, version.version, id);
    return;
  }
  if (item.evidence !== UNKNOWN.evidence && (item.by === undefined || item.by === 'checked')) {
    throw new BallastError('A machine answers for this item, and a signature does not change its answer', {
      code: 'CHECKLIST_ITEM_CHECKED',
      kind: 'conflict',
      place: `models:/${version.name}/${version.version}`,
      value: id,
      remedy: item.done ? 'It is done.' : `Do what it asks for: ${item.evidence}.`,
    });
  }
  await store.signOff(version.name, version.version, id, note);
}

/**
 * Points an alias to a version. One that traffic follows moves only to a version whose checklists are done and whose
 * files are what was registered.
 *
 * @throws BallastError `MODEL_NOT_READY`, `ARTIFACT_CORRUPT`, `VERSION_ARCHIVED`
 */
export async function promote(store: Store, version: ModelVersion, alias: string): Promise<void> {
  if (isOfProduction(alias)) await requireReady(store, version, alias);
  await store.setAlias(version.name, alias, version.version);
}

/** @throws BallastError `MODEL_NOT_READY`, `ARTIFACT_CORRUPT`, `ARTIFACT_MISSING` */
export async function requireReady(store: Store, version: ModelVersion, alias: string): Promise<void> {
  const open = (await checklist(store, version)).filter(({ done }) => !done);
  const reference = `models:/${version.name}/${version.version}`;
  if (open.length > 0) {
    throw new BallastError(
      `The alias "${alias}" is followed by traffic, and ${open.length} items are open: ${open.map(({ id }) => id).join(', ')}`,
      {
        code: 'MODEL_NOT_READY',
        kind: 'conflict',
        place: reference,
        remedy: `See ballast models checklist ${version.name}/${version.version}.`,
      },
    );
  }
  for (const { path } of await store.versionFiles(version.name, version.version)) {
    await (await store.openVersionFile(version.name, version.version, path)).file();
  }
}
