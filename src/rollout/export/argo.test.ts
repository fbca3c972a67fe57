import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { rolloutOptions } from '../../spec/rollout-options.js';
import { argoManifests } from './argo.js';

/** The fields that are used, as manifests/crds/{rollout,analysis-template}-crd.yaml of argoproj/argo-rollouts define them. */
const metadata = z.strictObject({ name: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/), namespace: z.string() });
const template = z.strictObject({
  apiVersion: z.literal('argoproj.io/v1alpha1'),
  kind: z.literal('AnalysisTemplate'),
  metadata,
  spec: z.strictObject({
    metrics: z.array(
      z.strictObject({
        name: z.string(),
        interval: z.string().regex(/^\d+[smh]$/),
        failureLimit: z.int(),
        successCondition: z.string(),
        consecutiveErrorLimit: z.int(),
        provider: z.strictObject({
          web: z.strictObject({ url: z.url(), timeoutSeconds: z.int(), jsonPath: z.string() }),
        }),
      }),
    ),
  }),
});
const rollout = z.strictObject({
  apiVersion: z.literal('argoproj.io/v1alpha1'),
  kind: z.literal('Rollout'),
  metadata,
  spec: z.strictObject({
    workloadRef: z.strictObject({ apiVersion: z.string(), kind: z.string(), name: z.string() }),
    strategy: z.strictObject({
      canary: z.strictObject({
        analysis: z.strictObject({ templates: z.array(z.strictObject({ templateName: z.string() })) }),
        steps: z.array(
          z.union([
            z.strictObject({ setWeight: z.int().min(0).max(100) }),
            z.strictObject({ pause: z.strictObject({ duration: z.string().regex(/^\d+[smh]$/) }) }),
          ]),
        ),
      }),
    }),
  }),
});

test('manifests for Argo Rollouts have the fields that its definitions know', () => {
  const place = { model: 'Fraud score', server: 'http://ballast:4780', namespace: 'ml', workload: 'fraud' };
  const [first, second] = parseAllDocuments(argoManifests(rolloutOptions.parse({}), place)).map((each) => each.toJS());
  const { spec } = template.parse(first);
  expect(spec.metrics[0].provider.web).toMatchObject({
    url: 'http://ballast:4780/api/v1/analysis/Fraud%20score',
    jsonPath: '{$.data.ok}',
  });
  expect(rollout.parse(second).spec.strategy.canary.steps).toEqual([
    { setWeight: 5 },
    { pause: { duration: '1h' } },
    { setWeight: 50 },
    { pause: { duration: '1h' } },
  ]);
});
