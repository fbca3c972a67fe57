import { milliseconds } from '../../spec/duration-text.js';
import type { RolloutOptions } from '../../spec/rollout-options.js';
import { nameOf, yamlOf } from './manifests.js';

export interface ArgoOptions {
  readonly model: string;
  /** Where Argo reaches this Ballast. */
  readonly server: string;
  readonly namespace: string;
  /** The Deployment whose pods serve the model. */
  readonly workload: string;
}

/**
 * Manifests for Argo Rollouts: an AnalysisTemplate whose web metric asks Ballast, and a Rollout whose canary steps are those of the
 * spec. Argo moves the traffic, the evidence is Ballast's. The fields are those of argoproj.io/v1alpha1 (manifests/crds of
 * argoproj/argo-rollouts).
 */
export function argoManifests(options: RolloutOptions, { model, server, namespace, workload }: ArgoOptions): string {
  const name = nameOf(model);
  const split = options.steps.filter(({ weight }) => weight > 0 && weight < 1);
  const template = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name, namespace },
    spec: {
      metrics: [
        {
          name: 'ballast',
          interval: durationOf(options.every),
          failureLimit: 0,
          // While nothing is proven against the candidate it may go on; unreachable is an error, not a failure.
          successCondition: 'result == true',
          consecutiveErrorLimit: 4,
          provider: {
            web: {
              url: `${server}/api/v1/analysis/${encodeURIComponent(model)}`,
              timeoutSeconds: 10,
              jsonPath: '{$.data.ok}',
            },
          },
        },
      ],
    },
  };
  const rollout = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: workload, namespace },
    spec: {
      workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: workload },
      strategy: {
        canary: {
          analysis: { templates: [{ templateName: name }] },
          steps: split.flatMap(({ weight, watch }) => [
            { setWeight: Math.round(100 * weight) },
            { pause: { duration: durationOf(watch) } },
          ]),
        },
      },
    },
  };
  return yamlOf(template, rollout);
}

/** Argo knows s, m and h only. */
function durationOf(text: string): string {
  const ms = milliseconds(text);
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : ms % 60_000 === 0 ? `${ms / 60_000}m` : `${ms / 1000}s`;
}
