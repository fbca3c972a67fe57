import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { type ServerOptions, startServer } from '../../src/server/index.js';
import { openStore, type Store } from '../../src/store/index.js';

/** Debian's, or the one that is named. */
const BROWSER = process.env.BALLAST_CHROMIUM ?? '/usr/bin/chromium';
export const hasBrowser = existsSync(BROWSER);
export const needsBrowser = `(needs ${BROWSER}, or another as BALLAST_CHROMIUM)`;
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** A server over a store of its own, and a browser at its dashboard. */
export interface DashboardPages {
  readonly store: Store;
  readonly page: Page;
  readonly url: string;
  /** What the browser complained of. */
  readonly faults: readonly string[];
  open(path: string): Promise<void>;
  /**
   * Holds what is shown to 360 px of width and to axe's rules without a serious fault, in both colour schemes.
   *
   * @param act what is done on the page first, such as opening a dialog
   */
  expectAccessible(path: string, act?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export async function dashboardPages(
  fill: (store: Store) => Promise<void>,
  options: Omit<ServerOptions, 'store' | 'port'> = {},
): Promise<DashboardPages> {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-pages-'));
  const store = await openStore(join(folder, 'store'), { thread: true });
  await fill(store);
  const server = await startServer({ ...options, store, port: 0 });
  const browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  const axe = await readFile(AXE, 'utf8');
  const open = async (path: string): Promise<void> => {
    await page.goto(`${server.url}/#${path}`);
    await page.reload();
  };
  return {
    ...{ store, page, faults, open, url: server.url },
    async expectAccessible(path, act) {
      await page.setViewportSize({ width: 360, height: 740 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await open(path);
        await act?.();
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.waitForLoadState('networkidle');
        const what = `${path}, ${colorScheme}`;
        expect(await page.evaluate('document.documentElement.scrollWidth'), what).toBeLessThanOrEqual(360);
        // The page's policy lets no script in but its own: the checker comes through the debugger.
        await page.evaluate(axe);
        const found = (await page.evaluate('axe.run()')) as {
          violations: { id: string; impact: string; nodes: { html: string }[] }[];
        };
        const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
        expect(
          serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
          what,
        ).toEqual([]);
      }
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 1280, height: 800 });
    },
    async close() {
      await browser.close();
      await server.stop();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
