import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { BallastError } from '../errors.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { gatherIncident, type Incident, incidentChecklist, postmortemQuestions } from '../monitoring/index.js';
import { watchedModels } from '../monitoring/slo/watched.js';
import { checklistText, postmortemMarkdown } from '../reports/incident-text.js';
import type { AlertState, Store } from '../store/index.js';
import { alertOf } from './known-alert.js';
import { duration } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

interface IncidentOptions extends CommonOptions {
  /** Seconds. */
  since: number;
  out?: string;
}

const DAY_SECONDS = 24 * 3600;

/** `alerts incident` and `alerts postmortem`. */
export function addIncidentCommands(alerts: Command): void {
  const since = () =>
    new Option('--since <time>', 'of a model: when it began, so long ago')
      .argParser(duration)
      .default(DAY_SECONDS, '1d');
  withCommonOptions(alerts.command('incident <alert>'))
    .description(
      'the checklist of an incident, answered from the record; an alert’s fingerprint, or a model; exit 1 while something is open',
    )
    .addOption(since())
    .addHelpText(
      'after',
      '\nExamples:\n  ballast alerts incident 4f0c2a9b\n  ballast alerts incident fraud --since 6h\n',
    )
    .action(incident);
  withCommonOptions(alerts.command('postmortem <alert>'))
    .description(
      'what happened, in Markdown: impact, time line, causes, as far as the record knows; an alert’s fingerprint, or a model',
    )
    .addOption(since())
    .option('--out <file>', 'write it there; to the terminal unless told')
    .addHelpText('after', '\nExample:\n  ballast alerts postmortem 4f0c2a9b --out postmortem.md\n')
    .action(postmortem);
}

async function incident(subject: string, options: IncidentOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const found = await incidentOf(store, subject, options);
    const checklist = incidentChecklist(found);
    if (checklist.some(({ done }) => done === false)) answerIsNo();
    answer(options, { ...found, checklist }, checklistText(found, checklist));
  });
}

async function postmortem(subject: string, options: IncidentOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const found = await incidentOf(store, subject, options);
    const questions = postmortemQuestions(found);
    const text = postmortemMarkdown(found, questions);
    const { out } = options;
    if (out !== undefined) await writeFileAtomically(resolve(out), [Buffer.from(text)]);
    answer(
      options,
      { ...found, questions, markdown: text, ...(out && { file: out }) },
      out === undefined ? text : `Wrote ${out}`,
    );
  });
}

/** Of an alert: from its begin to its end, of its version. Of a model: since then. */
async function incidentOf(store: Store, subject: string, { since }: IncidentOptions): Promise<Incident> {
  const now = Date.now();
  const models = await watchedModels(store);
  if (models.includes(subject)) return gatherIncident(store, subject, { from: now - 1000 * since, to: now });
  const alert = await alertOf(store, subject);
  if (alert === undefined) {
    throw new BallastError('there is no such alert, and no such model', {
      code: 'ALERT_NOT_FOUND',
      kind: 'not-found',
      value: subject,
      remedy: `ballast alerts list --all shows alerts; models are ${models.slice(0, 20).join(', ') || 'none'}`,
    });
  }
  return gatherIncident(store, alert.model, { ...rangeOf(alert, now), version: versionOf(alert) });
}

const rangeOf = ({ startedAt, resolvedAt }: AlertState, now: number) => ({
  from: startedAt.getTime(),
  to: resolvedAt?.getTime() ?? now,
});

const versionOf = ({ labels }: AlertState): string | undefined =>
  labels.version === 'unknown' ? undefined : labels.version;
