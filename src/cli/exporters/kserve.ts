import { kserveManifests } from '../../rollout/export/kserve.js';
import type { Exporter } from './exporter.js';
import { type PodOptions, placementOf, replicasOf, withPods } from './placement.js';

export const kserve: Exporter<PodOptions> = {
  summary: 'KServe: the candidate as the canary of an InferenceService, a shadow beside it',
  example: 'ballast export kserve fraud --image registry/ballast:1 --out fraud.yaml',
  argument: '<model>',
  options(command) {
    withPods(command);
  },
  async render(store, model = '', options) {
    const { image, storeSecret, busy } = options;
    return kserveManifests({
      ...(await placementOf(store, model, options)),
      ...{ image, storeSecret, busy, replicas: replicasOf(options) },
    });
  },
};
