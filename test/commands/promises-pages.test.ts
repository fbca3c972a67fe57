import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluateAlerts } from '../../src/monitoring/alerts/evaluate-alerts.js';
import { logBucket } from '../../src/numeric/index.js';
import { noCounts, type ObservationWindow, type Store } from '../../src/store/index.js';
import { type DashboardPages, dashboardPages, hasBrowser, needsBrowser } from '../support/dashboard-pages.js';

const MINUTE = 60_000;

describe.skipIf(!hasBrowser)(`the pages of promises ${needsBrowser}`, () => {
  let store: Store;
  let page: Page;
  let pages: DashboardPages;

  beforeAll(async () => {
    pages = await dashboardPages(
      async (filled) => {
        store = filled;
        const experiment = await store.createExperiment('fraud');
        const startedAt = new Date();
        const run = await store.createRemoteRun({ experimentId: experiment, name: 'fraud run', tags: {}, startedAt });
        const curve = [1, 0.6, 0.4].map((value, step) => ({ name: 'loss', value, step }));
        await store.logBatch(run, { metrics: curve, params: {} });
        await store.putArtifact(run, 'model/model.onnx', Buffer.from('model'));
        const from = { kind: 'run', runId: run, path: 'model' } as const;
        await store.createVersion({ name: 'fraud', source: `runs:/${run}/model`, from });
        await store.updateModel('fraud', { owner: 'ann', criticality: 'high' });
        const figure = (value: number) => ({ value, interval: [value - 0.01, value + 0.01] });
        const evaluation = {
          metrics: { accuracy: figure(0.9) },
          confusion: {
            classes: ['fraud', 'fine'],
            counts: [
              [8, 2],
              [5, 95],
            ],
          },
        };
        await store.putEvaluation(run, 'holdout', evaluation);
        await store.putEvaluation(run, 'compressed', { metrics: { accuracy: figure(0.88) } });
        await store.putSlos(
          'fraud',
          [
            {
              name: 'availability',
              definition: { name: 'availability', sli: { type: 'availability' }, objective: 0.999 },
            },
          ],
          'test',
        );
        await store.recordObservations({ id: 'all', observations: [], windows: windows(), sketches: [] });
        await evaluateAlerts(store);
      },
      { telemetry: { pricePerHour: 0.5 } },
    );
    ({ page } = pages);
  });

  afterAll(() => pages.close());

  const open = (path: string): Promise<void> => pages.open(path);

  test('management sees what was kept, the canary, costs, calibration and fairness, and where the model comes from', async () => {
    await open('/executive');
    await page.getByText('0 of 1 promises kept, 1 broken').waitFor();
    await page.getByRole('cell', { name: '✗ broken' }).waitFor();
    await page.getByText('version 1 and its lineage').waitFor();
    await page.getByText(/Canary: version 2; *|Canary: version 2: failed/).waitFor();
    for (const title of [
      'Requests a day',
      'Calibration error',
      'Largest gap between slices',
      'Cost of 1,000 answers',
    ]) {
      expect(await page.getByRole('img', { name: new RegExp(`^${title}`) }).count(), title).toBe(1);
    }
    expect(pages.faults).toEqual([]);
  });

  test('on-call sees what fires and why, and silences it after a confirmation, with an audit entry', async () => {
    await open('/on-call/fraud');
    const burn = page.getByRole('article').filter({ hasText: 'availability burns its error budget' });
    await burn.getByText('owner ann').waitFor();
    await page.getByRole('img', { name: /^Share that failed/ }).waitFor();
    await page.getByRole('cell', { name: 'fraud run' }).waitFor();
    await burn.getByText('Runbook', { exact: true }).click();
    await burn.getByText('ballast models lineage fraud/1').waitFor();
    await burn.getByRole('button', { name: 'Silence…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Silence this alert?' });
    await dialog.getByRole('button', { name: 'Leave it' }).click();
    expect(await store.listSilences()).toEqual([]);
    await burn.getByRole('button', { name: 'Silence…' }).click();
    await dialog.getByLabel('Why').fill('repairs upstream');
    await dialog.getByLabel('For').selectOption('240');
    await dialog.getByRole('button', { name: 'Silence' }).click();
    await page.getByText('repairs upstream').waitFor();
    const [silence] = await store.listSilences();
    expect(silence.matchers).toContainEqual({ label: 'slo', value: 'availability' });
    expect(Math.round((silence.endsAt.getTime() - silence.startsAt.getTime()) / MINUTE)).toBe(240);
    expect(await store.auditLog({ action: 'alert.silence' })).toMatchObject([
      { subject: 'silences/1', details: { reason: 'repairs upstream' } },
    ]);
    await evaluateAlerts(store);
    await open('/on-call/fraud');
    await burn.getByText('quiet: silence 1').waitFor();
    expect(await burn.getByRole('button').count()).toBe(0);
    expect(pages.faults).toEqual([]);
  });

  test('debugging sees curves, confusions and the stages side by side', async () => {
    await open('/debug/fraud');
    await page.getByRole('img', { name: /^Loss/ }).waitFor();
    await page.getByRole('cell', { name: '20 %' }).waitFor();
    await page.getByRole('columnheader', { name: 'compressed' }).waitFor();
    expect(pages.faults).toEqual([]);
  });

  test('have no serious fault of accessibility, and fit 360 px', async () => {
    const all = ['/executive', '/on-call', '/on-call/fraud', '/runbooks', '/runbooks/drift/fraud', '/debug/fraud'];
    for (const path of all) await pages.expectAccessible(path);
    await pages.expectAccessible('/on-call/fraud', () =>
      page.getByRole('button', { name: 'Silence…' }).first().click(),
    );
  });
});

/** Four hours in which a twentieth fails, of a live version and a worse canary, with labels and slices. */
function windows(): ObservationWindow[] {
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  const of = (start: number, role: 'live' | 'candidate', slice: string): ObservationWindow => {
    const worse = role === 'candidate' || slice === 'device=phone';
    const counts = noCounts();
    const confidence = { ...counts.confidence };
    return {
      ...{
        model: 'fraud',
        version: role === 'live' ? '1' : '2',
        regularizerId: 'rg-1',
        role,
        slice,
        start,
        ms: MINUTE,
      },
      ...{ ...counts, requests: 100, failed: worse ? 12 : 5, labelled: 60, wrong: worse ? 12 : 6 },
      latency: { [logBucket(20)]: 80, [logBucket(90)]: worse ? 8 : 15 },
      confidence: {
        ...confidence,
        labelled: confidence.labelled.map((_, bin) => (bin === 13 ? 60 : 0)),
        labelledSum: confidence.labelledSum.map((_, bin) => (bin === 13 ? 54 : 0)),
        right: confidence.right.map((_, bin) => (bin === 13 ? 50 : 0)),
      },
    };
  };
  return Array.from({ length: 240 }, (_, i) => now - (i + 1) * MINUTE).flatMap((start) => [
    of(start, 'live', ''),
    of(start, 'candidate', ''),
    of(start, 'live', 'device=phone'),
    of(start, 'live', 'device=desktop'),
  ]);
}
