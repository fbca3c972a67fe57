import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { serveModels } from '../../../test/support/served.js';
import { line, register } from '../../../test/support/served-models.js';
import { evaluateAlerts } from '../../monitoring/alerts/evaluate-alerts.js';
import { DriftWatch } from '../../monitoring/slo/drift-watch.js';
import { measureModel } from '../../monitoring/slo/measure-model.js';
import { openStore } from '../../store/index.js';

test('requests that a served model answers are counted, promised and told, with version and regularizers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-served-'));
  const store = await openStore(join(folder, 'store'), { thread: true });
  try {
    await register(store, 'line', line(2));
    await using served = await serveModels(store, ['line/1']);
    for (let i = 0; i < 20; i++) expect((await served.infer('line', [i, i + 1])).status).toBe(200);
    let text = '';
    for (let i = 0; i < 100 && !text.includes('outcome="ok"} 40'); i++) {
      await sleep(200);
      text = await (await fetch(`${served.server.url}/metrics`)).text();
    }
    expect(text).toContain('ballast_requests_total{model="line",version="1",role="live",outcome="ok"} 40');
    expect(text).toMatch(/ballast_model_info\{model="line",version="1",regularizer_id="/);
    // A minute that is not over is not judged yet: look from the next one.
    const now = Date.now() + 61_000;
    const { statuses } = await measureModel(store, 'line', { now, drift: new DriftWatch(store) });
    const of = (name: string) => statuses.find(({ slo }) => slo.name === name);
    expect(of('availability')).toMatchObject({ state: 'met', events: { good: 40, total: 40 } });
    const { alerts } = await evaluateAlerts(store, { now });
    expect(alerts.every(({ labels }) => labels.model === 'line' && labels.version === '1')).toBe(true);
    expect(alerts.filter(({ severity }) => severity === 'page')).toEqual([]);
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
});
