import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { advanceRollout, beginRollout } from '../../src/rollout/index.js';
import type { Store } from '../../src/store/index.js';
import { type DashboardPages, dashboardPages, hasBrowser, needsBrowser } from '../support/dashboard-pages.js';
import { registerVersions } from '../support/registered-versions.js';
import { Simulation } from '../support/simulated-traffic.js';

const SECONDS = 40;

describe.skipIf(!hasBrowser)(`the pages of rollouts ${needsBrowser}`, () => {
  let store: Store;
  let page: Page;
  let id: string;
  let pages: DashboardPages;

  beforeAll(async () => {
    pages = await dashboardPages(async (filled) => {
      store = filled;
      await registerVersions(store, 'fraud', 2);
      id = await halfWay(store);
    });
    ({ page } = pages);
  });

  afterAll(() => pages.close());

  const open = (path: string): Promise<void> => pages.open(path);
  const ask = async (button: string, reason: string): Promise<void> => {
    await page.getByRole('button', { name: `${button}…` }).click();
    const dialog = page.getByRole('dialog', { name: `${button}: fraud: version 2 beside 1?` });
    await dialog.getByLabel('Why').fill(reason);
    await dialog.getByRole('button', { name: button }).click();
    await dialog.waitFor({ state: 'hidden' });
  };

  test('show weights, each SLI over time, what was spent, and why it was decided', async () => {
    await open('/rollouts');
    await page.getByRole('link', { name: 'fraud: version 2 beside 1' }).click();
    await page.getByText('2 of 3: shadow → 20 % → 100 %').waitFor();
    await page.getByText('version 1 80 %, version 2 20 %').waitFor();
    await page.getByText(/% of 5 %: the probability of a false roll-back/).waitFor();
    for (const title of ['Weight of the candidate', 'Evidence against it', 'failures', 'error', 'answers, now of ']) {
      expect(await page.getByRole('img', { name: new RegExp(`^${title}`) }).count(), title).toBe(1);
    }
    await page.getByRole('cell', { name: /^watched for \d+ s; every SLI is within/ }).waitFor();
    expect(pages.faults).toEqual([]);
  });

  test('pause, resume, promote and roll back after a confirmation with a reason, and audit it', async () => {
    await open(`/rollouts/${id}`);
    await page.getByRole('button', { name: 'Pause…' }).click();
    await page.getByRole('button', { name: 'Leave it' }).click();
    expect((await store.getRollout(id)).phase).toBe('running');
    await ask('Pause', 'lunch');
    await page.getByText('paused by an operator').waitFor();
    await ask('Resume', 'back again');
    await ask('Promote', 'looked at by hand');
    await page.getByText('version 2 100 %').waitFor();
    await ask('Roll back', 'complaints in support');
    await page.getByText('rolled-back', { exact: true }).waitFor();
    expect((await store.getTraffic('fraud'))?.shares).toEqual([{ version: 1, role: 'live', weight: 1 }]);
    expect(await page.getByRole('button', { name: /…$/ }).count()).toBe(0);
    const audited = (await store.auditLog({ limit: 20 })).filter(({ action }) => action.startsWith('rollout.'));
    expect(
      audited.slice(0, 4).map(({ actor, action, details }) => [actor, action, (details as { reason: string }).reason]),
    ).toEqual([
      ['local', 'rollout.roll-back', 'complaints in support'],
      ['local', 'rollout.promote', 'looked at by hand'],
      ['local', 'rollout.resume', 'back again'],
      ['local', 'rollout.pause', 'lunch'],
    ]);
    await open('/rollouts?model=fraud');
    await page.getByText('0 of 1 succeeded').waitFor();
    expect(pages.faults).toEqual([]);
  });

  test('have no serious fault of accessibility, and fit 360 px', async () => {
    await registerVersions(store, 'open', 2);
    const begun = await beginRollout(store, {
      ...{ model: 'open', candidate: '2', now: Date.now(), by: 'tester' },
    });
    await pages.expectAccessible('/rollouts');
    await pages.expectAccessible(`/rollouts/${id}`);
    await pages.expectAccessible(`/rollouts/${begun.id}`, () => page.getByRole('button', { name: 'Promote…' }).click());
    expect(pages.faults).toEqual([]);
  });
});

/** A rollout of a good candidate that was promoted from shadow to a share of the traffic. */
async function halfWay(store: Store): Promise<string> {
  const start = Date.now() - 1000 * (SECONDS + 10);
  const simulation = new Simulation({
    ...{ model: 'fraud', seed: 3, rate: 40, labels: { share: 1, delayMs: 0 } },
    baseline: { version: '1', behaviour: {} },
    candidate: { version: '2', behaviour: {} },
  });
  const { id } = await beginRollout(store, {
    ...{ model: 'fraud', candidate: '2', now: start, by: 'tester' },
    options: {
      every: '2s',
      steps: [
        { weight: 0, watch: '10s', samples: 200, labels: 200 },
        { weight: 0.2, watch: '1h' },
        { weight: 1, watch: '1h' },
      ],
      slis: [{ type: 'failures', allowed: 0.1 }, { type: 'error', allowed: 0.2 }, { type: 'answers' }],
    },
  });
  for (let second = 0; second < SECONDS; second += 2) {
    const shadow = (await store.getTraffic('fraud'))?.shares.some(({ role }) => role === 'shadow') ?? false;
    const made = [0, 1].map((i) => simulation.second(start + 1000 * (second + i), shadow ? 0 : 0.2, shadow));
    const observations = made.flatMap((each) => each.observations);
    await store.recordObservations({ id: `of ${second}`, observations, windows: [], sketches: [] });
    await store.ingestLabels(made.flatMap(({ labels }) => labels));
    await advanceRollout(store, id, start + 1000 * (second + 4));
  }
  return id;
}
