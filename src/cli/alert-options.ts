import type { Command } from 'commander';
import type { EvaluatorOptions } from '../monitoring/alerts/evaluator.js';
import { collected } from './file-options.js';

export interface AlertOptions {
  alertmanager: string[];
  webhook: string[];
  allowPrivateTargets?: boolean;
}

/** Adds where a server tells alerts. */
export function withAlertOptions(command: Command): Command {
  return command
    .option('--alertmanager <url>', 'tell alerts to this Alertmanager; repeatable', collected, [])
    .option(
      '--webhook <url>',
      'tell alerts to this URL, signed with BALLAST_WEBHOOK_SECRET if set; repeatable',
      collected,
      [],
    )
    .option('--allow-private-targets', 'alerts may go to addresses of this machine and its network');
}

export function alertOptionsOf({ alertmanager, webhook, allowPrivateTargets = false }: AlertOptions): EvaluatorOptions {
  const secret = process.env.BALLAST_WEBHOOK_SECRET;
  return {
    alertmanagers: alertmanager,
    webhooks: webhook,
    allowPrivate: allowPrivateTargets,
    ...(secret === undefined || secret === '' ? {} : { secret }),
  };
}
