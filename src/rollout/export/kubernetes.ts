import { envoyBootstrap, SIDECAR_PORT } from './envoy.js';
import { nameOf, nameOfVersion, type Placement, PORT, percents, shadowsOf, yamlOf } from './manifests.js';

export interface KubernetesOptions extends Placement {
  /** The image that has `ballast` as its command. */
  readonly image: string;
  /** The secret that holds the store's address as `url`. */
  readonly storeSecret: string;
  /** What scales the pods; `none` keeps their number. */
  readonly autoscale: 'hpa' | 'keda' | 'none';
  /** Where KEDA asks for Ballast's series. */
  readonly prometheus: string;
  readonly replicas: { readonly least: number; readonly most: number };
  /** Requests under way in a pod, on average, at which there should be another. */
  readonly busy: number;
  /** What divides the traffic: the Gateway API, Istio, or Ballast itself. */
  readonly route: 'gateway' | 'istio' | 'none';
  /** The Gateway that routes hang on. */
  readonly gateway: string;
  /** Envoy beside each pod, which keeps clients to the rate. */
  readonly sidecar: boolean;
}

/**
 * A Deployment and a Service of each version, what divides traffic between them by the present weights, and what scales them by
 * `ballast_busy_seconds_total`, whose rate is the number of requests under way. Fields are those of apps/v1, v1, autoscaling/v2,
 * keda.sh/v1alpha1, gateway.networking.k8s.io/v1 and networking.istio.io/v1.
 */
export function kubernetesManifests(options: KubernetesOptions): string {
  const { shares, autoscale, route, sidecar } = options;
  const scaler = { hpa, keda, none: undefined }[autoscale];
  const router = { gateway: httpRoute, istio: virtualService, none: undefined }[route];
  return yamlOf(
    ...(sidecar ? [configMap(options)] : []),
    ...shares.flatMap(({ version }) => [
      deployment(options, version),
      service(options, version),
      ...(scaler === undefined ? [] : [scaler(options, version)]),
    ]),
    ...(router === undefined ? [] : [router(options)]),
  );
}

function labelsOf({ model }: Placement, version: number) {
  return { app: nameOf(model), version: `v${version}` };
}

function deployment(options: KubernetesOptions, version: number): object {
  const { model, namespace, image, storeSecret, replicas, sidecar, rate } = options;
  const name = nameOfVersion(model, version);
  const labels = labelsOf(options, version);
  // Where Envoy stands before it, that keeps the rate.
  const limit = rate === undefined || sidecar ? [] : ['--rate', `${rate}`];
  const probe = (path: string) => ({ httpGet: { path, port: 'http' }, periodSeconds: 5 });
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      replicas: replicas.least,
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels,
          annotations: {
            'prometheus.io/scrape': 'true',
            'prometheus.io/port': `${PORT}`,
            'prometheus.io/path': '/metrics',
          },
        },
        spec: {
          // A request under way is answered before the pod ends.
          terminationGracePeriodSeconds: 60,
          containers: [
            {
              name: 'ballast',
              image,
              args: ['serve', '--models', `${model}/${version}`, '--host', '0.0.0.0', '--port', `${PORT}`, ...limit],
              env: [{ name: 'BALLAST_STORE', valueFrom: { secretKeyRef: { name: storeSecret, key: 'url' } } }],
              ports: [{ name: 'http', containerPort: PORT }],
              readinessProbe: probe('/v2/health/ready'),
              livenessProbe: { ...probe('/v2/health/live'), failureThreshold: 6 },
              startupProbe: { ...probe('/v2/health/ready'), failureThreshold: 60 },
              resources: { requests: { cpu: '500m', memory: '512Mi' }, limits: { memory: '2Gi' } },
              securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true },
            },
            ...(sidecar ? [envoyContainer()] : []),
          ],
          ...(sidecar ? { volumes: [{ name: 'envoy', configMap: { name: `${nameOf(model)}-envoy` } }] } : {}),
        },
      },
    },
  };
}

