import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';

interface Alert {
  readonly rule: string;
  readonly severity: string;
  readonly fingerprint: string;
  readonly suppressedBy?: string;
  readonly labels: Readonly<Record<string, string>>;
}

describe('ballast alerts', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-alerts-'));
    const yaml =
      'slo:\n  - { name: orders, sli: { type: custom, name: orders }, objective: 0.9, runbook: "https://wiki/x" }\n';
    writeFileSync(join(folder, 'slo.yaml'), yaml);
    await ballast(folder, 'slo', 'import', 'slo.yaml', '--model', 'shop');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const alerts = (...words: string[]) => ballast(folder, 'alerts', ...words, '--json');
  const found = async (...words: string[]): Promise<readonly Alert[]> =>
    (await alerts(...words)).json<{ alerts: Alert[] }>().alerts;

  test('what nobody counts is a blind spot; what burns pages, once, and says what to read', async () => {
    const blind = await alerts('check');
    expect(blind.code).toBe(0);
    expect(blind.json<{ alerts: Alert[] }>().alerts.map(({ rule, labels }) => [rule, labels.missing])).toEqual([
      ['blind-spot', 'sli orders'],
    ]);
    const minutesAgo = new Date(Date.now() - 120_000).toISOString();
    await ballast(folder, 'slo', 'count', 'shop', 'orders', '--good', '0', '--total', '50', '--at', minutesAgo);
    const burning = await alerts('check', '--model', 'shop');
    expect(burning.code).toBe(1);
    const again = await found('check');
    expect(again.filter(({ rule }) => rule === 'slo-burn')).toHaveLength(1);
    const text = await ballast(folder, 'alerts', 'list');
    expect(text.stdout).toMatch(/page +shop +unknown +firing/);
    expect(text.stdout).toContain('https://wiki/x');
    const [{ fingerprint }] = again;
    expect((await alerts('show', fingerprint)).json()).toMatchObject({ fingerprint, events: [{ event: 'fired' }] });
    expect((await alerts('show', 'nothing')).json().error).toMatchObject({ code: 'ALERT_NOT_FOUND' });
  });

  test('silences say how long and why, and end; planned work does not excuse a burning budget', async () => {
    const reason = ['--for', '2h', '--reason', 'repairs'];
    expect((await alerts('silence', 'model=shop', ...reason)).json()).toMatchObject({ id: 1, kind: 'silence' });
    expect((await alerts('check')).code).toBe(0);
    expect((await found('list')).every(({ suppressedBy }) => suppressedBy === 'silence 1')).toBe(true);
    await alerts('unsilence', '--id', '1');
    await alerts('plan', 'shop', ...reason);
    expect((await alerts('check')).code).toBe(1);
    expect((await found('list')).map(({ severity, suppressedBy }) => [severity, suppressedBy]).sort()).toEqual([
      ['page', undefined],
      ['ticket', 'planned 2'],
      ['ticket', 'planned 2'],
    ]);
    expect((await alerts('silences', '--all')).json<{ silences: object[] }>().silences).toHaveLength(2);
    expect((await alerts('silence', 'nonsense', ...reason)).json().error).toMatchObject({ code: 'USAGE' });
    expect((await alerts('silence', 'model=~(', ...reason)).json().error).toMatchObject({ code: 'SILENCE_INVALID' });
    expect((await alerts('silence', 'model=shop', '--for', '200d', '--reason', 'x')).code).toBe(2);
  });

  test('a Grafana dashboard opens on a model', async () => {
    const { code } = await ballast(
      folder,
      'export',
      'grafana',
      'shop',
      '--dashboard',
      'on-call',
      '--out',
      'grafana.json',
    );
    expect(code).toBe(0);
    const dashboard = JSON.parse(readFileSync(join(folder, 'grafana.json'), 'utf8')) as { uid: string };
    expect(dashboard.uid).toBe('ballast-on-call');
    const rules = await ballast(folder, 'export', 'prometheus', 'shop');
    expect(rules.stdout).toContain('alert: BallastErrorBudgetBurn');
    expect((await ballast(folder, 'export', 'openslo', 'nobody', '--json')).json().error).toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
  });
});
