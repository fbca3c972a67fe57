import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { advanceRollout, beginRollout } from '../../src/rollout/index.js';
import { type RunningServer, startServer } from '../../src/server/index.js';
import { openStore, type Store } from '../../src/store/index.js';
import { registerVersions } from '../support/registered-versions.js';
import { Simulation } from '../support/simulated-traffic.js';

/** Debian's, or the one that is named. */
const BROWSER = process.env.BALLAST_CHROMIUM ?? '/usr/bin/chromium';
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SECONDS = 40;

describe.skipIf(!existsSync(BROWSER))(
  `the pages of rollouts (needs ${BROWSER}, or another as BALLAST_CHROMIUM)`,
  () => {
    let folder: string;
    let store: Store;
    let server: RunningServer;
    let browser: Browser;
    let page: Page;
    let id: string;
    const faults: string[] = [];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ballast-rollout-pages-'));
      store = await openStore(join(folder, 'store'), { thread: true });
      await registerVersions(store, 'fraud', 2);
      id = await halfWay(store);
      server = await startServer({ store, port: 0 });
      browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] });
      page = await browser.newPage();
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') faults.push(message.text());
      });
    });

    afterAll(async () => {
      await browser?.close();
      await server?.stop();
      await store?.close();
      await rm(folder, { recursive: true, force: true });
    });

    const open = async (path: string): Promise<void> => {
      await page.goto(`${server.url}/#${path}`);
      await page.reload();
    };
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
      expect(faults).toEqual([]);
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
        audited
          .slice(0, 4)
          .map(({ actor, action, details }) => [actor, action, (details as { reason: string }).reason]),
      ).toEqual([
        ['local', 'rollout.roll-back', 'complaints in support'],
        ['local', 'rollout.promote', 'looked at by hand'],
        ['local', 'rollout.resume', 'back again'],
        ['local', 'rollout.pause', 'lunch'],
      ]);
      await open('/rollouts?model=fraud');
      await page.getByText('0 of 1 succeeded').waitFor();
      expect(faults).toEqual([]);
    });

    test.each(['light', 'dark'] as const)(
      'have no serious fault of accessibility, and fit 360 px (%s)',
      async (colorScheme) => {
        await registerVersions(store, `open-${colorScheme}`, 2);
        const begun = await beginRollout(store, {
          ...{ model: `open-${colorScheme}`, candidate: '2', now: Date.now(), by: 'tester' },
        });
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width: 360, height: 740 });
        const axe = await readFile(AXE, 'utf8');
        for (const path of ['/rollouts', `/rollouts/${id}`, 'dialog']) {
          await open(path === 'dialog' ? `/rollouts/${begun.id}` : path);
          if (path === 'dialog') await page.getByRole('button', { name: 'Promote…' }).click();
          await page.getByRole('heading', { level: 1 }).waitFor();
          await page.waitForLoadState('networkidle');
          expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(360);
          await page.evaluate(axe);
          const found = (await page.evaluate('axe.run()')) as {
            violations: { id: string; impact: string; nodes: { html: string }[] }[];
          };
          const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
          expect(
            serious.map(({ id: rule, nodes }) => `${rule}: ${nodes[0]?.html}`),
            path,
          ).toEqual([]);
        }
        await page.setViewportSize({ width: 1280, height: 800 });
        expect(faults).toEqual([]);
      },
    );
  },
);

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