function envoyContainer(): object {
  return {
    name: 'envoy',
    image: 'envoyproxy/envoy:distroless-v1.34-latest',
    args: ['--config-path', '/etc/envoy/envoy.yaml'],
    ports: [{ name: 'proxy', containerPort: SIDECAR_PORT }],
    volumeMounts: [{ name: 'envoy', mountPath: '/etc/envoy', readOnly: true }],
    securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true },
  };
}

/** The sidecar only keeps the rate: which version answers is settled before. */
function configMap({ model, namespace, rate }: KubernetesOptions): object {
  const own = { model, namespace, shares: [], ...(rate === undefined ? {} : { rate }) };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `${nameOf(model)}-envoy`, namespace },
    data: { 'envoy.yaml': envoyBootstrap({ ...own, upstream: `127.0.0.1:${PORT}` }) },
  };
}

function service(options: KubernetesOptions, version: number): object {
  const { model, namespace, sidecar } = options;
  const labels = labelsOf(options, version);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: nameOfVersion(model, version), namespace, labels },
    spec: { selector: labels, ports: [{ name: 'http', port: PORT, targetPort: sidecar ? 'proxy' : 'http' }] },
  };
}

function hpa({ model, namespace, replicas, busy }: KubernetesOptions, version: number): object {
  const name = nameOfVersion(model, version);
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: replicas.least,
      maxReplicas: replicas.most,
      metrics: [
        {
          type: 'External',
          external: {
            // By an adapter (prometheus-adapter): rate(ballast_busy_seconds_total[1m]).
            metric: {
              name: 'ballast_busy_seconds_per_second',
              selector: { matchLabels: { model, version: `${version}` } },
            },
            target: { type: 'AverageValue', averageValue: quantity(busy) },
          },
        },
      ],
      // Evidence of a step is not mixed with pods that just started.
      behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
    },
  };
}

/** As Kubernetes writes it: in thousandths. */
const quantity = (value: number): string =>
  Number.isInteger(value) ? `${value}` : `${Math.max(1, Math.round(1000 * value))}m`;

function keda({ model, namespace, replicas, busy, prometheus }: KubernetesOptions, version: number): object {
  const name = nameOfVersion(model, version);
  // All servers over one store show the same: the largest of each, then the sum.
  const busyNow = `sum(max by (model, version, role) (rate(ballast_busy_seconds_total{model="${model}", version="${version}"}[1m])))`;
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { name },
      minReplicaCount: replicas.least,
      maxReplicaCount: replicas.most,
      cooldownPeriod: 300,
      triggers: [
        {
          type: 'prometheus',
          metricType: 'AverageValue',
          metadata: { serverAddress: prometheus, query: busyNow, threshold: `${busy}` },
        },
      ],
    },
  };
}

function httpRoute(options: KubernetesOptions): object {
  const { model, namespace, shares, gateway } = options;
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: nameOf(model), namespace },
    spec: {
      parentRefs: [{ name: gateway }],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: `/v2/models/${encodeURIComponent(model)}` } }],
          filters: shadowsOf(options).map((version) => ({
            type: 'RequestMirror',
            requestMirror: { backendRef: { name: nameOfVersion(model, version), port: PORT } },
          })),
          backendRefs: percents(shares).map(({ version, weight }) => ({
            ...{ name: nameOfVersion(model, version), port: PORT, weight },
          })),
        },
      ],
    },
  };
}

function virtualService(options: KubernetesOptions): object {
  const { model, namespace, shares, gateway } = options;
  const host = (version: number): string => `${nameOfVersion(model, version)}.${namespace}.svc.cluster.local`;
  const mirrors = shadowsOf(options).map((version) => ({
    ...{ destination: { host: host(version), port: { number: PORT } }, percentage: { value: 100 } },
  }));
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: nameOf(model), namespace },
    spec: {
      hosts: ['*'],
      gateways: [gateway],
      http: [
        {
          match: [{ uri: { prefix: `/v2/models/${encodeURIComponent(model)}` } }],
          route: percents(shares).map(({ version, weight }) => ({
            ...{ destination: { host: host(version), port: { number: PORT } }, weight },
          })),
          ...(mirrors.length === 0 ? {} : { mirrors }),
        },
      ],
    },
  };
}
