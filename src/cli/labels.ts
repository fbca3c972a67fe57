import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { formatNumber } from '../charts/index.js';
import { readTable } from '../data/read/read.js';
import { BallastError } from '../errors.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { type MissingLabels, missingLabels } from '../monitoring/labels/missing.js';
import { labelsOfTable } from '../monitoring/labels/read-labels.js';
import { type DrawnLabels, drawLabels, SAMPLE_METHODS, type SampleMethod } from '../monitoring/labels/sample.js';
import { styles, terminalOptions } from '../reports/terminal-style.js';
import { terminalTable } from '../reports/terminal-table.js';
import { confidenceOf, type IngestedLabels } from '../store/index.js';
import { duration, wholeNumber } from './option-values.js';
import { answer, type CommonOptions, note, withCommonOptions } from './output.js';
import { timeText } from './time-text.js';
import { withStore } from './use-store.js';

const existing = { create: false } as const;

export function labelsCommand(): Command {
  const command = new Command('labels').addHelpText(
    'after',
    '\nExamples:\n  ballast labels ingest truth.csv\n  ballast labels missing credit\n  ballast labels sample credit --count 200 --out to-label.csv\n',
  );
  withCommonOptions(command.command('ingest <file>'))
    .description('the truth about predictions, joined by their id whenever it comes; later labels replace earlier ones')
    .option('--id <column>', 'column of the prediction’s id', 'id')
    .option('--label <column>', 'column of the truth; rows without one are left out', 'label')
    .option('--time <column>', 'column that says when the truth was known; without it, now')
    .option('--source <text>', 'where the truth comes from; the file’s name unless given')
    .addHelpText(
      'after',
      '\nExample:\n  ballast labels ingest chargebacks.csv --id transaction --label fraud --time settled\n',
    )
    .action(ingest);
  withCommonOptions(command.command('missing <model>'))
    .description('how much truth is missing, by age and slice, beside what users report')
    .option('--since <time>', 'only predictions of the last 90m, 24h, 7d', duration)
    .addHelpText('after', '\nExample:\n  ballast labels missing credit --since 30d\n')
    .action(missing);
  withCommonOptions(command.command('sample <model>'))
    .description(
      'predictions that are worth a label, each with its weight; kept, so that estimates from them stay unbiased',
    )
    .option('--count <number>', 'how many', wholeNumber(1, 50_000), 100)
    .addOption(new Option('--by <method>', 'what is drawn more often').choices(SAMPLE_METHODS).default('mix'))
    .option('--since <time>', 'only predictions of the last 90m, 24h, 7d', duration)
    .option('--of <version>', 'only predictions of this version')
    .option('--out <file.csv>', 'write them here, with a column to fill in; stdout unless given')
    .option('--seed <number>', 'of the draw', wholeNumber(0, 2 ** 31), 1)
    .addHelpText(
      'after',
      '\nExample:\n  ballast labels sample credit --count 200 --by uncertainty --out to-label.csv\n',
    )
    .action(sample);
  withCommonOptions(command.command('report <id>'))
    .description('a user says that an answer was wrong')
    .option('--note <text>', 'what they say', '')
    .option('--by <who>', 'who says it', '')
    .addHelpText('after', '\nExample:\n  ballast labels report 5f0c/0 --note "declined although paid"\n')
    .action(report);
  return command;
}

interface IngestOptions extends CommonOptions {
  id: string;
  label: string;
  time?: string;
  source?: string;
}

async function ingest(file: string, options: IngestOptions): Promise<void> {
  const table = await readTable(file, { baseDirectory: process.cwd() });
  const labels = labelsOfTable(table, file, {
    ...{ id: options.id, label: options.label, source: options.source ?? file, now: Date.now() },
    ...(options.time === undefined ? {} : { time: options.time }),
  });
  await withStore(options.store, existing, async (store) => {
    const done = await store.ingestLabels(labels);
    answer(options, { labels: labels.length, ...done }, ingestedText(labels.length, done));
  });
}

function ingestedText(count: number, done: IngestedLabels): string {
  const told = (ids: readonly string[]): string => `${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', ...' : ''}`;
  return [
    `${count} labels: ${done.joined} joined, ${done.corrected} corrected, ${done.duplicates} known already, ${done.older} older than what is known`,
    ...(done.unknown.length === 0
      ? []
      : [
          `${done.unknown.length} of predictions that are not known (yet): kept, and joined when they come. ${told(done.unknown)}`,
        ]),
    ...(done.ambiguous.length === 0
      ? []
      : [`${done.ambiguous.length} not joined: several predictions have the id. ${told(done.ambiguous)}`]),
  ].join('\n');
}

async function missing(model: string, options: CommonOptions & { since?: number }): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    requireObserved(await store.observedModels(), model);
    const now = Date.now();
    const found = await missingLabels(store, model, {
      now,
      ...(options.since === undefined ? {} : { from: now - options.since * 1000 }),
    });
    answer(options, found, missingText(found));
  });
}

