import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../src/store/index.js';
import { planted } from '../support/planted-models.js';
import { bringPlanted } from '../support/planted-rollout.js';
import { PlantedUsers } from '../support/planted-users.js';
import { register } from '../support/served-models.js';
import { startServe } from '../support/served-store.js';

test('a candidate that fails on a tenth of the traffic of a real server is rolled back, and no user is left without an answer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-faults-'));
  try {
    await using store = await openStore(join(folder, '.ballast'));
    await register(store, 'planted', planted('good'), planted('failing'));
    await store.setAlias('planted', 'champion', 1);
    await using serve = await startServe(folder, '--models', 'planted');
    const users = new PlantedUsers(serve.url, 'planted', { count: 3, pauseMs: 15 });
    try {
      await users.more(200);
      const end = await bringPlanted({
        ...{ folder, serve, users, model: 'planted', version: 2, weight: 0.3, withinMs: 120_000 },
      });
      expect(end.state).toBe('rolled-back');
      expect(end.reason).toMatch(/^failures/);
      expect(end.failed).toBe(0);
      expect(end.met.length).toBeGreaterThan(0);
      expect((await store.getTraffic('planted'))?.shares).toEqual([{ version: 1, role: 'live', weight: 1 }]);
    } finally {
      await users.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
