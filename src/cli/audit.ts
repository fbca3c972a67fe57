import { Command } from 'commander';
import type { StoredAuditEvent } from '../store/index.js';
import { wholeNumber } from './option-values.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

interface AuditOptions extends CommonOptions {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly before?: number;
  readonly limit: number;
}

export function auditCommand(): Command {
  return withCommonOptions(new Command('audit'))
    .option('--actor <name>', 'what one user did')
    .option('--action <name>', 'one kind of deed: model.alias, access.grant, run.delete, ...')
    .option('--subject <reference>', 'what was done to one thing, as the list names it: models:/fraud, users/ann, ...')
    .option('--before <id>', 'what came before an event', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--limit <count>', 'events, the newest first', wholeNumber(1, 1000), 100)
    .addHelpText('after', '\nExample:\n  ballast audit --subject models:/fraud\n  ballast audit --actor ann --json\n')
    .action(show);
}

async function show({ store: url, json, ...filter }: AuditOptions): Promise<void> {
  await withStore(url, { create: false }, async (store) => {
    const events = await store.auditLog(filter);
    answer({ json }, { events }, events.map(line).join('\n') || 'Nothing of that kind was done here.');
  });
}

function line({ id, at, actor, action, subject, details }: StoredAuditEvent): string {
  const more = details === null ? '' : `  ${JSON.stringify(details)}`;
  return `${id}  ${at.toISOString().slice(0, 19)}Z  ${actor}  ${action}  ${subject}${more}`;
}