function missingText({ answered, labelled, share, ages, slices, delayMs, reports, samples }: MissingLabels): string {
  const style = styles(terminalOptions());
  const row = (name: string, each: Pick<MissingLabels, 'answered' | 'labelled' | 'share'>): string[] => [
    name,
    formatNumber(each.answered, 'integer'),
    formatNumber(each.labelled, 'integer'),
    each.share === null ? '' : formatNumber(each.share, 'percent'),
  ];
  const table = terminalTable(
    [
      { label: 'predictions' },
      { label: 'answered', align: 'right' },
      { label: 'labelled', align: 'right' },
      { label: 'share', align: 'right' },
    ],
    [
      row('all', { answered, labelled, share }),
      ...ages.map((each) => row(each.age, each)),
      ...slices.slice(0, 15).map((each) => row(each.slice, each)),
    ],
    style.dim,
    terminalOptions().width,
  );
  return [
    table,
    delayMs === null
      ? 'No label has come yet.'
      : `A label is known after ${timeText(delayMs.median / 1000)} in the median, 9 of 10 within ${timeText(delayMs.p90 / 1000)}.`,
    ...(reports.count === 0
      ? []
      : [
          `Users reported ${reports.count} answers as wrong: ${reports.confirmed} were, ${reports.refuted} were not, by their labels.`,
        ]),
    ...samples.slice(0, 5).map(({ sample: number, method, drawn, labelled: done, population, accuracy }) => {
      const told =
        accuracy === null
          ? ''
          : `; accuracy of all ${formatNumber(accuracy.value, 'percent')} (${accuracy.interval.map((bound) => formatNumber(bound, 'percent')).join(' to ')})`;
      return `Sample ${number} (${method}): ${done} of ${drawn} labelled, drawn from ${population}${told}`;
    }),
  ].join('\n');
}

interface SampleOptions extends CommonOptions {
  count: number;
  by: SampleMethod;
  since?: number;
  of?: string;
  out?: string;
  seed: number;
}

async function sample(model: string, options: SampleOptions): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    requireObserved(await store.observedModels(), model);
    const drawn = await drawLabels(store, model, {
      ...{ method: options.by, count: options.count, seed: options.seed },
      ...(options.since === undefined ? {} : { from: Date.now() - options.since * 1000 }),
      ...(options.of === undefined ? {} : { version: options.of }),
    });
    const csv = sampleCsv(drawn);
    if (options.out !== undefined) await writeFileAtomically(resolve(options.out), [Buffer.from(csv)]);
    note(
      `Sample ${drawn.sample}: ${drawn.rows.length} of ${drawn.population} predictions without a label. Fill in the column label, then: ballast labels ingest ${options.out ?? 'FILE'}`,
    );
    const document = {
      ...drawn,
      rows: drawn.rows.map(({ observation, probability }) => ({
        ...observation,
        probability,
        weight: 1 / probability,
      })),
    };
    if (options.json === true || options.out === undefined) answer(options, document, csv.trimEnd());
  });
}

/** The file that is filled in: what was answered, what was asked, and a column for the truth. */
function sampleCsv({ rows }: DrawnLabels): string {
  const features = [...new Set(rows.flatMap(({ observation }) => Object.keys(observation.features)))];
  const taken = new Set(['id', 'label', 'weight', 'time', 'version', 'prediction', 'confidence']);
  const names = features.map((name) => (taken.has(name) ? `feature ${name}` : name));
  const lines = rows.map(({ observation, probability }) => [
    ...[observation.id, '', 1 / probability, new Date(observation.at).toISOString(), observation.version],
    ...[observation.prediction ?? '', confidenceOf(observation.scores) ?? ''],
    ...features.map((name) => observation.features[name] ?? ''),
  ]);
  const header = ['id', 'label', 'weight', 'time', 'version', 'prediction', 'confidence', ...names];
  return `${[header, ...lines].map((line) => line.map(csvCell).join(',')).join('\n')}\n`;
}

function csvCell(value: string | number): string {
  const text = String(value);
  // A spreadsheet takes what begins so for a formula.
  const safe = typeof value === 'string' && /^[=+@\t\r-]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

async function report(id: string, options: CommonOptions & { note: string; by: string }): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const unknown = await store.reportErrors([{ id, at: Date.now(), note: options.note, by: options.by }]);
    const told = unknown.length === 0 ? 'kept' : 'kept; no prediction has this id, yet';
    answer(options, { id, known: unknown.length === 0 }, `Report on ${id} ${told}`);
  });
}

/** @throws BallastError `MODEL_NOT_OBSERVED` */
function requireObserved(models: readonly string[], model: string): void {
  if (models.includes(model)) return;
  throw new BallastError('nothing was observed of this model', {
    code: 'MODEL_NOT_OBSERVED',
    kind: 'not-found',
    value: model,
    remedy: models.length === 0 ? 'Serve one: ballast serve --models NAME@ALIAS' : `Observed are ${models.join(', ')}`,
  });
}
