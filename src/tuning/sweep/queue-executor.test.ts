import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { findPostgres, startPostgres } from '../../../test/support/postgres-server.js';
import { customerSpec, writeCustomers } from '../../../test/support/small-data.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { readSpec } from '../../spec/read.js';
import { openStore } from '../../store/index.js';
import type { SweepDefinition } from './definition.js';
import { queueExecutor } from './queue-executor.js';
import { workTrials } from './queue-worker.js';
import { sharedSessions } from './shared-sessions.js';
import { openTrialQueue, UNFINISHED_TRIALS, WAITING_TRIALS } from './trial-queue.js';

const found = findPostgres();
const SWEEP = '0123456789abcdef';

describe('trials offered through the queue', () => {
  test.skipIf('missing' in found)('are rung for again when a ring was lost with who took it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballast-ring-'));
    const server = await startPostgres();
    try {
      const database = await server.createDatabase();
      const storeUrl = `${database}?artifacts=${join(folder, 'artifacts')}`;
      await using store = await openStore(storeUrl);
      const training = { epochs: 2, batchSize: 16 };
      writeCustomers(folder, customerSpec({ training, search: { sampler: { type: 'random' } } }));
      const { spec, baseDirectory } = await readSpec(join(folder, 'spec.yaml'));
      const definition: SweepDefinition = {
        spec,
        baseDirectory,
        dataVersion: '',
        trials: 1,
        objectives: [{ name: 'logLoss', direction: 'lower' }],
        constraints: [],
        ballastVersion: '0',
      };
      await store.createSweep({ id: SWEEP, name: 'ring', definition });
      const point = { 'regularizers.weight-decay.strength': 0.01, 'regularizers.dropout.strength': 0.1 };
      await store.addTrials(SWEEP, [{ number: 0, point, tag: undefined }]);
      const executor = await queueExecutor({ store, storeUrl, sweepId: SWEEP, slots: 1, silentMs: 500 });
      const ended = executor.run(0);
      // As KEDA asks.
      for (const query of [WAITING_TRIALS, UNFINISHED_TRIALS]) {
        await expect.poll(() => countBy(database, query), { timeout: 20_000 }).toBeGreaterThan(0);
      }

      // A worker that dies between taking the ring and claiming the trial.
      const thief = await openTrialQueue(storeUrl);
      while ((await thief.take(1)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      await thief.close();

      const stopping = new AbortController();
      const runtime = sharedSessions(await openRuntime());
      const options = { store, storeUrl, runtime, signal: stopping.signal, silentMs: 500, onEvent: () => undefined };
      const working = workTrials(options);
      const end = await Promise.race([ended, working]);
      expect(end).toMatchObject({ state: 'complete' });
      await executor.close();
      stopping.abort();
      await working;
      expect(await countBy(database, UNFINISHED_TRIALS)).toBe(await countBy(database, WAITING_TRIALS));
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

async function countBy(connectionString: string, query: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query({ text: query, rowMode: 'array' });
  await client.end();
  return Number(rows[0][0]);
}
