import type { Command } from 'commander';
import { BallastError } from '../../errors.js';
import type { Placement } from '../../rollout/export/manifests.js';
import { liveVersion, noBaseline } from '../../rollout/subjects.js';
import type { Store } from '../../store/types.js';
import { positive, wholeNumber } from '../option-values.js';
import type { ExportOptions } from './exporter.js';

/** Options that manifests of a model that is served share. */
export interface PlacementOptions extends ExportOptions {
  namespace: string;
  rate?: number;
}

export interface PodOptions extends PlacementOptions {
  image: string;
  storeSecret: string;
  minReplicas: number;
  maxReplicas: number;
  busy: number;
}

export function withPlacement(command: Command): Command {
  return command.option('--rate <number>', 'requests a second that go through, at most', positive);
}

export function withPods(command: Command): Command {
  return withPlacement(command)
    .option('--namespace <name>', 'of Kubernetes', 'default')
    .option('--image <name>', 'whose command is ballast', 'ballast:latest')
    .option('--store-secret <name>', 'the secret that holds the address of the store as "url"', 'ballast-store')
    .option('--min-replicas <number>', 'pods of a version at least', wholeNumber(1, 10_000), 1)
    .option('--max-replicas <number>', 'pods of a version at most', wholeNumber(1, 10_000), 10)
    .option('--busy <number>', 'requests under way in a pod at which there should be another', positive, 2);
}

/** How a model's traffic is divided now, or all of it for the version in production. @throws BallastError `ROLLOUT_NO_BASELINE` */
export async function placementOf(
  store: Store,
  model: string,
  { namespace, rate }: { readonly namespace: string; readonly rate?: number },
): Promise<Placement> {
  const shares = (await store.getTraffic(model))?.shares ?? [];
  const live = shares.length > 0 ? undefined : await liveVersion(store, model);
  if (shares.length === 0 && live === undefined) throw noBaseline(model);
  return {
    ...{ model, namespace, ...(rate === undefined ? {} : { rate }) },
    shares: live === undefined ? shares : [{ version: live, role: 'live', weight: 1 }],
  };
}

export function replicasOf({ minReplicas, maxReplicas }: Pick<PodOptions, 'minReplicas' | 'maxReplicas'>): {
  least: number;
  most: number;
} {
  if (minReplicas <= maxReplicas) return { least: minReplicas, most: maxReplicas };
  throw new BallastError('There cannot be fewer pods at most than at least', {
    code: 'USAGE',
    place: '--max-replicas',
    value: maxReplicas,
  });
}
