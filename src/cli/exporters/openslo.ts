import { modelSlos, watchedModel } from '../../monitoring/slo/model-slos.js';
import { toOpenSlo } from '../../monitoring/slo/openslo.js';
import { requireSlos } from '../known-slos.js';
import type { Exporter } from './exporter.js';

export const openslo: Exporter = {
  summary: 'OpenSLO v1: the objectives of a model, with queries over /metrics',
  example: 'ballast export openslo fraud --out fraud-slo.yaml',
  argument: '<model>',
  async render(store, model = '') {
    const watched = await watchedModel(store, model);
    const slos = requireSlos(model, await modelSlos(store, watched));
    return toOpenSlo(
      model,
      slos.map(({ slo }) => slo),
      watched.registered?.description,
    );
  },
};
