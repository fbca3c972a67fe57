import type { Kysely } from 'kysely';
import { BallastError } from '../errors.js';
import type { StoreSchema } from './schema.js';

const INTERVAL_MS = 15_000;

/** Says every 15 seconds that the sweeps of this process are still driven. */
export function sweepBeats(db: Kysely<StoreSchema>): {
  begin: (id: string) => void;
  end: (id: string) => void;
  stop: () => Promise<void>;
} {
  const driven = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> = Promise.resolve();
  let fault: unknown;
  const beat = async (): Promise<void> => {
    try {
      await db
        .updateTable('sweep')
        .set({ heartbeat_at: Date.now() })
        .where('id', 'in', [...driven])
        .execute();
    } catch (error) {
      // Trouble with the database is reported by what the sweep writes next; a fault of ours when it stops.
      if (!(error instanceof BallastError)) fault ??= error;
    }
  };
  const quiet = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    begin(id) {
      driven.add(id);
      timer ??= setInterval(() => {
        underWay = underWay.then(beat);
      }, INTERVAL_MS).unref();
    },
    end(id) {
      driven.delete(id);
      if (driven.size === 0) quiet();
    },
    async stop() {
      quiet();
      driven.clear();
      await underWay;
      if (fault !== undefined) throw fault;
    },
  };
}
