import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logBucket } from '../../src/numeric/index.js';
import { noCounts, openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';

interface StatusDocument {
  readonly models: readonly {
    readonly model: string;
    readonly slos: readonly {
      name: string;
      state: string;
      source: string;
      events: { good: number; total: number };
      burn: readonly { fires: boolean; severity: string }[];
    }[];
  }[];
}

describe('ballast slo', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-slo-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const slo = (...words: string[]) => ballast(folder, 'slo', ...words, '--json');
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return name;
  };

  test('keeps objectives of a file and tells what was kept of them', async () => {
    const yaml = `slo:
  - name: chargebacks
    sli: { type: custom, name: chargebacks }
    objective: 0.99
`;
    expect((await slo('import', file('slo.yaml', yaml), '--model', 'fraud')).code).toBe(0);
    const before = await slo('status', 'fraud');
    expect(before.code).toBe(0);
    expect(before.json<StatusDocument>().models[0].slos[0]).toMatchObject({ state: 'no-data', source: 'slo.yaml' });
    expect((await slo('count', 'fraud', 'chargebacks', '--good', '998', '--total', '1000', '--at', ago(5))).code).toBe(
      0,
    );
    expect((await slo('count', 'fraud', 'chargebacks', '--good', '100', '--total', '100', '--at', ago(5))).code).toBe(
      0,
    );
    const kept = await slo('status', 'fraud');
    expect(kept.code).toBe(0);
    expect(kept.json<StatusDocument>().models[0].slos[0]).toMatchObject({
      state: 'met',
      events: { good: 1098, total: 1100 },
    });
    await slo('count', 'fraud', 'chargebacks', '--good', '0', '--total', '500', '--at', ago(2));
    const broken = await slo('status');
    expect(broken.code).toBe(1);
    const [found] = broken.json<StatusDocument>().models[0].slos;
    expect(found.state).toBe('breached');
    expect(found.burn[0]).toMatchObject({ fires: true, severity: 'page' });
    const text = await ballast(folder, 'slo', 'status', 'fraud');
    expect(text.stdout).toMatch(/chargebacks +✘ breached .*page: 31x over 1h/);
    expect((await ballast(folder, 'slo', 'list')).stdout).toMatch(/fraud +chargebacks +chargebacks +99 %/);
    expect((await slo('remove', 'fraud', 'chargebacks')).code).toBe(0);
    expect((await slo('remove', 'fraud', 'chargebacks')).json().error).toMatchObject({ code: 'SLO_NOT_FOUND' });
  });

  test('takes OpenSLO: its own as it was, that of others as counts to report', async () => {
    const foreign = `apiVersion: openslo/v1alpha
kind: SLO
metadata: { name: web-errors }
spec:
  service: shop
  budgetingMethod: Occurrences
  objectives:
    - target: 0.999
      ratioMetrics: { good: { source: prometheus, queryType: promql, query: a }, total: { source: prometheus, queryType: promql, query: b } }
  timeWindows: [{ count: 1, unit: Month }]
---
apiVersion: openslo/v1
kind: Service
metadata: { name: shop }
spec: {}
`;
    const { code, stderr } = await slo('import', file('foreign.yaml', foreign));
    expect(code).toBe(0);
    expect(stderr).toContain('passed over: Service at foreign.yaml:12');
    expect(stderr).toContain('ballast slo count shop web_errors');
    expect((await slo('list', 'shop')).json<{ slos: object[] }>().slos).toEqual([
      expect.objectContaining({ name: 'web-errors', objective: 0.999, window: '30d', model: 'shop' }),
    ]);
  });

  test('exports OpenSLO that comes back as it was', async () => {
    const yaml = `slo:
  - { name: fast, sli: { type: latency, withinMs: 80 }, objective: 0.99, per: device, window: 28d }
  - { name: calm, sli: { type: drift, every: 6h }, objective: 0.9, lowTraffic: { events: 5 } }
`;
    await slo('import', file('own.yaml', yaml), '--model', 'Credit Risk');
    const written = await ballast(folder, 'export', 'openslo', 'Credit Risk', '--out', 'openslo.yaml');
    expect(written.code, written.stderr).toBe(0);
    const back = await ballast(folder, 'slo', 'import', 'openslo.yaml', '--store', 'other', '--json');
    expect(back.code, back.stderr).toBe(0);
    const list = async (...words: string[]) =>
      (await slo('list', 'Credit Risk', ...words))
        .json<{ slos: { source: string }[] }>()
        .slos.map((each) => ({ ...each, source: '' }));
    expect(await list('--store', 'other')).toEqual(await list());
  });

  test('computes from what production answered', async () => {
    const store = await openStore(join(folder, '.ballast'));
    const minute = Math.floor(Date.now() / 60_000) * 60_000 - 120_000;
    const of = (slice: string, counts: { requests: number; failed: number; slow: number }) => ({
      ...{ model: 'live', version: '1', regularizerId: 'rg-0', role: 'live' as const, slice },
      ...{ start: minute, ms: 60_000, ...noCounts(), requests: counts.requests, failed: counts.failed },
      latency: { [logBucket(20)]: counts.requests - counts.failed - counts.slow, [logBucket(900)]: counts.slow },
    });
    await store.recordObservations({
      id: 'batch',
      observations: [],
      windows: [
        of('', { requests: 1000, failed: 0, slow: 30 }),
        of('device=phone', { requests: 100, failed: 0, slow: 30 }),
        of('device=desktop', { requests: 900, failed: 0, slow: 0 }),
      ],
      sketches: [],
    });
    await store.close();
    const yaml = `slo:
  - { name: availability, sli: { type: availability }, objective: 0.999 }
  - { name: latency, sli: { type: latency, withinMs: 100 }, objective: 0.95, per: device }
`;
    await slo('import', file('live.yaml', yaml), '--model', 'live');
    const { code, json } = await slo('status', 'live');
    expect(code).toBe(1);
    const [availability, latency] = json<StatusDocument>().models[0].slos;
    expect(availability).toMatchObject({ state: 'met', events: { good: 1000, total: 1000 } });
    expect(latency).toMatchObject({
      state: 'breached',
      events: { good: 970, total: 1000 },
      slices: { phone: { state: 'breached', events: { good: 70 } }, desktop: { state: 'met' } },
    });
  });

  test('says what is wrong, and where', async () => {
    const error = async (name: string, text: string, ...words: string[]) => {
      const { code, json } = await slo('import', file(name, text), ...words);
      expect(code).toBe(2);
      return json<{ error: { code: string; message: string; place?: string } }>().error;
    };
    const typo = 'slo:\n  - name: a\n    sli: { type: latency, withinMS: 5 }\n    objective: 0.9\n';
    expect((await error('typo.yaml', typo, '--model', 'm')).place).toContain('typo.yaml:3:');
    const range = 'slo:\n  - name: a\n    sli: { type: drift }\n    objective: 90\n';
    expect((await error('range.yaml', range, '--model', 'm')).place).toBe('range.yaml:4:16 slo[0].objective');
    expect((await error('who.yaml', 'slo: []\n')).code).toBe('USAGE');
    expect((await error('none.yaml', 'name: x\n', '--model', 'm')).code).toBe('SLO_FILE');
    const bad = 'apiVersion: openslo/v2\nkind: SLO\n';
    expect(await error('bad.yaml', bad)).toMatchObject({ code: 'OPENSLO_INVALID', place: 'bad.yaml:1' });
    expect((await slo('status', 'nobody')).json().error).toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });
});

const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
