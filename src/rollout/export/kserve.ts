import { nameOf, nameOfVersion, type Placement, PORT, percents, shadowsOf, yamlOf } from './manifests.js';

export interface KserveOptions extends Placement {
  readonly image: string;
  readonly storeSecret: string;
  readonly replicas: { readonly least: number; readonly most: number };
  /** Requests under way in a pod at which there should be another. */
  readonly busy: number;
}

/**
 * An InferenceService (serving.kserve.io/v1beta1) whose latest revision is the candidate: KServe gives it `canaryTrafficPercent` of
 * the traffic, and the rest to the revision that was ready before it. A shadow is a service of its own, which is no part of that
 * division: Ballast, Envoy or a Gateway mirrors to it.
 */
export function kserveManifests(options: KserveOptions): string {
  const { model, shares } = options;
  const split = percents(shares);
  const live = shares.find(({ role }) => role === 'live');
  const candidate = shares.find(({ role }) => role === 'candidate');
  const latest = candidate ?? live;
  const weight = split.find(({ version }) => version === candidate?.version)?.weight;
  return yamlOf(
    ...(latest === undefined ? [] : [inferenceService(options, nameOf(model), latest.version, weight)]),
    ...shadowsOf(options).map((version) => inferenceService(options, nameOfVersion(model, version), version)),
  );
}

function inferenceService(
  { model, namespace, image, storeSecret, replicas, busy, rate }: KserveOptions,
  name: string,
  version: number,
  canary?: number,
): object {
  const limit = rate === undefined ? [] : ['--rate', `${rate}`];
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, namespace, labels: { 'ballast.model': nameOf(model), 'ballast.version': `${version}` } },
    spec: {
      predictor: {
        ...(canary === undefined ? {} : { canaryTrafficPercent: canary }),
        minReplicas: replicas.least,
        maxReplicas: replicas.most,
        scaleMetric: 'concurrency',
        scaleTarget: Math.max(1, Math.round(busy)),
        containers: [
          {
            name: 'kserve-container',
            image,
            args: ['serve', '--models', `${model}/${version}`, '--host', '0.0.0.0', '--port', `${PORT}`, ...limit],
            env: [{ name: 'BALLAST_STORE', valueFrom: { secretKeyRef: { name: storeSecret, key: 'url' } } }],
            ports: [{ name: 'http1', containerPort: PORT, protocol: 'TCP' }],
            readinessProbe: { httpGet: { path: '/v2/health/ready', port: PORT }, periodSeconds: 5 },
            resources: { requests: { cpu: '500m', memory: '512Mi' }, limits: { memory: '2Gi' } },
          },
        ],
      },
    },
  };
}
