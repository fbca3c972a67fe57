import { Command } from 'commander';
import { addBundleExport } from './export-bundle.js';
import { addWorkersExport } from './export-workers.js';
import { answerText } from './exporters/answer-text.js';
import { argo } from './exporters/argo.js';
import { envoy } from './exporters/envoy.js';
import type { Exporter, ExportOptions } from './exporters/exporter.js';
import { grafana } from './exporters/grafana.js';
import { kserve } from './exporters/kserve.js';
import { kubernetes } from './exporters/kubernetes.js';
import { openslo } from './exporters/openslo.js';
import { prometheus } from './exporters/prometheus.js';
import { withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

/** What can be exported: a file each. */
const EXPORTERS: Readonly<Record<string, Exporter>> = {
  argo,
  envoy,
  grafana,
  kserve,
  kubernetes,
  openslo,
  prometheus,
};

export function exportCommand(): Command {
  const command = new Command('export').addHelpText(
    'after',
    `\nExample:\n${Object.values(EXPORTERS)
      .map(({ example }) => `  ${example}\n`)
      .join('')}`,
  );
  for (const [name, exporter] of Object.entries(EXPORTERS)) {
    const inner = withCommonOptions(command.command(`${name} ${exporter.argument}`))
      .description(exporter.summary)
      .option('--out <file>', 'write it there; to the terminal unless told')
      .addHelpText('after', `\nExample:\n  ${exporter.example}\n`)
      .action((model: string | undefined, options: ExportOptions) => write(name, exporter, model, options));
    exporter.options?.(inner);
  }
  addBundleExport(command);
  addWorkersExport(command);
  return command;
}

async function write(
  what: string,
  exporter: Exporter,
  model: string | undefined,
  options: ExportOptions,
): Promise<void> {
  const text = await withStore(options.store, { create: false }, (store) => exporter.render(store, model, options));
  await answerText(what, model ?? null, text, options);
}
