import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/index.js';
import { type DashboardPages, dashboardPages, hasBrowser, needsBrowser } from '../support/dashboard-pages.js';

const RUNS = 10_000;
const METRICS = 50;
/** Beside these, of each run that logs any, so that all together have a thousand. */
const OWN_METRICS = 25;
const LOGGED = 40;

describe.skipIf(!hasBrowser)(`the dashboard ${needsBrowser}`, () => {
  let store: Store;
  let page: Page;
  let experiment: number;
  let run: string;
  let pages: DashboardPages;

  beforeAll(async () => {
    pages = await dashboardPages(async (filled) => {
      store = filled;
      experiment = await store.createExperiment('many');
      for (let i = 0; i < RUNS; i++) {
        const id = await store.createRemoteRun({
          experimentId: experiment,
          name: `run ${i}`,
          tags: {},
          startedAt: new Date(1e12 + i * 1000),
        });
        if (i < LOGGED) {
          const metrics = Array.from({ length: METRICS }, (_, j) => ({
            name: `m${j}`,
            value: (i * 7 + j) % 40,
            step: 0,
          }));
          const own = Array.from({ length: OWN_METRICS }, (_, j) => ({
            name: `own${i * OWN_METRICS + j}`,
            value: i,
            step: 0,
          }));
          const curves = [1, 0.5, 0.2].flatMap((value, step) => [
            { name: 'loss', value, step },
            { name: 'val_loss', value: value + 0.1 * step, step },
          ]);
          await store.logBatch(id, {
            metrics: [...metrics, ...own, ...curves],
            params: { optimizer: i % 2 === 0 ? 'adam' : 'sgd' },
          });
          run = id;
        }
      }
      await store.putArtifact(run, 'model/model.onnx', Buffer.from('model'));
      const from = { kind: 'run', runId: run, path: 'model' } as const;
      await store.createVersion({ name: 'fraud', source: `runs:/${run}/model`, from });
    });
    ({ page } = pages);
  });

  afterAll(() => pages.close());

  const open = (path: string): Promise<void> => pages.open(path);

  test('shows ten thousand runs, of which few are in the document, sorted and filtered by the server', async () => {
    await open(`/experiments/${experiment}`);
    await page.getByText(`${RUNS} runs`).waitFor();
    await page.getByRole('link', { name: `run ${RUNS - 1}`, exact: true }).waitFor();
    expect(await page.locator('tbody tr').count()).toBeLessThan(100);
    await page.getByRole('region', { name: 'Runs' }).evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await page.getByRole('link', { name: 'run 0', exact: true }).waitFor();
    await page.getByRole('button', { name: 'm0' }).click();
    await page.getByRole('region', { name: 'Runs' }).evaluate((box) => box.scrollTo(0, 0));
    await page.getByRole('link', { name: 'run 17', exact: true }).waitFor();
    await page.getByRole('searchbox').fill("params.optimizer = 'sgd' and metrics.m0 >= 20");
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('10 runs').waitFor();
    // The address holds what is seen.
    await page.reload();
    await page.getByText('10 runs').waitFor();
    await page.getByRole('searchbox').fill('nonsense >');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('alert').filter({ hasText: 'Invalid filter' }).waitFor();
    // The server's refusal is told to the console too; there is nothing else.
    expect(pages.faults.filter((fault) => !fault.includes('400'))).toEqual([]);
  });

  test('finds a column among a thousand, and shows, sorts and keeps it in the address', async () => {
    await open(`/experiments/${experiment}`);
    const columns = METRICS + LOGGED * OWN_METRICS + 3;
    await page.getByText(`Columns (4 of ${columns})`).click();
    await page.getByLabel('Find').fill('own987');
    await page.getByRole('checkbox', { name: 'metrics.own987' }).check();
    await page.getByRole('button', { name: 'own987' }).click();
    await page.getByRole('link', { name: 'run 39', exact: true }).waitFor();
    await page.reload();
    await page.getByText(`Columns (5 of ${columns})`).waitFor();
    await page.getByRole('button', { name: 'own987' }).waitFor();
  });

  test('shows a run with curves and findings, two runs side by side, and a model with its checklists', async () => {
    await open(`/experiments/${experiment}/runs/${run}`);
    await page.getByRole('heading', { name: 'run 39' }).waitFor();
    expect(await page.getByRole('img', { name: /^loss/ }).count()).toBe(1);
    await page.getByText('X10').waitFor();
    await open(`/experiments/${experiment}?filter=${encodeURIComponent('metrics.m0 >= 0')}`);
    await page.getByText('40 runs').waitFor();
    await page.getByLabel('Compare run 39').check();
    await page.getByLabel('Compare run 38').check();
    await page.getByRole('link', { name: 'Compare 2' }).click();
    await page.getByRole('heading', { name: '2 runs' }).waitFor();
    await page.getByRole('cell', { name: 'optimizer' }).waitFor();
    await page.getByRole('region', { name: 'Parallel coordinates' }).waitFor();
    await page.getByRole('link', { name: 'Models' }).click();
    await page.getByRole('link', { name: 'fraud' }).click();
    await page.getByRole('link', { name: 'version 1' }).click();
    await page.getByRole('heading', { name: 'Checklists: 13 open' }).waitFor();
  });

  test('is used by keyboard alone', async () => {
    await open('/models');
    await page.getByRole('heading', { name: 'Models' }).waitFor();
    // The list comes after the page: before it there is no link to go to.
    await page.getByRole('link', { name: 'fraud' }).first().waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'fraud' }).waitFor();
  });

  test('has no serious fault of accessibility, and fits 360 px', async () => {
    const runs = `/experiments/${experiment}`;
    for (const path of [runs, `${runs}/runs/${run}`, '/models', '/models/fraud', '/models/fraud/1']) {
      await pages.expectAccessible(path);
    }
  });
});
