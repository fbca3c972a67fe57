import { prometheusRules } from '../../monitoring/export/prometheus-rules.js';
import { modelSlos, watchedModel } from '../../monitoring/slo/model-slos.js';
import { requireSlos } from '../known-slos.js';
import type { Exporter } from './exporter.js';

export const prometheus: Exporter = {
  summary: 'Prometheus alerting rules of a model’s objectives, over the series of /metrics',
  example: 'ballast export prometheus fraud --out fraud-rules.yaml',
  argument: '<model>',
  async render(store, model = '') {
    const slos = requireSlos(model, await modelSlos(store, await watchedModel(store, model)));
    return prometheusRules(
      model,
      slos.map(({ slo }) => slo),
    );
  },
};
