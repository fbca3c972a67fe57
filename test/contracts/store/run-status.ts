import fc from 'fast-check';
import { expect } from 'vitest';
import { type FinalStatus, openStore, type Store } from '../../../src/store/index.js';
import { newRun, type StorePlace } from './subject.js';

/** What the model knows of a run: its stored status, whether its process lives, and which store object holds which attempt. */
interface Model {
  runs: {
    status: 'running' | FinalStatus;
    alive: boolean;
    attempt: number;
    deleted: boolean;
    held: Map<Which, number>;
  }[];
}

type Which = 'first' | 'second';

interface Real {
  readonly place: StorePlace;
  readonly stores: Record<Which, Store>;
  readonly ids: string[];
}

type Step = fc.AsyncCommand<Model, Real>;

/**
 * Lets two store objects create, end, abandon, resume, delete and restore runs in random order and compares each outcome
 * with a model written down independently: which call succeeds, which error the others give, which status is shown.
 */
export async function runStatusProperty(place: StorePlace, first: Store): Promise<void> {
  await using second = await openStore(place.url);
  const which = fc.constantFrom<Which>('first', 'second');
  const index = fc.nat({ max: 5 });
  const final = fc.constantFrom<FinalStatus>('finished', 'failed', 'cancelled', 'diverged');
  const steps = [
    which.map(create),
    fc.tuple(which, index, final).map(([by, at, status]) => finish(by, at, status)),
    fc.tuple(which, index).map(([by, at]) => resume(by, at)),
    index.map(abandon),
    fc.tuple(which, index).map(([by, at]) => remove(by, at)),
    fc.tuple(which, index).map(([by, at]) => restore(by, at)),
  ];
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 25 }), async (commands) => {
      const real: Real = { place, stores: { first, second }, ids: [] };
      await fc.asyncModelRun(() => ({ model: { runs: [] } as Model, real }), commands);
    }),
    { numRuns: 25 },
  );
}

function create(by: Which): Step {
  return step(
    `create by ${by}`,
    () => true,
    async (model, real) => {
      real.ids.push(await real.stores[by].createRun(newRun()));
      model.runs.push({ status: 'running', alive: true, attempt: 1, deleted: false, held: new Map([[by, 1]]) });
    },
  );
}

function finish(by: Which, at: number, status: FinalStatus): Step {
  return onRun(`finish run ${at} as ${status} by ${by}`, at, async (run, real, id) => {
    const held = run.held.get(by);
    const code = run.deleted
      ? 'RUN_DELETED'
      : held !== undefined && held !== run.attempt
        ? 'RUN_TAKEN_OVER'
        : run.status !== 'running' && run.status !== status
          ? 'RUN_ENDED'
          : undefined;
    await outcome(real.stores[by].finishRun(id, status), code);
    if (code !== undefined) return;
    run.status = status;
    run.held.delete(by);
  });
}

function resume(by: Which, at: number): Step {
  return onRun(`resume run ${at} by ${by}`, at, async (run, real, id) => {
    const code = run.deleted
      ? 'RUN_DELETED'
      : run.status === 'finished'
        ? 'RUN_FINISHED'
        : run.status === 'running' && run.alive
          ? 'RUN_AT_WORK'
          : undefined;
    await outcome(real.stores[by].resumeRun(id), code);
    if (code !== undefined) return;
    run.status = 'running';
    run.alive = true;
    run.attempt += 1;
    run.held.set(by, run.attempt);
  });
}

/** As if the run's process had been killed: its record names one that does not exist. */
function abandon(at: number): Step {
  return onRun(`abandon run ${at}`, at, async (run, real, id) => {
    await real.place.execute(`update run set pid = 999999999, process_started = '0' where id = '${id}'`);
    run.alive = false;
  });
}

function remove(by: Which, at: number): Step {
  return onRun(`delete run ${at} by ${by}`, at, async (run, real, id) => {
    const code = !run.deleted && run.status === 'running' && run.alive ? 'RUN_AT_WORK' : undefined;
    await outcome(real.stores[by].deleteRun(id), code);
    if (code === undefined) run.deleted = true;
  });
}

function restore(by: Which, at: number): Step {
  return onRun(`restore run ${at} by ${by}`, at, async (run, real, id) => {
    await real.stores[by].restoreRun(id);
    run.deleted = false;
  });
}

function onRun(
  name: string,
  at: number,
  act: (run: Model['runs'][number], real: Real, id: string) => Promise<void>,
): Step {
  return step(
    name,
    (model) => at < model.runs.length,
    async (model, real) => {
      const [run, id] = [model.runs[at], real.ids[at]];
      if (run === undefined || id === undefined) throw new Error('no such run in the model');
      await act(run, real, id);
      const shown = run.status === 'running' && !run.alive ? 'interrupted' : run.status;
      const found = await real.stores.first.getRun(id);
      expect(found).toMatchObject({ status: shown, attempt: run.attempt });
      expect(found.deletedAt !== undefined).toBe(run.deleted);
      expect(found.endedAt !== undefined).toBe(run.status !== 'running');
    },
  );
}

function step(name: string, check: (model: Readonly<Model>) => boolean, run: Step['run']): Step {
  return { check, run, toString: () => name };
}

async function outcome(call: Promise<unknown>, code: string | undefined): Promise<void> {
  if (code === undefined) await call;
  else await expect(call).rejects.toMatchObject({ code });
}
