import { Command, InvalidArgumentError } from 'commander';
import { formatBytes } from '../charts/index.js';
import { BallastError } from '../errors.js';
import { measuredOver } from '../monitoring/slo/measured-over.js';
import { durationText } from '../spec/duration-text.js';
import type { Expired, RetentionPolicy, Store } from '../store/index.js';
import { duration, wholeNumber } from './option-values.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

const existing = { create: false } as const;

export function retentionCommand(): Command {
  const command = new Command('retention').addHelpText(
    'after',
    '\nExample:\n  ballast retention set --runs-for 180d --artifact-bytes 50GB\n  ballast retention apply --dry-run\n',
  );
  withCommonOptions(command.command('show'))
    .description('what is kept, and for how long')
    .addHelpText('after', '\nExample:\n  ballast retention show\n')
    .action(show);
  withCommonOptions(command.command('set'))
    .description('declare what is kept; what is not told stays as it was. Servers keep to it, once a day')
    .option('--rows <number>', 'observations of each model: the newest', wholeNumber(1, 1e9))
    .option('--rows-for <time>', 'observations and labels', ms)
    .option('--minutes-for <time>', 'counts by the minute; older ones become counts by the hour', ms)
    .option('--windows-for <time>', 'counts, resolved alerts, looks of closed rollouts, reports', ms)
    .option('--sketches-for <time>', 'sketches of columns', ms)
    .option('--runs-for <time>', 'runs that nothing needs, from their end on; or forever', msOrForever)
    .option(
      '--artifacts-for <time>',
      'files of runs that nothing needs, from the end of the run on; or forever',
      msOrForever,
    )
    .option(
      '--artifact-bytes <size>',
      'all files: 500MB, 50GB, 1TB; the oldest that nothing needs go first; or any',
      bytesOrAny,
    )
    .option('--deleted-for <time>', 'how long a run that was deleted can be restored', ms)
    .addHelpText(
      'after',
      '\nExample:\n  ballast retention set --rows 500000 --rows-for 14d --runs-for 180d --artifact-bytes 50GB\n',
    )
    .action(set);
  withCommonOptions(command.command('apply'))
    .description('remove now what is older, or more, than is kept')
    .option('--dry-run', 'only tell what would be removed')
    .addHelpText(
      'after',
      `
What is needed stays, whatever its age: runs that a version which is not archived, an alias, traffic, a rollout or an alert comes from,
with all they came from; runs with the tag ballast.keep; observations since a rollout under way began or a firing alert did.

Example:
  ballast retention apply --dry-run --json
`,
    )
    .action(apply);
  return command;
}

interface SetOptions extends CommonOptions {
  rows?: number;
  rowsFor?: number;
  minutesFor?: number;
  windowsFor?: number;
  sketchesFor?: number;
  runsFor?: number;
  artifactsFor?: number;
  artifactBytes?: number;
  deletedFor?: number;
}

async function show(options: CommonOptions): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const policy = await store.retentionPolicy();
    answer(options, policy, policyText(policy));
  });
}

async function set(options: SetOptions): Promise<void> {
  const told: Record<keyof RetentionPolicy, number | undefined> = {
    rows: options.rows,
    rowsMs: options.rowsFor,
    minutesMs: options.minutesFor,
    windowsMs: options.windowsFor,
    sketchesMs: options.sketchesFor,
    runsMs: options.runsFor,
    artifactsMs: options.artifactsFor,
    artifactBytes: options.artifactBytes,
    deletedMs: options.deletedFor,
  };
  const changes = Object.fromEntries(
    Object.entries(told).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value === Number.POSITIVE_INFINITY ? null : value]],
    ),
  );
  if (Object.keys(changes).length === 0) {
    throw new BallastError('nothing is declared', {
      code: 'USAGE',
      place: 'ballast retention set',
      remedy: 'Give what is to be kept, such as --rows-for 14d; ballast retention show tells what is.',
    });
  }
  await withStore(options.store, { create: true }, async (store) => {
    if (options.windowsFor !== undefined) await requireObjectives(store, options.windowsFor);
    const policy = await store.declareRetention(changes);
    answer(options, policy, policyText(policy));
  });
}

