import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { BallastError } from '../errors.js';
import { DriftWatch } from '../monitoring/slo/drift-watch.js';
import { measureModel } from '../monitoring/slo/measure-model.js';
import { type ModelSlo, modelSlos, watchedModel } from '../monitoring/slo/model-slos.js';
import { fromOpenSlo, isOpenSlo } from '../monitoring/slo/openslo.js';
import { parseSlos } from '../monitoring/slo/read-slos.js';
import { watchedModels } from '../monitoring/slo/watched.js';
import { terminalOptions } from '../reports/terminal-style.js';
import type { Store } from '../store/types.js';
import { requireSlos } from './known-slos.js';
import { count } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, note, withCommonOptions } from './output.js';
import { sloDocument, sloLines, sloListLines } from './slo-lines.js';
import { withStore } from './use-store.js';

export function sloCommand(): Command {
  const command = new Command('slo').addHelpText(
    'after',
    '\nExample:\n  ballast slo list fraud\n  ballast slo status fraud\n  ballast slo import slo.yaml --model fraud\n',
  );
  withCommonOptions(command.command('list [model]'))
    .description('what is promised of a model, or of all: imported, from its spec, or the defaults')
    .addHelpText('after', '\nExample:\n  ballast slo list fraud\n')
    .action(list);
  withCommonOptions(command.command('status [model]'))
    .description('what was kept of it: budgets, burn rates; exit 1 where a promise is broken')
    .option('--at <time>', 'as of then, such as 2026-05-03T10:00Z; now unless told', moment)
    .addHelpText('after', '\nExample:\n  ballast slo status fraud\n')
    .action(status);
  withCommonOptions(command.command('import <file>'))
    .description('keep the objectives of a YAML file, of a spec, or of OpenSLO (v1, v1alpha)')
    .option('--model <name>', 'whose they are; of OpenSLO the service’s unless told')
    .addHelpText('after', '\nExample:\n  ballast slo import slo.yaml --model fraud\n')
    .action(importFile);
  withCommonOptions(command.command('remove <model> <name>'))
    .description('forget an imported objective')
    .addHelpText('after', '\nExample:\n  ballast slo remove fraud latency\n')
    .action(remove);
  withCommonOptions(command.command('count <model> <sli>'))
    .description('report events of an SLI of your own: how many were good, of how many')
    .requiredOption('--good <number>', 'good events', count)
    .requiredOption('--total <number>', 'all events', count)
    .option('--version <version>', 'of which version of the model', '')
    .option('--at <time>', 'when they were; now unless told', moment)
    .addHelpText('after', '\nExample:\n  ballast slo count fraud chargebacks --good 998 --total 1000\n')
    .action(countEvents);
  return command;
}

const existing = { create: false } as const;

async function list(model: string | undefined, options: CommonOptions): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const all = await slosOf(store, model);
    const slos = all.flatMap(({ name, slos: of }) => of.map(({ slo, source }) => ({ model: name, source, ...slo })));
    answer(options, { slos }, sloListLines(all, terminalOptions()));
  });
}

async function status(model: string | undefined, options: CommonOptions & { at?: number }): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const { at = Date.now() } = options;
    const models = [];
    const drift = new DriftWatch(store);
    for (const { name } of await slosOf(store, model)) {
      const { slos, statuses } = await measureModel(store, name, { now: at, drift });
      models.push({ name, slos: statuses.map((each, i) => ({ source: slos[i].source, ...each })) });
    }
    const broken = models.some(({ slos }) => slos.some(({ state }) => state === 'breached'));
    answer(options, sloDocument(models, at), sloLines(models, terminalOptions()));
    if (broken) answerIsNo();
  });
}

async function importFile(path: string, options: CommonOptions & { model?: string }): Promise<void> {
  const text = await readText(path);
  const imported = isOpenSlo(text)
    ? openSlo(text, path, options.model)
    : [{ model: requireModel(options.model, path), slos: parseSlos(text, path) }];
  await withStore(options.store, { create: true }, async (store) => {
    for (const { model, slos } of imported) {
      await store.putSlos(
        model,
        slos.map((slo) => ({ name: slo.name, definition: slo })),
        path,
      );
    }
  });
  const total = imported.reduce((sum, { slos }) => sum + slos.length, 0);
  const names = imported.map(({ model }) => model).join(', ');
  answer(
    options,
    { imported },
    `Imported ${total} objectives of ${names}. Next: ballast slo status ${imported[0].model}`,
  );
}

function openSlo(text: string, path: string, model: string | undefined) {
  const { slos, passedOver } = fromOpenSlo(text, path);
  if (slos.length === 0) {
    throw new BallastError('there is no SLO among these documents', {
      code: 'SLO_FILE',
      place: path,
      value: passedOver,
      remedy: 'Give a file with kind: SLO',
    });
  }
  for (const each of passedOver) note(`passed over: ${each}`);
  for (const { slo, notes } of slos) for (const each of notes) note(`${slo.name}: ${each}`);
  const models = new Map<string, (typeof slos)[number]['slo'][]>();
  for (const { service, slo } of slos) {
    const name = model ?? service;
    models.set(name, [...(models.get(name) ?? []), slo]);
  }
  return [...models].map(([name, of]) => ({ model: name, slos: of }));
}

async function remove(model: string, name: string, options: CommonOptions): Promise<void> {
  await withStore(options.store, existing, (store) => store.removeSlo(model, name));
  answer(options, { model, removed: name }, `${model} is no longer promised ${name}`);
}

interface CountOptions extends CommonOptions {
  good: number;
  total: number;
  version: string;
  at?: number;
}

async function countEvents(model: string, sli: string, options: CountOptions): Promise<void> {
  const { good, total, version, at = Date.now() } = options;
  const counted = { model, name: sli, version, at, good, total };
  await withStore(options.store, { create: true }, (store) => store.countSli(counted));
  answer(options, counted, `${sli} of ${model}: ${good} of ${total} were good`);
}

/** The objectives of one model, or of every model that is known. */
async function slosOf(store: Store, model: string | undefined): Promise<{ name: string; slos: ModelSlo[] }[]> {
  const names = model === undefined ? await watchedModels(store) : [model];
  const all = [];
  for (const name of names) {
    const watched = await watchedModel(store, name);
    const slos = await modelSlos(store, watched);
    all.push({ name, slos: model === undefined ? slos : requireSlos(model, slos) });
  }
  return all;
}

function requireModel(model: string | undefined, path: string): string {
  if (model !== undefined) return model;
  throw new BallastError('whose objectives are these?', {
    code: 'USAGE',
    place: path,
    remedy: 'Name the model: --model NAME',
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new BallastError(`this file cannot be read: ${(cause as Error).message}`, {
      code: 'FILE_NOT_READ',
      place: path,
      cause,
    });
  }
}

function moment(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new BallastError('this is no time', { code: 'USAGE', place: '--at', value: text });
  return time;
}
