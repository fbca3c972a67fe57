import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAlertEvaluator } from '../../src/monitoring/alerts/evaluator.js';
import { grafanaDashboard } from '../../src/monitoring/export/grafana.js';
import { GRAFANA_DASHBOARDS } from '../../src/monitoring/export/grafana-panels.js';
import { prometheusRules } from '../../src/monitoring/export/prometheus-rules.js';
import { logBucket } from '../../src/numeric/index.js';
import { type RunningServer, startServer } from '../../src/server/index.js';
import { sloOptions } from '../../src/spec/index.js';
import { noCounts, openStore, type Store } from '../../src/store/index.js';
import { findProgram, freePort, type RealServer, startReal } from '../support/real-server.js';

const promtool = findProgram('promtool') ?? '';
const prometheus = findProgram('prometheus') ?? '';
const alertmanager = findProgram('prometheus-alertmanager', 'alertmanager') ?? '';
const missing = Object.entries({ promtool, prometheus, alertmanager })
  .filter(([, path]) => path === '')
  .map(([name]) => name);
const SLOS = [
  { name: 'availability', sli: { type: 'availability' }, objective: 0.999 },
  { name: 'latency', sli: { type: 'latency', withinMs: 100 }, objective: 0.99, window: '7d', burn: 'pyrra' },
  { name: 'correctness', sli: { type: 'correctness' }, objective: 0.9 },
  { name: 'calibration', sli: { type: 'calibration' }, objective: 0.9 },
  { name: 'phones', sli: { type: 'availability' }, objective: 0.99, mix: { by: 'device', shares: { phone: 1 } } },
  { name: 'chargebacks', sli: { type: 'custom', name: 'chargebacks' }, objective: 0.99, runbook: 'https://wiki/x' },
].map((slo) => sloOptions.parse(slo));

