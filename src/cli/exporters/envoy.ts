import { BallastError } from '../../errors.js';
import { envoyBootstrap } from '../../rollout/export/envoy.js';
import type { Exporter } from './exporter.js';
import { type PlacementOptions, placementOf, withPlacement } from './placement.js';

interface EnvoyExportOptions extends PlacementOptions {
  upstream: string;
  shadowUpstream?: string;
}

const ADDRESS = /^[\w.-]+:\d{1,5}$/;

export const envoy: Exporter<EnvoyExportOptions> = {
  summary: 'Envoy: traffic split by the present weights, copies for the shadow, a limit of the rate',
  example: 'ballast export envoy fraud --upstream ballast:4780 --rate 200 --out envoy.yaml',
  argument: '<model>',
  options(command) {
    withPlacement(command)
      .option('--upstream <host:port>', 'where Ballast answers', 'ballast:4780')
      .option('--shadow-upstream <host:port>', 'where a Ballast that serves the shadow answers');
  },
  async render(store, model = '', { upstream, shadowUpstream, ...options }) {
    for (const address of [upstream, shadowUpstream ?? upstream]) {
      if (ADDRESS.test(address)) continue;
      throw new BallastError('It is a host and a port', {
        code: 'USAGE',
        value: address,
        remedy: 'Such as ballast:4780',
      });
    }
    const placement = await placementOf(store, model, { ...options, namespace: 'default' });
    return envoyBootstrap({ ...placement, upstream, ...(shadowUpstream === undefined ? {} : { shadowUpstream }) });
  },
};
