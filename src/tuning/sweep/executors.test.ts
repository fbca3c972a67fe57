import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { executorContract } from '../../../test/contracts/executors/index.js';
import { findPostgres, type PostgresServer, startPostgres } from '../../../test/support/postgres-server.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { openStore } from '../../store/index.js';
import { openDefinition, type SweepDefinition } from './definition.js';
import { inlineExecutor } from './inline-executor.js';
import { poolExecutor } from './pool-executor.js';
import { queueExecutor } from './queue-executor.js';
import { workTrials } from './queue-worker.js';
import { sharedSessions } from './shared-sessions.js';

executorContract('this process', async (folder) => ({
  storeUrl: join(folder, 'store'),
  judges: true,
  async create({ store, sweepId, judge }) {
    const { definition } = await store.findSweep(sweepId);
    const sweep = openDefinition(definition as SweepDefinition);
    const runtime = sharedSessions(await openRuntime());
    return inlineExecutor({ store, runtime, workFolder: folder, sweepId, sweep }, judge);
  },
}));

executorContract('processes of this machine', async (folder) => ({
  storeUrl: join(folder, 'store'),
  judges: true,
  create: async ({ storeUrl, sweepId, judge }) =>
    poolExecutor({ workers: 2, storeUrl, sweepId, workFolder: folder }, judge),
}));

const found = findPostgres();
if ('missing' in found) {
  describe('executor: workers on PostgreSQL', () => {
    test.skip(`(${found.missing})`, () => undefined);
  });
} else {
  let server: PostgresServer | undefined;
  const ends: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const end of ends) await end();
    await server?.stop();
  });
  executorContract('workers on PostgreSQL', async (folder) => {
    server = await startPostgres();
    const storeUrl = `${await server.createDatabase()}?artifacts=${join(folder, 'artifacts')}`;
    const runtime = sharedSessions(await openRuntime());
    for (let w = 0; w < 2; w++) {
      const stopping = new AbortController();
      const store = await openStore(storeUrl);
      const options = { store, storeUrl, runtime, signal: stopping.signal, silentMs: 5000, onEvent: () => undefined };
      const working = workTrials(options);
      ends.push(async () => {
        stopping.abort();
        await working;
        await store.close();
      });
    }
    return {
      storeUrl,
      judges: false,
      create: ({ store, sweepId }) => queueExecutor({ store, storeUrl, sweepId, slots: 2, silentMs: 5000 }),
    };
  });
}
