import type { Kysely } from 'kysely';
import { BallastError } from '../errors.js';
import type { StoreSchema } from './schema.js';

const INTERVAL_MS = 15_000;

/** The runs that live in this store object: each with the attempt it is, and a heartbeat while there are any. */
export interface Heartbeats {
  /** Begins to send a run's heartbeat. */
  attach(runId: string, attempt: number): void;
  detach(runId: string): void;
  /** Which attempt of a run this store object holds; undefined when the run is not its own. */
  attemptOf(runId: string): number | undefined;
  /** Sends one run's heartbeat now. */
  beat(runId: string): Promise<void>;
  /** Sends no more and waits for the one under way. */
  stop(): Promise<void>;
}

/** Heartbeats every 15 seconds, by a timer that does not keep the process alive. */
export function heartbeats(db: Kysely<StoreSchema>): Heartbeats {
  const attempts = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> = Promise.resolve();
  let fault: unknown;

  async function beat(runId: string): Promise<void> {
    const attempt = attempts.get(runId);
    await db
      .updateTable('run')
      .set({ heartbeat_at: Date.now() })
      .where('id', '=', runId)
      .where('status', '=', 'running')
      .$if(attempt !== undefined, (query) => query.where('attempt', '=', attempt ?? 0))
      .execute();
  }

  async function beatAll(): Promise<void> {
    try {
      for (const runId of attempts.keys()) await beat(runId);
    } catch (error) {
      // A full disk or a lost server costs the run its heartbeat, not its life; what the run writes next reports it. A fault
      // of ours is reported when the heartbeats stop.
      if (!(error instanceof BallastError)) fault ??= error;
    }
  }

  return {
    attach(runId, attempt) {
      attempts.set(runId, attempt);
      timer ??= setInterval(() => {
        underWay = underWay.then(beatAll);
      }, INTERVAL_MS).unref();
    },
    detach(runId) {
      attempts.delete(runId);
      if (attempts.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    },
    attemptOf: (runId) => attempts.get(runId),
    beat,
    async stop() {
      clearInterval(timer);
      timer = undefined;
      attempts.clear();
      await underWay;
      if (fault !== undefined) throw fault;
    },
  };
}
