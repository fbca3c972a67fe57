import { Document } from 'yaml';
import { type Placement, PORT, percents, shadowsOf } from './manifests.js';

export interface EnvoyOptions extends Placement {
  /** Where Ballast answers, `HOST:PORT`. */
  readonly upstream: string;
  /** Where a Ballast that serves the shadow answers. */
  readonly shadowUpstream?: string;
}

/** Where Envoy listens. */
export const SIDECAR_PORT = 8080;

const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const RATE_LIMIT = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/**
 * A static configuration of Envoy (envoy.config.bootstrap.v3): requests of the model go to Ballast with the header
 * `x-ballast-version` by the present weights, copies to the shadow's server, and no more than the rate goes through.
 *
 * The weights are of one cluster: Ballast serves all versions, and Envoy says which.
 */
export function envoyBootstrap(options: EnvoyOptions): string {
  const { model, shares, upstream, shadowUpstream, rate } = options;
  const isMirrored = shadowUpstream !== undefined && shadowsOf(options).length > 0;
  const split = percents(shares);
  const action = {
    ...(split.length === 0
      ? { cluster: 'ballast' }
      : {
          weighted_clusters: {
            clusters: split.map(({ version, weight }) => ({
              name: 'ballast',
              weight,
              request_headers_to_add: [
                {
                  header: { key: 'x-ballast-version', value: `${version}` },
                  // Who names a version keeps it.
                  append_action: 'ADD_IF_ABSENT',
                },
              ],
            })),
          },
        }),
    timeout: '10s',
    ...(isMirrored ? { request_mirror_policies: [{ cluster: 'ballast-shadow' }] } : {}),
  };
  const bootstrap = {
    static_resources: {
      listeners: [
        {
          name: 'inference',
          address: socket('0.0.0.0', SIDECAR_PORT),
          filter_chains: [
            {
              filters: [
                {
                  name: 'envoy.filters.network.http_connection_manager',
                  typed_config: {
                    '@type': MANAGER,
                    stat_prefix: 'inference',
                    route_config: {
                      name: 'models',
                      virtual_hosts: [
                        {
                          name: 'models',
                          domains: ['*'],
                          routes: [
                            { match: { prefix: `/v2/models/${encodeURIComponent(model)}` }, route: action },
                            { match: { prefix: '/' }, route: { cluster: 'ballast' } },
                          ],
                        },
                      ],
                    },
                    http_filters: [
                      ...(rate === undefined ? [] : [rateLimit(rate)]),
                      { name: 'envoy.filters.http.router', typed_config: { '@type': ROUTER } },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
      clusters: [
        cluster('ballast', upstream),
        ...(isMirrored && shadowUpstream !== undefined ? [cluster('ballast-shadow', shadowUpstream)] : []),
      ],
    },
  };
  return new Document(bootstrap, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 });
}

/** A bucket that holds what may come in a second; beyond it Envoy answers 429. */
function rateLimit(rate: number): object {
  const all = { numerator: 100, denominator: 'HUNDRED' };
  const tokens = Math.max(1, Math.round(rate));
  return {
    name: 'envoy.filters.http.local_ratelimit',
    typed_config: {
      '@type': RATE_LIMIT,
      stat_prefix: 'rate',
      token_bucket: { max_tokens: tokens, tokens_per_fill: tokens, fill_interval: '1s' },
      filter_enabled: { default_value: all, runtime_key: 'ballast.rate.enabled' },
      filter_enforced: { default_value: all, runtime_key: 'ballast.rate.enforced' },
    },
  };
}

function cluster(name: string, upstream: string): object {
  const [host = '', port] = upstream.split(':');
  return {
    name,
    type: 'STRICT_DNS',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(host, Number(port ?? PORT)) } }] }],
    },
  };
}

const socket = (address: string, port: number): object => ({ socket_address: { address, port_value: port } });
