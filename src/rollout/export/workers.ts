import { UNFINISHED_TRIALS, WAITING_TRIALS } from '../../tuning/sweep/trial-queue.js';
import { yamlOf } from './manifests.js';

export interface WorkersOptions {
  readonly namespace: string;
  /** The image that has `ballast` as its command. */
  readonly image: string;
  /** The secret that holds the store's address as `url` and, for KEDA, the database's own as `connection`. */
  readonly storeSecret: string;
  /** `deployment`: workers that stay. `job`: workers that end once nothing was to be done for `idle`. */
  readonly as: 'deployment' | 'job';
  /** What counts workers by the trials that wait; `none` keeps their number. */
  readonly autoscale: 'keda' | 'none';
  readonly workers: { readonly least: number; readonly most: number };
  /** How long a worker of a job waits for trials, in seconds. */
  readonly idle: number;
  /** What a worker asks of a node, and its limit of memory: quantities of Kubernetes. */
  readonly cpu: string;
  readonly memory: string;
  /** Claims of volumes and where they are mounted: the artifact folder, the data. */
  readonly volumes: readonly { readonly claim: string; readonly path: string }[];
}

const NAME = 'ballast-worker';
const LABELS = { app: NAME };

/**
 * Workers of sweeps as objects of Kubernetes: a Deployment or a Job, and what starts as many as there is work for, asked of the
 * queue's own tables. Fields are those of apps/v1, batch/v1 and keda.sh/v1alpha1.
 */
export function workerManifests(options: WorkersOptions): string {
  const { as, autoscale } = options;
  if (autoscale === 'none') return yamlOf(as === 'job' ? job(options) : deployment(options));
  return yamlOf(
    triggerAuthentication(options),
    ...(as === 'job' ? [scaledJob(options)] : [deployment(options), scaledObject(options)]),
  );
}

function metadata({ namespace }: WorkersOptions) {
  return { name: NAME, namespace, labels: LABELS };
}

function podTemplate({ image, storeSecret, as, idle, cpu, memory, volumes }: WorkersOptions): object {
  return {
    metadata: { labels: LABELS },
    spec: {
      // A worker that is told to stop gives its trial back with a checkpoint.
      terminationGracePeriodSeconds: 60,
      ...(as === 'job' ? { restartPolicy: 'OnFailure' } : {}),
      containers: [
        {
          name: 'worker',
          image,
          args: ['worker', ...(as === 'job' ? ['--idle', `${idle}s`] : [])],
          env: [{ name: 'BALLAST_STORE', valueFrom: { secretKeyRef: { name: storeSecret, key: 'url' } } }],
          resources: { requests: { cpu, memory }, limits: { memory } },
          securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true },
          volumeMounts: volumes.map(({ path }, i) => ({ name: `volume-${i}`, mountPath: path })),
        },
      ],
      volumes: volumes.map(({ claim }, i) => ({
        ...{ name: `volume-${i}`, persistentVolumeClaim: { claimName: claim } },
      })),
    },
  };
}

function deployment(options: WorkersOptions): object {
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: metadata(options) },
    spec: {
      // KEDA sets the number itself, and none at first.
      replicas: options.autoscale === 'keda' ? options.workers.least : options.workers.most,
      selector: { matchLabels: LABELS },
      template: podTemplate(options),
    },
  };
}

function job(options: WorkersOptions): object {
  return {
    ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: metadata(options) },
    spec: {
      // Without a number of completions the first worker that finds nothing to do means that no other is started.
      parallelism: options.workers.most,
      backoffLimit: 20,
      ttlSecondsAfterFinished: 3600,
      template: podTemplate(options),
    },
  };
}

function triggerAuthentication(options: WorkersOptions): object {
  return {
    ...{ apiVersion: 'keda.sh/v1alpha1', kind: 'TriggerAuthentication', metadata: metadata(options) },
    spec: { secretTargetRef: [{ parameter: 'connection', name: options.storeSecret, key: 'connection' }] },
  };
}

/** One worker for each of what a query counts. */
function trigger(query: string): object {
  return {
    type: 'postgresql',
    metadata: { query, targetQueryValue: '1' },
    authenticationRef: { name: NAME },
  };
}

/** Counts trials at work as well: a worker in the middle of one is not taken away because nothing waits. */
function scaledObject(options: WorkersOptions): object {
  return {
    ...{ apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', metadata: metadata(options) },
    spec: {
      scaleTargetRef: { name: NAME },
      minReplicaCount: options.workers.least,
      maxReplicaCount: options.workers.most,
      cooldownPeriod: 300,
      triggers: [trigger(UNFINISHED_TRIALS)],
    },
  };
}

/** A trial that is taken no longer waits, which is what `accurate` means. */
function scaledJob(options: WorkersOptions): object {
  return {
    ...{ apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledJob', metadata: metadata(options) },
    spec: {
      jobTargetRef: { parallelism: 1, completions: 1, backoffLimit: 20, template: podTemplate(options) },
      pollingInterval: 15,
      minReplicaCount: options.workers.least,
      maxReplicaCount: options.workers.most,
      scalingStrategy: { strategy: 'accurate' },
      triggers: [trigger(WAITING_TRIALS)],
    },
  };
}
