import { Command, Option } from 'commander';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Manifest } from '../regularizers/manifest.js';
import { chosenLines } from '../reports/chosen-text.js';
import { runsTable } from '../reports/terminal.js';
import { terminalOptions } from '../reports/terminal-style.js';
import type { Spec } from '../spec/schema.js';
import { REPRODUCED_TAG } from '../store/registry/checklists.js';
import { isResumable, RUN_STATUSES, type RunStatus } from '../store/run-status.js';
import type { Run, RunSummary, Store } from '../store/types.js';
import type { Environment } from '../tuning/environment.js';
import { reproduce } from '../tuning/reproduce.js';
import { chosenFrom } from '../tuning/sweep/chosen-from.js';
import { keyFigures } from './key-figures.js';
import { wholeNumber } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, note, withCommonOptions } from './output.js';
import { resumeCommand } from './resume-command.js';
import { type NamedStrength, strengthsIn } from './strengths.js';
import { addTransfer } from './transfer.js';
import { storeExists, withStore } from './use-store.js';
import { version } from './version.js';

/** The kind of a run that a client logged over the network. */
const LOGGED = 'logged';

/** Unfinished experiments that a list says how to go on with. */
const MOST_HINTS = 3;

export function runsCommand(): Command {
  const command = new Command('runs').addHelpText(
    'after',
    '\nExample:\n  ballast runs list\n  ballast runs compare 3f2a91c0 8b11e0aa\n',
  );
  withCommonOptions(command.command('list'))
    .description('runs, newest first')
    .option('--experiment <name>', 'only of this experiment (the spec’s name)')
    .addOption(new Option('--status <status>', 'only of this status').choices(RUN_STATUSES))
    .option('--limit <count>', 'at most so many', wholeNumber(1, 10_000), 30)
    .addHelpText('after', '\nExample:\n  ballast runs list --experiment digits\n')
    .action(list);
  withCommonOptions(command.command('show <run>'))
    .description('everything recorded of a run')
    .addHelpText('after', '\nExample:\n  ballast runs show 3f2a91c0\n')
    .action(show);
  withCommonOptions(command.command('compare <runs...>'))
    .description('metrics, regularizers and settings of runs side by side')
    .addHelpText('after', '\nExample:\n  ballast runs compare 3f2a91c0 8b11e0aa\n')
    .action(compare);
  withCommonOptions(command.command('reproduce <run>'))
    .description('train a run again from its record and compare the bytes; exit 1 where they differ')
    .addHelpText('after', '\nExample:\n  ballast runs reproduce 3f2a91c0\n')
    .action(reproduceRun);
  addTransfer(command);
  return command;
}

interface ListOptions extends CommonOptions {
  experiment?: string;
  status?: RunStatus;
  limit: number;
}

async function list(options: ListOptions): Promise<void> {
  if (!(await storeExists(options.store))) {
    answer(options, { runs: [] }, `No runs yet: there is no store at ${options.store}. Next: ballast train SPEC`);
    return;
  }
  await withStore(options.store, { create: false }, async (store) => {
    const runs = await store.listRuns({
      limit: options.limit,
      ...(options.experiment === undefined ? {} : { experiment: options.experiment }),
      ...(options.status === undefined ? {} : { status: options.status }),
    });
    const final = new Map<string, Record<string, number>>();
    for (const run of runs) final.set(run.id, await finalMetrics(store, run));
    const rows = runs.map((run) => ({ ...run, metrics: final.get(run.id) }));
    answer(options, { runs: rows }, options.json === true ? '' : await listText(store, runs, final, options));
  });
}

async function listText(
  store: Store,
  runs: readonly RunSummary[],
  final: ReadonlyMap<string, Readonly<Record<string, number>>>,
  { experiment, status, store: url }: ListOptions,
): Promise<string> {
  if (runs.length === 0) {
    return experiment === undefined && status === undefined
      ? 'No runs yet. Next: ballast train SPEC'
      : `No such runs in ${url}.`;
  }
  const metrics = new Map<string, Record<string, number>>();
  const unfinished = new Map<string, string>();
  for (const { id, groupId, status: state, kind } of runs) {
    const { spec, environment } = await store.getRun(id);
    metrics.set(id, keyFigures(final.get(id) ?? {}, (spec ?? {}) as Partial<Spec>));
    if (kind !== 'train' || groupId === undefined || state === 'finished' || !isResumable(state)) continue;
    unfinished.set(groupId, resumeCommand(((environment ?? {}) as Partial<Environment>).command, groupId));
  }
  const hints = [...unfinished.values()].slice(0, MOST_HINTS).map((command) => `Unfinished; go on with: ${command}`);
  return [runsTable(runs, { metrics, ...terminalOptions() }), ...(hints.length > 0 ? ['', ...hints] : [])].join('\n');
}

