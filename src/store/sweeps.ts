import type { Selectable } from 'kysely';
import { BallastError } from '../errors.js';
import { batches } from './batches.js';
import type { StoreContext } from './context.js';
import { decodeJson, encodeJson } from './json.js';
import { isAtWork, thisProcess } from './process-identity.js';
import type { SweepTable, TrialTable } from './schema.js';
import { sweepBeats } from './sweep-beats.js';
import type { StoredSweep, StoredTrial, SweepStore, TrialCounts } from './sweep-types.js';
import { checkName } from './text.js';

/** The {@link SweepStore} part of a store, and what ends its heartbeats. */
export function sweepStore({ db }: StoreContext): SweepStore & { stop: () => Promise<void> } {
  const beats = sweepBeats(db);
  const find = async (id: string): Promise<Selectable<SweepTable> | undefined> =>
    db.selectFrom('sweep').selectAll().where('id', '=', id).executeTakeFirst();

  return {
    stop: beats.stop,

    async createSweep({ id, name, definition }) {
      await db
        .insertInto('sweep')
        .values({
          id,
          name: checkName(name, 'sweep name'),
          definition: encodeJson(definition, 'sweep'),
          state: 'running',
          seconds: 0,
          result: null,
          created_at: Date.now(),
          ended_at: null,
          ...driver(),
        })
        .execute();
      beats.begin(id);
    },

    async takeSweep(id, definition) {
      await db.transaction().execute(async (transaction) => {
        const row = await transaction.selectFrom('sweep').selectAll().where('id', '=', id).executeTakeFirst();
        if (row === undefined) throw notFound(id);
        if (stateOf(row) === 'running') {
          throw new BallastError('this sweep is still at work in another process', {
            code: 'SWEEP_AT_WORK',
            kind: 'conflict',
            place: id,
            remedy: 'Wait for it, or stop it: ballast sweeps stop ID',
          });
        }
        const changed = definition === undefined ? {} : { definition: encodeJson(definition, 'sweep') };
        await transaction
          .updateTable('sweep')
          .set({ state: 'running', ended_at: null, ...driver(), ...changed })
          .where('id', '=', id)
          .execute();
      });
      beats.begin(id);
      return toSweep((await find(id))!);
    },

    async updateSweep(id, { seconds, state, result }) {
      await db
        .updateTable('sweep')
        .set({
          ...(seconds === undefined ? {} : { seconds }),
          ...(state === undefined ? {} : { state, ended_at: Date.now() }),
          ...(result === undefined ? {} : { result: encodeJson(result, 'result of the sweep') }),
        })
        .where('id', '=', id)
        .execute();
      if (state !== undefined) beats.end(id);
    },

    async findSweep(reference) {
      const wanted = reference.toLowerCase();
      const base = db.selectFrom('sweep').selectAll();
      const rows =
        wanted === 'latest'
          ? await base.orderBy('created_at', 'desc').limit(1).execute()
          : /^[0-9a-f]{1,16}$/.test(wanted)
            ? await base.where('id', 'like', `${wanted}%`).limit(2).execute()
            : [];
      const [row, another] = rows;
      if (row === undefined) throw notFound(reference);
      if (another !== undefined) {
        throw new BallastError(`several sweeps begin with ${reference}`, {
          code: 'SWEEP_AMBIGUOUS',
          remedy: 'Give more digits of the id; ballast sweeps list shows them',
        });
      }
      return toSweep(row);
    },

    async listSweeps(limit = 100) {
      const rows = await db.selectFrom('sweep').selectAll().orderBy('created_at', 'desc').limit(limit).execute();
      return rows.map(toSweep);
    },

    async addTrials(sweepId, trials) {
      if (trials.length === 0) return;
      await db
        .insertInto('trial')
        .values(
          trials.map(({ number, point, tag }) => ({
            sweep_id: sweepId,
            number,
            point: encodeJson(point, 'point'),
            tag: tag ?? null,
            state: 'queued' as const,
            attempt: 0,
            heartbeat_at: Date.now(),
          })),
        )
        .onConflict((conflict) => conflict.columns(['sweep_id', 'number']).doNothing())
        .execute();
    },

    async claimTrial(sweepId, number, { worker, silentMs }) {
      const now = Date.now();
      const row = await db
        .updateTable('trial')
        .set((table) => ({
          state: 'running',
          worker,
          heartbeat_at: now,
          attempt: table('attempt', '+', 1),
          lost: table
            .case()
            .when('state', '=', 'running')
            .then(table('lost', '+', 1))
            .else(table.ref('lost'))
            .end(),
        }))
        .where('sweep_id', '=', sweepId)
        .where('number', '=', number)
        .where(({ or, and, eb }) =>
          or([
            eb('state', '=', 'queued'),
            and([eb('state', '=', 'running'), eb('heartbeat_at', '<=', now - silentMs)]),
          ]),
        )
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? undefined : { ...toTrial(row), sweepId };
    },

    async trialAtWork({ sweepId, number, attempt }, { runId, progress, further = false } = {}) {
      const { numUpdatedRows } = await db
        .updateTable('trial')
        .set({
          heartbeat_at: Date.now(),
          ...(further ? { lost: 0 } : {}),
          ...(runId === undefined ? {} : { run_id: runId }),
          ...(progress === undefined ? {} : { progress: encodeJson(progress, 'progress of a trial') }),
        })
        .where('sweep_id', '=', sweepId)
        .where('number', '=', number)
        .where('attempt', '=', attempt)
        .where('state', '=', 'running')
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },

    async endTrial({ sweepId, number, attempt }, state, outcome) {
      const ended = state === 'queued' ? {} : { ended_at: Date.now() };
      const { numUpdatedRows } = await db
        .updateTable('trial')
        .set({
          state,
          ...ended,
          ...(outcome === undefined ? {} : { outcome: encodeJson(outcome, 'outcome of a trial') }),
        })
        .where('sweep_id', '=', sweepId)
        .where('number', '=', number)
        .where('attempt', '=', attempt)
        .where('state', '=', 'running')
        .executeTakeFirstOrThrow();
      if (numUpdatedRows > 0n) return true;
      // Whoever takes it next counts the attempt up: of this attempt it is what this worker said before.
      const said = await db
        .selectFrom('trial')
        .select('number')
        .where('sweep_id', '=', sweepId)
        .where('number', '=', number)
        .where('attempt', '=', attempt)
        .where('state', '=', state)
        .executeTakeFirst();
      return said !== undefined;
    },

    async countTrials(sweepIds) {
      const found = new Map<string, TrialCounts>();
      for (const batch of batches([...sweepIds])) {
        const rows = await db
          .selectFrom('trial')
          .select(({ fn }) => ['sweep_id', 'state', fn.countAll<number>().as('count'), fn.max('run_id').as('run')])
          .where('sweep_id', 'in', batch)
          .groupBy(['sweep_id', 'state'])
          .execute();
        for (const { sweep_id, state, count, run } of rows) {
          const known = found.get(sweep_id);
          found.set(sweep_id, {
            counts: { ...known?.counts, [state]: Number(count) },
            runId: known?.runId ?? run ?? undefined,
          });
        }
      }
      return found;
    },

    async listTrials(sweepId, numbers) {
      if (numbers?.length === 0) return [];
      const rows = await db
        .selectFrom('trial')
        .selectAll()
        .where('sweep_id', '=', sweepId)
        .$if(numbers !== undefined, (query) => query.where('number', 'in', numbers ?? []))
        .orderBy('number')
        .execute();
      return rows.map(toTrial);
    },
  };
}

