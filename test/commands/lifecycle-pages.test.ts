import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beginRollout } from '../../src/rollout/index.js';
import { type DashboardPages, dashboardPages, hasBrowser, needsBrowser } from '../support/dashboard-pages.js';
import { endTrial, recordSweep } from '../support/recorded-sweep.js';
import { registerVersions } from '../support/registered-versions.js';

const SWEEP = '3f2a91c0b5d7e864';
const TRIALS = 30;

describe.skipIf(!hasBrowser)(`the pages of sweeps, method cards and lineage ${needsBrowser}`, () => {
  let pages: DashboardPages;
  let run: string;

  beforeAll(async () => {
    pages = await dashboardPages(async (store) => {
      await store.createExperiment('customers');
      await recordSweep(store, SWEEP, TRIALS);
      await registerVersions(store, 'fraud', 2);
      await beginRollout(store, { model: 'fraud', candidate: '2', now: Date.now(), by: 'tester' });
      run = await store.createRun({
        ...{ experiment: 'customers', name: 'with dropout', kind: 'train', spec: {}, seed: 1, environment: {} },
        ...{ datasetName: null, dataVersion: null, regularizerId: 'rg-0123456789abcdef', attached: false },
        manifest: { version: 1, regularizers: [{ type: 'dropout', strength: 0.2, hooks: ['forward'], options: {} }] },
      });
    });
  });
  afterAll(() => pages.close());

  test('show what is best, what that is worth, what decides, and go on while trials end', async () => {
    const { page, open, store, faults } = pages;
    await open('/experiments');
    await page.getByRole('link', { name: 'Sweeps' }).last().click();
    await page.getByRole('link', { name: 'customers 3f2a91c0' }).click();
    await page.getByRole('heading', { name: 'customers, sweep 3f2a91c0' }).waitFor();
    await page.getByText(`running: ${TRIALS + 2} of ${TRIALS + 10} trials`).waitFor();
    const corrected = page.getByRole('row', { name: `corrected for the luck of the best of ${TRIALS}` });
    await corrected.getByRole('cell', { name: '0.8512', exact: true }).waitFor();
    await corrected.getByRole('cell', { name: '0.8012 to 0.9012' }).waitFor();
    for (const name of ['Best so far', 'Importance', 'weight-decay.strength', 'dropout.include', 'model.hidden']) {
      await page.getByRole('img', { name, exact: true }).waitFor();
    }
    await page.getByRole('img', { name: /^accuracy and parameters/ }).waitFor();
    await page.getByRole('img', { name: `${TRIALS} runs over weight-decay.strength` }).waitFor();
    await page.getByText('running, epoch 4, tester').waitFor();
    await endTrial(store, SWEEP, TRIALS + 2);
    await page.getByText(`running: ${TRIALS + 3} of ${TRIALS + 10} trials`).waitFor();
    await page.getByText('1 trials were completed since').waitFor();
    expect(faults).toEqual([]);
  });

  test('show what the address says: one state, one order', async () => {
    const { page, open } = pages;
    await open(`/sweeps/${SWEEP}?order=-figures.accuracy`);
    const first = page.getByRole('region', { name: 'Trials' }).locator('tbody tr').first();
    await first.getByText('0.86').waitFor();
    await page.getByLabel('State').selectOption('failed');
    await first.getByText('failed: these do not go together').waitFor();
    expect(page.url()).toContain('state=failed&order=-figures.accuracy');
  });

  test('stop a sweep after a confirmation with a reason, audited, and say how it goes on', async () => {
    const { page, open, store, faults } = pages;
    await open(`/sweeps/${SWEEP}`);
    // By keyboard alone: the dialog takes the focus, Escape leaves everything as it is.
    await page.getByRole('button', { name: 'Stop…' }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Stop customers, sweep 3f2a91c0?' });
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect((await store.findSweep(SWEEP)).state).toBe('running');
    await page.getByRole('button', { name: 'Stop…' }).press('Enter');
    await dialog.getByLabel('Why').fill('wrong range');
    await page.keyboard.press('Enter');
    await page.getByText(/^stopped: /).waitFor();
    await page.getByText('ballast sweeps resume 3f2a91c0').waitFor();
    expect((await store.findSweep(SWEEP)).state).toBe('stopped');
    expect(await store.auditLog({ action: 'sweep.stop' })).toMatchObject([
      { actor: 'local', subject: `sweeps/${SWEEP}`, details: { reason: 'wrong range' } },
    ]);
    expect(faults).toEqual([]);
  });

  test("lead from a run's manifest to a method card, and from the catalogue to what does not go together", async () => {
    const { page, open, faults } = pages;
    await open(`/experiments/1/runs/${run}`);
    await page.getByRole('link', { name: 'dropout', exact: true }).click();
    await page.getByRole('heading', { name: 'When it fails' }).waitFor();
    await page.getByRole('link', { name: 'Regularizers' }).first().click();
    await page.getByRole('searchbox').fill('smoothing');
    await page.getByRole('link', { name: 'label-smoothing', exact: true }).first().waitFor();
    await page.getByLabel('Acts in').selectOption('targets');
    expect(page.url()).toContain('find=smoothing&acts=targets');
    await page.getByRole('link', { name: 'distillation', exact: true }).first().click();
    await page.getByText(/Not with label-smoothing: distillation already softens/).waitFor();
    // Cards read as text: no mark-up is left over in one of eight.
    const { regularizers } = (await (await fetch(`${pages.url}/api/v1/regularizers`)).json()) as {
      regularizers: { name: string }[];
    };
    for (const { name } of regularizers.filter((_, i) => i % 8 === 0)) {
      await page.evaluate(`location.hash = '/regularizers/${name}'`);
      await page.getByRole('heading', { name: 'How it is tested' }).waitFor();
      await page.getByText(`${name} ·`).first().waitFor();
      expect(
        await page
          .locator('main')
          .getByText(/```|\*\*|\]\(/)
          .count(),
        name,
      ).toBe(0);
    }
    expect(faults).toEqual([]);
  });

  test('compare manifests regularizer by regularizer, whatever their order', async () => {
    const { page, open, store } = pages;
    const entry = (type: string, strength: number) => ({ type, strength, hooks: [], options: {} });
    const other = await store.createRun({
      ...{ experiment: 'customers', name: 'with decay too', kind: 'train', spec: {}, seed: 1, environment: {} },
      ...{ datasetName: null, dataVersion: null, regularizerId: 'rg-1', attached: false },
      manifest: { version: 1, regularizers: [entry('weight-decay', 0.01), entry('dropout', 0.5)] },
    });
    await open(`/compare?runs=${run},${other}`);
    const row = page.getByRole('row', { name: /^regularizers\.dropout\.strength/ });
    await row.waitFor();
    expect(await row.getByRole('cell').allTextContents()).toEqual(['regularizers.dropout.strength', '0.2', '0.5']);
    await page.getByRole('row', { name: /^regularizers\.weight-decay\.strength/ }).waitFor();
  });

  test('show what a version came from and what came of it, with links', async () => {
    const { page, open, store, faults } = pages;
    const [{ id }] = await store.listRollouts({ model: 'fraud' });
    await open('/models/fraud/2');
    await page.getByRole('img', { name: /^Lineage of \d+ things/ }).waitFor();
    await page.getByRole('link', { name: 'version fraud/2' }).first().waitFor();
    await page.getByRole('listitem').filter({ hasText: 'candidate-of' }).getByRole('link', { name: id }).click();
    await page.getByRole('heading', { name: 'fraud: version 2 beside 1' }).waitFor();
    expect(faults).toEqual([]);
  });

  test('have no serious fault of accessibility, and fit 360 px', async () => {
    await pages.expectAccessible('/sweeps');
    await pages.expectAccessible(`/sweeps/${SWEEP}`);
    await pages.expectAccessible('/regularizers?find=smoothing');
    await pages.expectAccessible('/regularizers/l1');
    await pages.expectAccessible('/models/fraud/2');
  });
});