/** The last figures of a run: `validation.accuracy`, `gap`, ...; of one that a client logged, each metric's last. */
async function finalMetrics(store: Store, { id, kind }: RunSummary): Promise<Record<string, number>> {
  const points = await store.latestMetrics(id);
  if (kind === LOGGED) return Object.fromEntries(points.map(({ name, value }) => [name, value]));
  return Object.fromEntries(
    points
      .filter(({ name }) => name.startsWith('final.'))
      .map(({ name, value }) => [name.slice('final.'.length), value]),
  );
}

async function show(reference: string, options: CommonOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const run = await store.findRun(reference);
    const chosen = await chosenFrom(store, run);
    const document = {
      ...run,
      metrics: await finalMetrics(store, run),
      params: await store.getParams(run.id),
      tags: await store.getTags(run.id),
      artifacts: (await store.listArtifacts(run.id)).map(({ path, sha256, size }) => ({ path, sha256, size })),
      lineage: await store.lineage(run.id),
      ...(chosen === undefined ? {} : { chosen }),
    };
    const manifest = run.manifest as Manifest;
    const lines = [
      `run          ${run.id}  ${run.status}${run.error === undefined ? '' : `: ${run.error}`}`,
      `experiment   ${run.experiment}, ${run.name}, seed ${run.seed ?? '-'}`,
      `data         ${run.datasetName ?? '-'} ${run.dataVersion ?? ''}`,
      `regularizers ${run.regularizerId ?? '-'}  ${
        strengthsIn(manifest)
          .map(({ name, text }) => `${name} ${text}`)
          .join(', ') || 'none'
      }`,
      `code         ${run.codeCommit ?? '-'}`,
      `started      ${run.startedAt.toISOString()}${run.endedAt === undefined ? '' : `, ended ${run.endedAt.toISOString()}`}`,
      ...(run.kind === LOGGED
        ? Object.entries(document.params).map(([name, value]) => `param        ${name} = ${value}`)
        : []),
      ...Object.entries(document.metrics)
        .filter(([name]) => run.kind === LOGGED || name.startsWith('validation.') || name === 'gap')
        .map(([name, value]) => `${name.padEnd(28)} ${value.toFixed(4)}`),
      ...document.artifacts.map(({ path, size }) => `artifact     ${path}  ${size} bytes`),
      ...chosenLines(chosen),
    ];
    answer(options, document, lines.join('\n'));
  });
}

async function compare(references: string[], options: CommonOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const runs: Run[] = [];
    for (const reference of references) runs.push(await store.findRun(reference));
    const columns = await Promise.all(runs.map((run) => finalMetrics(store, run)));
    const names = [...new Set(columns.flatMap((column) => Object.keys(column)))].filter(
      (name) => runs.some(({ kind }) => kind === LOGGED) || name.startsWith('validation.') || name === 'gap',
    );
    const strengths = runs.map((run) => strengthsIn(run.manifest as Manifest));
    const types = [...new Set(strengths.flatMap((column) => column.map(({ name }) => name)))];
    const document = {
      runs: runs.map((run, i) => ({
        id: run.id,
        name: run.name,
        regularizerId: run.regularizerId,
        seed: run.seed,
        dataVersion: run.dataVersion,
        metrics: columns[i],
        strengths: Object.fromEntries(strengths[i].map(({ name, strength }) => [name, strength])),
      })),
    };
    const figure = (value: number | undefined): string =>
      value === undefined ? '-' : String(Number(value.toPrecision(5)));
    const strength = (column: readonly NamedStrength[], type: string): string =>
      column.find(({ name }) => name === type)?.text ?? '-';
    const line = (head: string, cells: readonly string[]): string =>
      `${head.padEnd(30)}${cells.map((cell) => cell.padStart(19)).join('')}`;
    const lines = [
      line(
        '',
        runs.map((run) => `${run.name.slice(0, 9)} ${run.id.slice(0, 8)}`),
      ),
      ...types.map((type) =>
        line(
          type,
          strengths.map((column) => strength(column, type)),
        ),
      ),
      ...names.map((name) =>
        line(
          name,
          columns.map((column) => figure(column[name])),
        ),
      ),
    ];
    answer(options, document, lines.join('\n'));
  });
}

async function reproduceRun(reference: string, options: CommonOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const run = await store.findRun(reference);
    const result = await reproduce(store, await openRuntime(), run, {
      ballastVersion: version(),
      onEvent: (event) => {
        if (event.type === 'epoch' && event.record.epoch % 10 === 0) note(`  epoch ${event.record.epoch}`);
      },
    });
    await store.setTags(run.id, { [REPRODUCED_TAG]: result.identical ? 'identical' : 'different' });
    if (!result.identical) answerIsNo();
    const text = result.identical
      ? 'identical: every trained value has the same bytes'
      : `different:\n  ${result.differences.join('\n  ')}`;
    answer(options, result, text);
  });
}
