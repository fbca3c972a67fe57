import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { TrafficShare } from '../../store/index.js';
import { envoyBootstrap } from './envoy.js';
import { kserveManifests } from './kserve.js';
import { type KubernetesOptions, kubernetesManifests } from './kubernetes.js';
import { type WorkersOptions, workerManifests } from './workers.js';

const shares: TrafficShare[] = [
  { version: 3, role: 'live', weight: 0.667 },
  { version: 4, role: 'candidate', weight: 0.333 },
  { version: 5, role: 'shadow', weight: 1 },
];
const place = { model: 'Fraud score', namespace: 'ml', shares };
const pods = { image: 'registry/ballast:1', storeSecret: 'store', replicas: { least: 2, most: 9 }, busy: 1.5 };

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own
  readonly spec: any;
}

const objects = (text: string): Manifest[] => parseAllDocuments(text).map((each) => each.toJS() as Manifest);

// What passes the published schemas is checked in test/interop/manifests.test.ts; here, that it says what is meant.
describe('manifests', () => {
  const of = (more: Partial<KubernetesOptions>): Manifest[] =>
    objects(
      kubernetesManifests({
        ...{ ...place, ...pods, prometheus: 'http://prometheus:9090', gateway: 'inference' },
        ...{ autoscale: 'hpa', route: 'gateway', sidecar: false, ...more },
      }),
    );

  test('have no anchors: whoever edits labels in one place changes that place', () => {
    const text = kubernetesManifests({
      ...{ ...place, ...pods, prometheus: 'http://prometheus:9090', gateway: 'inference' },
      ...{ autoscale: 'hpa', route: 'gateway', sidecar: true },
    });
    expect(text).toContain('matchLabels:\n      app: ');
    expect(text).not.toMatch(/[&*]a\d/);
  });

  test('of Kubernetes divide the traffic as the store does, in per cents that add up, and mirror to the shadow', () => {
    const route = of({}).find(({ kind }) => kind === 'HTTPRoute');
    const [rule] = route?.spec.rules ?? [];
    expect(rule.backendRefs).toEqual([
      { name: 'ballast-fraud-score-v3', port: 4780, weight: 67 },
      { name: 'ballast-fraud-score-v4', port: 4780, weight: 33 },
    ]);
    expect(rule.filters).toMatchObject([
      { type: 'RequestMirror', requestMirror: { backendRef: { name: 'ballast-fraud-score-v5' } } },
    ]);
    const [http] = of({ route: 'istio' }).find(({ kind }) => kind === 'VirtualService')?.spec.http ?? [];
    expect(http.route.map(({ weight }: { weight: number }) => weight)).toEqual([67, 33]);
    expect(http.mirrors[0].destination.host).toBe('ballast-fraud-score-v5.ml.svc.cluster.local');
  });

  test('scale by how busy Ballast is', () => {
    const hpa = of({}).find(({ kind }) => kind === 'HorizontalPodAutoscaler')?.spec;
    expect(hpa.metrics[0].external).toMatchObject({
      metric: { selector: { matchLabels: { model: 'Fraud score', version: '3' } } },
      target: { averageValue: '1500m' },
    });
    const keda = of({ autoscale: 'keda' }).find(({ kind }) => kind === 'ScaledObject')?.spec;
    expect(keda.triggers[0].metadata.query).toContain(
      'rate(ballast_busy_seconds_total{model="Fraud score", version="3"}[1m])',
    );
    expect(of({ autoscale: 'none' }).some(({ kind }) => /Scale/.test(kind))).toBe(false);
  });

  test('keep to the rate: by the server itself, or by Envoy beside it', () => {
    const pod = (manifests: Manifest[]) => manifests.find(({ kind }) => kind === 'Deployment')?.spec.template.spec;
    expect(pod(of({ rate: 200 })).containers[0].args.slice(-2)).toEqual(['--rate', '200']);
    const beside = of({ rate: 200, sidecar: true });
    expect(pod(beside).containers.map(({ name }: { name: string }) => name)).toEqual(['ballast', 'envoy']);
    expect(pod(beside).containers[0].args).not.toContain('--rate');
    const { data } = beside[0] as unknown as { data: Record<string, string> };
    expect(data['envoy.yaml']).toContain('max_tokens: 200');
    expect(beside.find(({ kind }) => kind === 'Service')?.spec.ports[0].targetPort).toBe('proxy');
  });

  test('of KServe make the candidate the canary', () => {
    const [service, shadow] = objects(kserveManifests({ ...place, ...pods }));
    expect(service.spec.predictor).toMatchObject({ canaryTrafficPercent: 33, minReplicas: 2, maxReplicas: 9 });
    expect(service.spec.predictor.containers[0].args).toContain('Fraud score/4');
    expect([shadow.metadata.name, shadow.spec.predictor.canaryTrafficPercent]).toEqual([
      'ballast-fraud-score-v5',
      undefined,
    ]);
  });

  test('of Envoy say which version answers, unless the client does', () => {
    const bootstrap = parse(envoyBootstrap({ ...place, upstream: 'ballast:4780', shadowUpstream: 'shadow:80' }));
    const manager = bootstrap.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
    const { route } = manager.route_config.virtual_hosts[0].routes[0];
    const added = { append_action: 'ADD_IF_ABSENT' };
    expect(route.weighted_clusters.clusters).toMatchObject([
      { weight: 67, request_headers_to_add: [{ header: { value: '3' }, ...added }] },
      { weight: 33, request_headers_to_add: [{ header: { value: '4' }, ...added }] },
    ]);
    expect(route.request_mirror_policies).toEqual([{ cluster: 'ballast-shadow' }]);
    expect(manager.http_filters).toHaveLength(1);
  });

  test('of workers: as many as trials wait or are at work, and of jobs those that wait', () => {
    const workers = (more: Partial<WorkersOptions>): Manifest[] =>
      objects(
        workerManifests({
          ...{ namespace: 'ml', image: 'ballast:1', storeSecret: 'store', as: 'deployment', autoscale: 'keda' },
          ...{ workers: { least: 0, most: 20 }, idle: 90, cpu: '1', memory: '2Gi', ...more },
          volumes: [{ claim: 'artifacts', path: '/shared' }],
        }),
      );
    const kinds = (manifests: Manifest[]) => manifests.map(({ kind }) => kind);
    const stay = workers({});
    expect(kinds(stay)).toEqual(['TriggerAuthentication', 'Deployment', 'ScaledObject']);
    expect(stay[1].spec.template.spec.containers[0].args).toEqual(['worker']);
    expect(stay[1].spec.replicas).toBe(0);
    const end = workers({ as: 'job' });
    expect(kinds(end)).toEqual(['TriggerAuthentication', 'ScaledJob']);
    expect(end[1].spec.jobTargetRef.template.spec.containers[0].args).toEqual(['worker', '--idle', '90s']);
    const query = ({ spec }: Manifest): string => spec.triggers[0].metadata.query;
    expect(query(stay[2])).toContain(query(end[1]));
    const alone = workers({ as: 'job', autoscale: 'none' });
    expect([kinds(alone), alone[0].spec.parallelism]).toEqual([['Job'], 20]);
    expect(workers({ autoscale: 'none' })[0].spec.replicas).toBe(20);
  });
});
