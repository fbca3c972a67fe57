import { type Command, Option } from 'commander';
import { type KubernetesOptions, kubernetesManifests } from '../../rollout/export/kubernetes.js';
import type { Exporter } from './exporter.js';
import { type PodOptions, placementOf, replicasOf, withPods } from './placement.js';

interface KubernetesExportOptions
  extends PodOptions,
    Pick<KubernetesOptions, 'autoscale' | 'route' | 'gateway' | 'prometheus'> {
  sidecar?: boolean;
}

export const kubernetes: Exporter<KubernetesExportOptions> = {
  summary: 'Kubernetes: versions that are served, the split of their traffic, what scales them by Ballast’s metrics',
  example: 'ballast export kubernetes fraud --autoscale keda --route gateway --rate 200 --sidecar --out fraud.yaml',
  argument: '<model>',
  options(command: Command) {
    withPods(command)
      .addOption(
        new Option('--autoscale <kind>', 'what changes the number of pods')
          .choices(['hpa', 'keda', 'none'])
          .default('hpa'),
      )
      .option('--prometheus <url>', 'where KEDA asks for Ballast’s series', 'http://prometheus:9090')
      .addOption(
        new Option('--route <kind>', 'what divides and mirrors traffic; none leaves it to Ballast')
          .choices(['gateway', 'istio', 'none'])
          .default('gateway'),
      )
      .option('--gateway <name>', 'the Gateway that the route hangs on', 'inference')
      .option('--sidecar', 'Envoy beside each pod, which keeps to --rate');
  },
  async render(store, model = '', options) {
    const { image, storeSecret, autoscale, prometheus, route, gateway, sidecar = false, busy } = options;
    return kubernetesManifests({
      ...(await placementOf(store, model, options)),
      ...{ image, storeSecret, autoscale, prometheus, route, gateway, sidecar, busy, replicas: replicasOf(options) },
    });
  },
};