function driver(): Pick<SweepTable, 'host' | 'pid' | 'process_started' | 'heartbeat_at'> {
  const { host, pid, started } = thisProcess();
  return { host, pid, process_started: started, heartbeat_at: Date.now() };
}

function stateOf({ state, host, pid, process_started, heartbeat_at }: SweepTable): StoredSweep['state'] {
  if (state !== 'running') return state;
  const owner = { host: host ?? '', pid: pid ?? 0, started: process_started };
  return isAtWork(owner, heartbeat_at, Date.now()) ? 'running' : 'interrupted';
}

function toSweep(row: Selectable<SweepTable>): StoredSweep {
  return {
    id: row.id,
    name: row.name,
    definition: decodeJson(row.definition),
    state: stateOf(row),
    seconds: row.seconds,
    result: row.result === null ? undefined : decodeJson(row.result),
    createdAt: new Date(row.created_at),
    endedAt: row.ended_at === null ? undefined : new Date(row.ended_at),
  };
}

function toTrial(row: Selectable<TrialTable>): StoredTrial {
  return {
    number: row.number,
    point: decodeJson(row.point) as StoredTrial['point'],
    tag: row.tag ?? undefined,
    state: row.state,
    attempt: row.attempt,
    lost: row.lost,
    runId: row.run_id ?? undefined,
    worker: row.worker ?? undefined,
    progress: row.progress === null ? undefined : decodeJson(row.progress),
    outcome: row.outcome === null ? undefined : decodeJson(row.outcome),
    heartbeatAt: new Date(row.heartbeat_at),
    endedAt: row.ended_at === null ? undefined : new Date(row.ended_at),
  };
}

function notFound(reference: string): BallastError {
  return new BallastError('there is no such sweep', {
    code: 'SWEEP_NOT_FOUND',
    kind: 'not-found',
    value: reference,
    remedy: 'ballast sweeps list shows them',
  });
}
