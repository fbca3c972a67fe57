import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { derive } from '../src/numeric/random.js';
import { openStore } from '../src/store/index.js';
import { KilledControllers } from './support/killed-controller.js';
import { courseOf, undisturbed } from './support/killed-rollout.js';

test('controllers that are killed -9 at their work decide what one decides undisturbed', async () => {
  const folder = await mkdtemp(`${tmpdir()}/ballast-kills-`);
  try {
    await using store = await openStore(folder);
    await using controllers = new KilledControllers(folder, derive(4, 'kills'));
    const calm = await courseOf({ store, model: 'calm', failed: 0.45, advance: undisturbed(store) });
    let looks = 0;
    const killed = await courseOf({
      ...{ store, model: 'killed', failed: 0.45 },
      advance: (id, now) => controllers.advance(id, now, looks++ < 2 ? 2 : 0),
    });
    expect(killed).toEqual(calm);
    expect(calm.decisions.length).toBeGreaterThan(1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
