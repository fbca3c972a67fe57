import type { Command } from 'commander';
import { argoManifests } from '../../rollout/export/argo.js';
import { rolloutOptions } from '../../spec/rollout-options.js';
import { findVersion } from '../../store/index.js';
import type { Exporter, ExportOptions } from './exporter.js';

interface ArgoExportOptions extends ExportOptions {
  server: string;
  namespace: string;
  workload?: string;
}

export const argo: Exporter<ArgoExportOptions> = {
  summary: 'Argo Rollouts: the steps of a model’s rollout, judged by this server',
  example: 'ballast export argo fraud --server http://ballast:4780 --out fraud-rollout.yaml',
  argument: '<model>',
  options(command: Command) {
    command
      .option('--server <url>', 'where Argo reaches this server', 'http://ballast:4780')
      .option('--namespace <name>', 'of Kubernetes', 'default')
      .option('--workload <name>', 'the Deployment that serves the model; named as the model unless told');
  },
  async render(store, model = '', { server, namespace, workload = model }) {
    const version = await findVersion(store, `models:/${model}/latest`);
    const spec = version.runId === undefined ? {} : ((await store.getRun(version.runId)).spec as { rollout?: unknown });
    return argoManifests(rolloutOptions.parse(spec.rollout ?? {}), { model, server, namespace, workload });
  },
};