describe.skipIf(missing.length > 0)(
  `Prometheus and Alertmanager${missing.length === 0 ? '' : ` (missing: ${missing.join(', ')})`}`,
  () => {
    let folder: string;
    let store: Store;
    let server: RunningServer;
    const running: RealServer[] = [];
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'ballast-prometheus-'));
      store = await openStore(join(folder, 'store'));
      server = await startServer({ store, port: 0, telemetry: { pricePerHour: 0.5 } });
    });
    afterAll(async () => {
      for (const each of running) await each.stop();
      await server.stop();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    });

    test('promtool accepts the rules of every kind of objective', () => {
      const rules = file('rules.yml', prometheusRules('fraud "x"', SLOS));
      const said = execFileSync(promtool, ['check', 'rules', '--lint=all', rules], { encoding: 'utf8' });
      // Of each objective four burn rates and a broken promise; no traffic, no info, labels of two.
      expect(said).toContain(`SUCCESS: ${6 * 5 + 4} rules found`);
    });

    test('promtool’s unit tests: what burns pages once, one failure of few does not, what is silent is told', () => {
      file('rules.yml', prometheusRules('fraud', SLOS.slice(0, 1)));
      const series = (outcome: string, values: string, slo = 'availability') => ({
        series: `ballast_slo_events_total{model="fraud",slo="${slo}",version="3",outcome="${outcome}"}`,
        values,
      });
      const info = {
        series:
          'ballast_model_info{model="fraud",version="3",regularizer_id="rg-1",commit="abc",owner="ann",on_call="#ml",criticality="high"}',
        values: '1x400',
      };
      const labels = {
        ...{ model: 'fraud', slo: 'availability', ledger_stage: 'production', version: '3' },
        ...{ regularizer_id: 'rg-1', commit: 'abc', owner: 'ann', on_call: '#ml', criticality: 'high' },
      };
      const annotations = (burn: string, long: string) => ({
        summary: `fraud: availability burns its error budget ${burn} times too fast over ${long}`,
        runbook: 'ballast runbook slo-burn --model fraud',
        lineage: 'ballast models lineage fraud/3',
      });
      const at = (time: string, alertname: string, alerts: object[]) => ({
        eval_time: time,
        alertname,
        exp_alerts: alerts,
      });
      const alert = (severity: string, long: string, burn: string) => ({
        exp_labels: { ...labels, severity, long },
        exp_annotations: annotations(burn, long),
      });
      file(
        'tests.json',
        JSON.stringify({
          rule_files: ['rules.yml'],
          evaluation_interval: '1m',
          tests: [
            {
              interval: '1m',
              // 2 % of 100 requests a minute fail: 20 times the budget of 0.1 %.
              input_series: [series('good', '0+98x400'), series('bad', '0+2x400'), info],
              alert_rule_test: [
                at('2h', 'BallastErrorBudgetBurn', [
                  alert('page', '1h', '20'),
                  alert('page', '6h', '20'),
                  alert('ticket', '1d', '20'),
                  alert('ticket', '3d', '20'),
                ]),
              ],
            },
            {
              interval: '1m',
              // Two replicas show the same series: they are one.
              input_series: ['a', 'b'].flatMap((instance) =>
                [series('good', '0+998x400'), series('bad', '0+1x400')].map((each) => ({
                  ...each,
                  series: each.series.replace('{', `{instance="${instance}",`),
                })),
              ),
              alert_rule_test: [at('2h', 'BallastErrorBudgetBurn', [])].map((each) => ({
                ...each,
                exp_alerts: [
                  {
                    exp_labels: { ...only(labels, ['model', 'slo', 'ledger_stage']), severity: 'ticket', long: '3d' },
                    exp_annotations: { ...annotations('1.001', '3d'), lineage: 'ballast models lineage fraud/' },
                  },
                ],
              })),
            },
            {
              interval: '1m',
              // One failure of ten requests in an hour is a burn of 100, and no evidence.
              input_series: [series('good', '0 9x400'), series('bad', '0 1x400'), info],
              alert_rule_test: [at('50m', 'BallastErrorBudgetBurn', [])],
            },
            {
              interval: '1m',
              input_series: [info],
              alert_rule_test: [
                at('2h', 'BallastBlindSpot', [
                  {
                    exp_labels: { severity: 'ticket', model: 'fraud', missing: 'traffic', ledger_stage: 'production' },
                    exp_annotations: {
                      summary: 'fraud: no requests are seen',
                      runbook: 'ballast runbook blind-spot --model fraud',
                    },
                  },
                ]),
              ],
            },
          ],
        }),
      );
      const said = execFileSync(promtool, ['test', 'rules', 'tests.json'], { cwd: folder, encoding: 'utf8' });
      expect(said).toContain('SUCCESS');
    });

    test('a real Prometheus scrapes, evaluates the rules and fires into a real Alertmanager, as Ballast itself does', async () => {
      await store.putSlos('fraud', [{ name: 'availability', definition: SLOS[0] }], 'test');
      const [prometheusPort, alertmanagerPort] = [await freePort(), await freePort()];
      const alertmanagerUrl = `http://127.0.0.1:${alertmanagerPort}`;
      const prometheusUrl = `http://127.0.0.1:${prometheusPort}`;
      const route = { receiver: 'none', group_wait: '0s' };
      const config = file('am.json', JSON.stringify({ route, receivers: [{ name: 'none' }] }));
      running.push(
        await startReal(
          alertmanager,
          [
            `--config.file=${config}`,
            `--storage.path=${join(folder, 'am')}`,
            `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
            '--cluster.listen-address=',
          ],
          { ready: `${alertmanagerUrl}/-/ready` },
        ),
      );
      await traffic(store, 0);
      file('live.yml', prometheusRules('fraud', SLOS.slice(0, 1)).replaceAll(/interval: \w+/g, 'interval: 1s'));
      const target = new URL(server.url).host;
      const scrape = file(
        'prometheus.json',
        JSON.stringify({
          global: { scrape_interval: '1s', evaluation_interval: '1s' },
          rule_files: ['live.yml'],
          scrape_configs: [{ job_name: 'ballast', static_configs: [{ targets: [target] }] }],
          alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanagerPort}`] }] }] },
        }),
      );
      running.push(
        await startReal(
          prometheus,
          [
            `--config.file=${scrape}`,
            `--storage.tsdb.path=${join(folder, 'tsdb')}`,
            `--web.listen-address=127.0.0.1:${prometheusPort}`,
          ],
          { ready: `${prometheusUrl}/-/ready` },
        ),
      );
      const query = async (expr: string): Promise<number | undefined> => {
        const response = await fetch(`${prometheusUrl}/api/v1/query?query=${encodeURIComponent(expr)}`);
        const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
        const value = data.result[0]?.value[1];
        return value === undefined ? undefined : Number(value);
      };
      const fired = async (wanted: (labels: Record<string, string>) => boolean): Promise<Record<string, string>> => {
        for (let i = 1; i < 90; i++) {
          await traffic(store, i);
          const response = await fetch(`${alertmanagerUrl}/api/v2/alerts`);
          const found = ((await response.json()) as { labels: Record<string, string> }[]).find(({ labels }) =>
            wanted(labels),
          );
          if (found !== undefined) return found.labels;
          await sleep(1000);
        }
        throw new Error(`nothing fired; up is ${await query('up')}`);
      };
      const labels = await fired(({ alertname, long }) => alertname === 'BallastErrorBudgetBurn' && long === '1h');
      expect(labels).toMatchObject({ model: 'fraud', slo: 'availability', severity: 'page' });
      expect(await query('up')).toBe(1);
      expect(await query('sum(ballast_requests_total{outcome="failed"})')).toBeGreaterThan(1);
      expect(await query('histogram_quantile(0.9, sum by (le) (ballast_request_latency_seconds_bucket))')).toBeLessThan(
        0.1,
      );
      expect(await query('ballast_cost_total')).toBeGreaterThan(0);

      for (const which of GRAFANA_DASHBOARDS) {
        const { panels, annotations, title } = grafanaDashboard(which);
        const queries = [...panels.flatMap(({ targets }) => targets), ...annotations.list].map(({ expr }) =>
          expr.replaceAll('$__rate_interval', '1m').replaceAll('$model', '.*'),
        );
        for (const expr of queries) {
          const response = await fetch(`${prometheusUrl}/api/v1/query?query=${encodeURIComponent(expr)}`);
          expect((await response.json()) as object, `${title}: ${expr}`).toMatchObject({ status: 'success' });
        }
      }

      const own = startAlertEvaluator(store, { alertmanagers: [alertmanagerUrl], allowPrivate: true });
      try {
        const ours = await fired(({ endpoint }) => endpoint !== undefined);
        expect(ours).toMatchObject({
          alertname: expect.stringMatching(/^Ballast/),
          model: 'fraud',
          version: '3',
          regularizer_id: 'unknown',
          commit: 'unknown',
          ledger_stage: 'production',
        });
      } finally {
        await own.stop();
      }
    });
  },
);

/** Ten rows of which two failed. */
async function traffic(store: Store, i: number): Promise<void> {
  const start = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
  const window = {
    ...{ model: 'fraud', version: '3', regularizerId: 'rg-1', role: 'live' as const, slice: '', start, ms: 60_000 },
    ...{ ...noCounts(), requests: 10, failed: 2, latency: { [logBucket(40)]: 8 } },
  };
  await store.recordObservations({ id: `batch ${i}`, observations: [], windows: [window], sketches: [] });
}

function only(labels: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, labels[name]]));
}
