import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { argoManifests } from '../../src/rollout/export/argo.js';
import { envoyBootstrap } from '../../src/rollout/export/envoy.js';
import { kserveManifests } from '../../src/rollout/export/kserve.js';
import { type KubernetesOptions, kubernetesManifests } from '../../src/rollout/export/kubernetes.js';
import { workerManifests } from '../../src/rollout/export/workers.js';
import { rolloutOptions } from '../../src/spec/rollout-options.js';
import type { TrafficShare } from '../../src/store/index.js';

const PYTHON = process.env.BALLAST_PYTHON;
/** A folder with the definitions of Argo Rollouts, KServe, KEDA, Istio and the Gateway API. */
const CRDS = process.env.BALLAST_CRDS;
const SCRIPT = join(import.meta.dirname, 'manifests.py');

const has = (module: string): boolean => {
  if (PYTHON === undefined) return false;
  try {
    execFileSync(PYTHON, ['-c', `import ${module}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const check = (text: string, ...words: string[]): string[] =>
  JSON.parse(execFileSync(PYTHON ?? '', [SCRIPT, ...words], { input: text, encoding: 'utf8' })) as string[];

const shares: TrafficShare[] = [
  { version: 3, role: 'live', weight: 0.95 },
  { version: 4, role: 'candidate', weight: 0.05 },
  { version: 5, role: 'shadow', weight: 1 },
];
const place = { model: 'Fraud score', namespace: 'ml', shares, rate: 200 };
const pods = { image: 'registry/ballast:1', storeSecret: 'store', replicas: { least: 2, most: 9 }, busy: 1.5 };
const of = (more: Pick<KubernetesOptions, 'autoscale' | 'route' | 'sidecar'>): string =>
  kubernetesManifests({ ...place, ...pods, ...more, prometheus: 'http://prometheus:9090', gateway: 'inference' });

describe.skipIf(CRDS === undefined || !has('kubernetes_validate'))(
  'manifests (BALLAST_CRDS: a folder of CRDs; BALLAST_PYTHON with kubernetes-validate)',
  () => {
    const kubernetes = (text: string): string[] => check(text, 'kubernetes', CRDS ?? '');

    it('of Kubernetes pass its schemas, those of KEDA, the Gateway API and Istio', () => {
      expect(kubernetes(of({ autoscale: 'keda', route: 'gateway', sidecar: true }))).toEqual([
        'v1 ConfigMap',
        ...['3', '4', '5'].flatMap(() => ['apps/v1 Deployment', 'v1 Service', 'keda.sh/v1alpha1 ScaledObject']),
        'gateway.networking.k8s.io/v1 HTTPRoute',
      ]);
      const other = kubernetes(of({ autoscale: 'hpa', route: 'istio', sidecar: false }));
      expect(other).toContain('autoscaling/v2 HorizontalPodAutoscaler');
      expect(other.at(-1)).toBe('networking.istio.io/v1 VirtualService');
    });

    it('of KServe and Argo Rollouts pass theirs', () => {
      const service = 'serving.kserve.io/v1beta1 InferenceService';
      expect(kubernetes(kserveManifests({ ...place, ...pods }))).toEqual([service, service]);
      const argo = argoManifests(rolloutOptions.parse({}), {
        ...{ model: 'Fraud score', server: 'http://ballast:4780', namespace: 'ml', workload: 'fraud' },
      });
      expect(kubernetes(argo)).toEqual(['argoproj.io/v1alpha1 AnalysisTemplate', 'argoproj.io/v1alpha1 Rollout']);
    });

    it('of workers pass those of Kubernetes and KEDA', () => {
      const workers = (as: 'deployment' | 'job', autoscale: 'keda' | 'none'): string[] =>
        kubernetes(
          workerManifests({
            ...{ namespace: 'ml', image: 'registry/ballast:1', storeSecret: 'store', as, autoscale },
            ...{ workers: { least: 0, most: 20 }, idle: 90, cpu: '500m', memory: '2Gi' },
            volumes: [{ claim: 'artifacts', path: '/shared' }],
          }),
        );
      const keda = (kind: string): string => `keda.sh/v1alpha1 ${kind}`;
      expect(workers('deployment', 'none')).toEqual(['apps/v1 Deployment']);
      expect(workers('job', 'none')).toEqual(['batch/v1 Job']);
      expect(workers('job', 'keda')).toEqual([keda('TriggerAuthentication'), keda('ScaledJob')]);
      expect(workers('deployment', 'keda')).toEqual([
        keda('TriggerAuthentication'),
        'apps/v1 Deployment',
        keda('ScaledObject'),
      ]);
    });

    it('with a field that is not defined fail', () => {
      const text = of({ autoscale: 'keda', route: 'none', sidecar: false });
      for (const [field, wrong] of [
        ['cooldownPeriod', 'cooldownPeriods'],
        ['readinessProbe', 'readynessProbe'],
      ]) {
        expect(() => kubernetes(text.replaceAll(field, wrong))).toThrow(/Command failed/);
      }
    });
  },
);

describe.skipIf(!has('envoy_data_plane'))('a bootstrap of Envoy (BALLAST_PYTHON with envoy-data-plane)', () => {
  const text = envoyBootstrap({ ...place, upstream: 'ballast:4780', shadowUpstream: 'shadow:4780' });

  it('is read by its messages, typed configurations too', () => {
    expect(check(text, 'envoy').sort()).toEqual([
      'envoy.config.bootstrap.v3.Bootstrap',
      'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
      'envoy.extensions.filters.http.router.v3.Router',
      'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    ]);
  });

  it('with a field that is not defined fails', () => {
    for (const field of ['weighted_clusters', 'tokens_per_fill', 'connect_timeout']) {
      expect(() => check(text.replaceAll(field, `other_${field}`), 'envoy')).toThrow(/Command failed/);
    }
  });
});
