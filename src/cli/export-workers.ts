import { type Command, InvalidArgumentError, Option } from 'commander';
import { type WorkersOptions, workerManifests } from '../rollout/export/workers.js';
import { answerText } from './exporters/answer-text.js';
import type { ExportOptions } from './exporters/exporter.js';
import { replicasOf } from './exporters/placement.js';
import { duration, wholeNumber } from './option-values.js';
import { withCommonOptions } from './output.js';

type Volume = WorkersOptions['volumes'][number];

interface WorkersExportOptions extends ExportOptions, Omit<WorkersOptions, 'workers' | 'volumes'> {
  minReplicas: number;
  maxReplicas: number;
  volume?: Volume[];
}

const ARTIFACTS: Volume = { claim: 'ballast-artifacts', path: '/shared' };

/** Needs no store: what the workers do stands in the store that the secret names. */
export function addWorkersExport(command: Command): void {
  withCommonOptions(command.command('workers'))
    .description('Kubernetes: workers of sweeps, as a Deployment or a Job, as many as trials wait for (KEDA)')
    .addOption(
      new Option('--as <kind>', 'workers that stay, or that end once there is nothing to do')
        .choices(['deployment', 'job'])
        .default('deployment'),
    )
    .addOption(
      new Option('--autoscale <kind>', 'what counts workers by the trials that wait')
        .choices(['keda', 'none'])
        .default('keda'),
    )
    .option('--min-replicas <number>', 'workers at least', wholeNumber(0, 10_000), 0)
    .option('--max-replicas <number>', 'workers at most; so many without KEDA', wholeNumber(1, 10_000), 8)
    .option('--idle <time>', 'how long a worker of a job waits for another trial', duration, 60)
    .option('--cpu <quantity>', 'of each: a worker trains one trial at a time', quantity, '1')
    .option('--memory <quantity>', 'of each', quantity, '2Gi')
    .option('--namespace <name>', 'of Kubernetes', 'default')
    .option('--image <name>', 'whose command is ballast', 'ballast:latest')
    .option(
      '--store-secret <name>',
      'the secret with "url" (of the store) and "connection" (for KEDA)',
      'ballast-store',
    )
    .option(
      '--volume <claim:path>',
      `a volume for the artifact folder or the data; repeatable (default: ${ARTIFACTS.claim}:${ARTIFACTS.path})`,
      volumes,
    )
    .option('--out <file>', 'write it there; to the terminal unless told')
    .addHelpText(
      'after',
      `
The secret holds the store's address as "url", with its artifact folder on a volume, and the same address without "?artifacts="
as "connection", by which KEDA counts the trials that wait.

Example:
  ballast export workers --as job --max-replicas 20 --volume artifacts:/shared --volume data:/data --out workers.yaml
`,
    )
    .action(exportWorkers);
}

async function exportWorkers(options: WorkersExportOptions): Promise<void> {
  const { volume = [ARTIFACTS] } = options;
  await answerText(
    'workers',
    null,
    workerManifests({ ...options, workers: replicasOf(options), volumes: volume }),
    options,
  );
}

function quantity(text: string): string {
  if (/^\d+(\.\d+)?(m|[kMGTPE]i?)?$/.test(text) && Number.parseFloat(text) > 0) return text;
  throw new InvalidArgumentError('It is a quantity of Kubernetes such as 500m, 2 or 2Gi.');
}

function volumes(text: string, before: Volume[] | undefined): Volume[] {
  const [, claim, path] = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(\/[^:]*)$/.exec(text) ?? [];
  if (claim === undefined || path === undefined) {
    throw new InvalidArgumentError('It is the name of a claim and where it is mounted, such as artifacts:/shared.');
  }
  return [...(before ?? []), { claim, path }];
}
