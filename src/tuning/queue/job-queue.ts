import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { BallastError } from '../../errors.js';
import { explainPostgresFault } from '../../store/postgres-faults.js';
import { parseStoreUrl } from '../../store/url.js';
import { isAway } from './patience.js';

/** A job that a worker has taken. */
export interface Job<Data> {
  readonly id: string;
  readonly data: Data;
}

/**
 * The queue of a store: says which work there is, to any number of workers on any machines. It is a doorbell; what the work
 * is, who has it and what it came to are in the store's own tables. A job may therefore be rung twice, and one whose
 * worker died before it answered is rung again.
 */
export interface JobQueue<Data extends object> {
  send(jobs: readonly Data[]): Promise<void>;
  /** The next jobs, none where there are none. */
  take(count: number): Promise<readonly Job<Data>[]>;
  /** Says that jobs were heard. */
  heard(jobs: readonly Job<Data>[]): Promise<void>;
  close(): Promise<void>;
}

/** A job that nobody says to have heard is rung again after so long. */
const RING_AGAIN_SECONDS = 60;
const RINGS = 10;
const MOST_ATTEMPTS = 20;

const SCHEMA = 'ballast_queue';
/**
 * The next job is the oldest one; without an index by age, all that wait are sorted for each that is taken. "If not exists" does
 * not hold among several that make it at once, so they take turns: both statements are one transaction.
 */
const BY_AGE = `select pg_advisory_xact_lock(hashtextextended('${SCHEMA}.job_by_age', 0));
  create index if not exists job_by_age on ${SCHEMA}.job (name, created_on, id) where state < 'active'`;

/** How many jobs of a queue wait, as SQL: for what starts workers where there is something to do. */
export const waitingJobs = (name: string): string =>
  `select count(*) from ${SCHEMA}.job where name = '${name}' and state < 'active'`;

/**
 * Opens the queue of a PostgreSQL store, through pg-boss in a schema of its own.
 *
 * @throws BallastError QUEUE_NEEDS_POSTGRES, STORE_*
 */
export async function openQueue<Data extends object>(storeUrl: string, name: string): Promise<JobQueue<Data>> {
  const location = parseStoreUrl(storeUrl);
  if (location.kind !== 'postgres') {
    throw new BallastError('a queue for workers on other machines needs a PostgreSQL store', {
      code: 'QUEUE_NEEDS_POSTGRES',
      place: storeUrl,
      remedy: 'Give postgres://user@host/database?artifacts=/shared/folder; on one machine --workers is enough',
    });
  }
  const { default: PgBoss } = await import('pg-boss');
  // A pool of our own: the library keeps its own open where it could not start.
  const pool = new pg.Pool({
    connectionString: location.connectionString,
    application_name: 'ballast queue',
    max: 3,
    connectionTimeoutMillis: 15_000,
  });
  pool.on('error', () => undefined);
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values) },
    schema: SCHEMA,
    schedule: false,
  });
  // What an idle connection reports, the next call reports as well.
  boss.on('error', () => undefined);
  const explained = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw explainPostgresFault(error, location.shown);
    }
  };
  const close = async (): Promise<void> => {
    try {
      await explained(() => boss.stop({ graceful: false, wait: true }));
    } catch (error) {
      // Who closes it has no more to ask of the database; that it is away must not hide why the queue is closed.
      if (!isAway(error)) throw error;
    } finally {
      await pool.end();
    }
  };
  try {
    await explained(() => boss.start());
    await makeQueue();
  } catch (error) {
    await close();
    throw error;
  }

  async function makeQueue(): Promise<void> {
    for (let attempt = 1; !(await explained(isMade)); attempt++) {
      try {
        await explained(() => boss.createQueue(name, { name, retryLimit: RINGS, expireInSeconds: RING_AGAIN_SECONDS }));
        await explained(() => pool.query(BY_AGE));
      } catch (error) {
        // Several that make the same queue at once get in each other's way: one of them makes it.
        const another = error instanceof BallastError && error.code === 'STORE_CONFLICT';
        if (!another || attempt === MOST_ATTEMPTS) throw error;
        await sleep(50 * attempt);
      }
    }
  }

  async function isMade(): Promise<boolean> {
    const { rows } = await pool.query(`select to_regclass('${SCHEMA}.job_by_age') as index`);
    return rows[0].index !== null && (await boss.getQueue(name)) !== null;
  }

  return {
    send: (jobs) =>
      explained(async () => {
        await boss.insert(jobs.map((data) => ({ name, data, retryLimit: RINGS, expireInSeconds: RING_AGAIN_SECONDS })));
      }),
    take: (count) => explained(() => boss.fetch<Data>(name, { batchSize: count, priority: false })),
    async heard(jobs) {
      if (jobs.length === 0) return;
      await explained(() =>
        boss.deleteJob(
          name,
          jobs.map(({ id }) => id),
        ),
      );
    },
    close,
  };
}