/** Counts must reach as far back as objectives look. */
async function requireObjectives(store: Store, windowsMs: number): Promise<void> {
  const longest = await measuredOver(store);
  if (longest === undefined || longest.ms <= windowsMs) return;
  throw new BallastError('An objective looks further back than counts would be kept', {
    code: 'RETENTION_INVALID',
    place: '--windows-for',
    value: `${longest.model}: ${longest.objective}, ${durationText(longest.ms)}`,
    remedy: `Keep them for at least ${durationText(longest.ms)}, or shorten the objective's window.`,
  });
}

async function apply(options: CommonOptions & { dryRun?: boolean }): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const dryRun = options.dryRun === true;
    const expired = await store.applyRetention({ dryRun });
    const removed = expiredLines(expired, dryRun);
    if (removed.length === 0) removed.push('Nothing is older, or more, than is kept.');
    answer(options, { dryRun, ...expired }, [...removed, ...heldLines(expired)].join('\n'));
  });
}

function policyText(policy: RetentionPolicy): string {
  const time = (kept: number | null): string => (kept === null ? 'for ever' : durationText(kept));
  return [
    ['observations', `the newest ${policy.rows} of each model, ${time(policy.rowsMs)}`],
    ['counts', `by the minute ${time(policy.minutesMs)}, by the hour ${time(policy.windowsMs)}`],
    ['sketches', time(policy.sketchesMs)],
    ['runs', `${time(policy.runsMs)}; once deleted, restorable for ${time(policy.deletedMs)}`],
    [
      'files',
      `${time(policy.artifactsMs)}; ${policy.artifactBytes === null ? 'any amount' : `at most ${formatBytes(policy.artifactBytes)}`}`,
    ],
  ]
    .map(([name = '', kept = '']) => `${name.padEnd(14)}${kept}`)
    .join('\n');
}

/** What was removed, or would be, as a line for each kind of which there was any. */
export function expiredLines(expired: Expired, dryRun: boolean): string[] {
  const { rows, labels, minutes, windows, sketches } = expired.observations;
  const counts: readonly (readonly [number, string])[] = [
    [rows, 'observations'],
    [labels, 'labels'],
    [minutes, 'counts by the minute, added up to hours'],
    [windows, 'counts by the hour'],
    [sketches, 'sketches'],
    [expired.records, 'records of alerts, rollouts, applications and users'],
    [expired.runs, 'runs deleted; they can be restored for a while'],
    [expired.artifacts, 'files taken off runs'],
    [expired.removedRuns, 'runs deleted earlier, for good'],
    [expired.contents, `contents that nothing names, ${formatBytes(expired.bytes)}`],
  ];
  const lines = counts.filter(([count]) => count > 0).map(([count, what]) => `${String(count).padStart(10)} ${what}`);
  if (expired.databaseBytes > 0) lines.push(`The database gave back ${formatBytes(expired.databaseBytes)}.`);
  return lines.length === 0 ? [] : [dryRun ? 'Would be removed:' : 'Removed:', ...lines];
}

function heldLines({ held }: Expired): string[] {
  return [
    ...(held.runs === 0 ? [] : [`${held.runs} older runs stay: something needs them.`]),
    ...held.models.map(
      ({ model, since, reason }) => `Observations of ${model} since ${since.toISOString()} stay: ${reason} needs them.`,
    ),
  ];
}

function ms(text: string): number {
  return duration(text) * 1000;
}

/** No limit is infinite here: an option of null counts as none to commander. */
function msOrForever(text: string): number {
  return text.trim() === 'forever' ? Number.POSITIVE_INFINITY : ms(text);
}

const UNITS = ['', 'k', 'm', 'g', 't'];

function bytesOrAny(text: string): number {
  if (text.trim() === 'any') return Number.POSITIVE_INFINITY;
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$/i.exec(text.trim());
  const [, number = '0', unit = '', binary = ''] = match ?? [];
  const bytes = Number(number) * (binary === '' ? 1000 : 1024) ** UNITS.indexOf(unit.toLowerCase());
  if (!(bytes >= 1)) throw new InvalidArgumentError('It is a size such as 500MB, 50GB or 1TiB, or any.');
  return Math.floor(bytes);
}
