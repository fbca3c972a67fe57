import { Command, Option } from 'commander';
import { BallastError } from '../errors.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { referenceOfRun } from '../monitoring/reference/build.js';
import { modelText, versionText } from '../reports/registry-text.js';
import { checklist, promote, sign } from '../store/registry/checklists.js';
import { findVersion, parseSource } from '../store/registry/reference.js';
import type { ModelVersion, Responsibility } from '../store/registry/types.js';
import { lineageOfVersion } from '../store/registry/version-lineage.js';
import type { Store } from '../store/types.js';
import { MODEL } from '../tuning/result-record.js';
import { choiceTags } from '../tuning/sweep/chosen-from.js';
import { answer, answerIsNo, type CommonOptions, note, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

export function modelsCommand(): Command {
  const command = new Command('models').addHelpText(
    'after',
    '\nExample:\n  ballast models register 3f2a91c0 digits\n  ballast models checklist digits/1\n  ballast models alias digits@champion 1\n',
  );
  withCommonOptions(command.command('list'))
    .description('registered models, their aliases and owners')
    .option('--filter <filter>', 'such as "tags.team = \'vision\'" or "owner = \'ann\'"')
    .addHelpText('after', '\nExample:\n  ballast models list\n')
    .action(list);
  withCommonOptions(command.command('show <model>'))
    .description('a model with its versions, or one version: NAME, NAME/VERSION, NAME@ALIAS')
    .addHelpText('after', '\nExample:\n  ballast models show digits@champion\n')
    .action(show);
  withCommonOptions(command.command('register <run> <name>'))
    .description(
      'a version of a model from a run, a logged model or another version; its files are then the registry’s',
    )
    .option('--description <text>', 'what is new in it')
    .addHelpText(
      'after',
      `
Of a run, the model that was trained; RUN/calibrated.onnx and RUN/compressed.onnx are what calibrate and compress made of it.

Examples:
  ballast models register 3f2a91c0 digits
  ballast models register 3f2a91c0/compressed.onnx digits --description "int8, nine times smaller"
`,
    )
    .action(register);
  withCommonOptions(command.command('alias <alias> [version]'))
    .description('point NAME@ALIAS to a version; champion and production need the checklists done')
    .option('--remove', 'take the alias away')
    .addHelpText('after', '\nExample:\n  ballast models alias digits@challenger 2\n')
    .action(alias);
  withCommonOptions(command.command('tag <model> [tags...]'))
    .description('set tags, KEY=VALUE each, of NAME or NAME/VERSION')
    .option('--remove <key>', 'take a tag away')
    .addHelpText('after', '\nExample:\n  ballast models tag digits/1 reviewed=yes\n')
    .action(tag);
  withCommonOptions(command.command('set <name>'))
    .description('who answers for a model and what is at stake')
    .option('--owner <who>', 'who answers for it')
    .option('--on-call <route>', 'where its alerts go')
    .option('--escalation <who>', 'who is called next')
    .addOption(new Option('--criticality <how>', 'what is at stake').choices(['low', 'medium', 'high', 'safety']))
    .option('--threat-model <text>', 'what attackers could want; "none" where none is expected')
    .option('--description <text>', 'what it is for')
    .addHelpText('after', '\nExample:\n  ballast models set digits --owner ann --on-call "#ml-alerts"\n')
    .action(set);
  withCommonOptions(command.command('checklist <version>'))
    .description('what has to be done before traffic follows a version; exit 1 while items are open')
    .option('--sign <item>', 'answer for an item that no machine can check')
    .option('--note <text>', 'with --sign: what was done, where it is written')
    .option('--withdraw <item>', 'take a signature back')
    .addHelpText(
      'after',
      '\nExample:\n  ballast models checklist digits/1 --sign rollback-drilled --note "drill of 3 May"\n',
    )
    .action(showChecklist);
  withCommonOptions(command.command('lineage <version>'))
    .description('the data, runs and models that a version came from')
    .addHelpText('after', '\nExample:\n  ballast models lineage digits/1\n')
    .action(lineage);
  withCommonOptions(command.command('archive <version>'))
    .description('take a version out of use: it gets no alias any more')
    .addHelpText('after', '\nExample:\n  ballast models archive digits/1\n')
    .action(archive);
  return command;
}

const existing = { create: false } as const;

async function list(options: CommonOptions & { filter?: string }): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const { models } = await store.searchModels(options.filter === undefined ? {} : { filter: options.filter });
    const lines = models.map((model) => modelText(model));
    answer(options, { models }, lines.join('\n') || 'No models yet. Next: ballast models register RUN NAME');
  });
}

async function show(reference: string, options: CommonOptions): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    if (/[/@]/.test(bare(reference))) {
      const version = await versionOf(store, reference);
      const files = await store.versionFiles(version.name, version.version);
      answer(options, { ...version, files }, versionText(version, files));
      return;
    }
    const model = await store.getModel(bare(reference));
    const { versions } = await store.searchVersions({
      filter: `name = '${model.name.replaceAll("'", "''")}'`,
      orderBy: ['version_number DESC'],
    });
    const lines = versions.map(({ version, state, aliases, regularizerId, createdAt }) => {
      const names = aliases.map((name) => `@${name}`).join(' ');
      return `  ${String(version).padEnd(4)} ${state.padEnd(9)} ${createdAt.toISOString().slice(0, 16)}  ${regularizerId ?? '-'}  ${names}`;
    });
    answer(options, { ...model, versions }, [modelText(model), ...lines].join('\n'));
  });
}

async function register(
  reference: string,
  name: string,
  options: CommonOptions & { description?: string },
): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const source = /^[a-z-]+:/.test(reference) ? reference : `runs:/${reference}`;
    let from = await parseSource(store, source);
    // Of a run of Ballast's own the model is meant, not its tables and reports beside it.
    if (from.kind === 'run' && from.path === '' && (await store.getRun(from.runId)).kind !== 'logged') {
      from = { ...from, path: MODEL };
    }
    const version = await store.createVersion({
      name,
      source: from.kind === 'run' ? `runs:/${from.runId}${from.path === '' ? '' : `/${from.path}`}` : source,
      from,
      ...(from.kind === 'run' ? { tags: await choiceTags(store, from.runId) } : {}),
      ...(options.description === undefined ? {} : { description: options.description }),
    });
    await keepReference(store, from);
    if (from.kind === 'run') await takeOwner(store, name, (await store.getRun(from.runId)).spec);
    answer(options, version, `registered models:/${version.name}/${version.version}`);
  });
}

/** The owner that a spec names answers for the model, unless somebody does already. */
async function takeOwner(store: Store, name: string, spec: unknown): Promise<void> {
  const owner = (spec as { owner?: unknown } | null | undefined)?.owner;
  if (typeof owner !== 'string' || (await store.getModel(name)).owner !== undefined) return;
  await store.updateModel(name, { owner });
}

/** What production will be held against; a version of which it cannot be made is registered all the same. */
async function keepReference(store: Store, from: Awaited<ReturnType<typeof parseSource>>): Promise<void> {
  if (from.kind !== 'run' || from.path !== MODEL) return;
  const run = await store.getRun(from.runId);
  if (run.kind === 'logged') return;
  try {
    await referenceOfRun(store, run, openRuntime);
  } catch (error) {
    if (!(error instanceof BallastError)) throw error;
    note(`No reference for drift is kept: ${error.describe()}`);
  }
}

async function alias(
  reference: string,
  version: string | undefined,
  options: CommonOptions & { remove?: boolean },
): Promise<void> {
  const [name, given] = splitAlias(reference);
  if ((version === undefined) !== (options.remove === true)) {
    throw usage('an alias points to a version, or is removed', 'Give NAME@ALIAS and a version, or --remove');
  }
  await withStore(options.store, existing, async (store) => {
    if (version === undefined) {
      await store.setAlias(name, given, undefined);
      answer(options, { name, alias: given, version: null }, `${name}@${given} points to nothing any more`);
      return;
    }
    const target = await store.getVersion(name, versionNumber(version));
    await promote(store, target, given);
    answer(options, { name, alias: given, version: target.version }, `${name}@${given} -> version ${target.version}`);
  });
}

async function tag(reference: string, tags: string[], options: CommonOptions & { remove?: string }): Promise<void> {
  const pairs = tags.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw usage('a tag is KEY=VALUE', 'Write for instance reviewed=yes', text);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  if (pairs.length === 0 && options.remove === undefined) {
    throw usage('there is no tag to set', 'Give KEY=VALUE, or --remove KEY');
  }
  await withStore(options.store, existing, async (store) => {
    const of = /[/@]/.test(bare(reference)) ? await versionOf(store, reference) : await store.getModel(bare(reference));
    const version = 'version' in of ? of.version : undefined;
    await store.setModelTags(of.name, Object.fromEntries(pairs), version);
    if (options.remove !== undefined) await store.removeModelTag(of.name, options.remove, version);
    const after = version === undefined ? await store.getModel(of.name) : await store.getVersion(of.name, version);
    const lines = Object.entries(after.tags).map(([key, value]) => `${key} = ${value}`);
    answer(options, { name: of.name, version: version ?? null, tags: after.tags }, lines.join('\n') || 'no tags');
  });
}

async function set(
  name: string,
  options: CommonOptions & Partial<Responsibility> & { description?: string },
): Promise<void> {
  const { owner, onCall, escalation, criticality, threatModel, description } = options;
  await withStore(options.store, existing, async (store) => {
    await store.updateModel(name, {
      ...(owner === undefined ? {} : { owner }),
      ...(onCall === undefined ? {} : { onCall }),
      ...(escalation === undefined ? {} : { escalation }),
      ...(criticality === undefined ? {} : { criticality }),
      ...(threatModel === undefined ? {} : { threatModel }),
      ...(description === undefined ? {} : { description }),
    });
    const model = await store.getModel(name);
    answer(options, model, modelText(model));
  });
}

async function showChecklist(
  reference: string,
  options: CommonOptions & { sign?: string; note?: string; withdraw?: string },
): Promise<void> {
  if (options.sign !== undefined && options.note === undefined) {
    throw usage('a signature says what it stands on', 'Add --note TEXT: what was done, where it is written');
  }
  await withStore(options.store, existing, async (store) => {
    const version = await versionOf(store, reference);
    if (options.sign !== undefined) await sign(store, version, options.sign, { note: options.note ?? '' });
    if (options.withdraw !== undefined) {
      await sign(store, version, options.withdraw, { note: '', withdraw: true });
    }
    const items = await checklist(store, version);
    const open = items.filter(({ done }) => !done).length;
    if (open > 0) answerIsNo();
    const lines = items.map(({ id, list: of, done, by, evidence }, i) => {
      const head = i === 0 || items[i - 1].list !== of ? [`${of}:`] : [];
      const who = by === undefined || by === 'checked' ? '' : ` (${by})`;
      return [...head, `  [${done ? 'x' : ' '}] ${id.padEnd(26)} ${evidence}${who}`].join('\n');
    });
    const end = open === 0 ? 'ready for traffic' : `${open} open`;
    answer(
      options,
      { name: version.name, version: version.version, ready: open === 0, items },
      [...lines, end].join('\n'),
    );
  });
}

async function lineage(reference: string, options: CommonOptions): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const version = await versionOf(store, reference);
    const graph = await lineageOfVersion(store, version);
    const lines = graph.edges.map(({ from, to, relation }) => `${label(from)} --${relation}--> ${label(to)}`);
    answer(options, graph, lines.join('\n'));
  });
}

async function archive(reference: string, options: CommonOptions): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const { name, version } = await versionOf(store, reference);
    await store.archiveVersion(name, version);
    answer(options, { name, version, state: 'archived' }, `archived models:/${name}/${version}`);
  });
}

function label({ kind, id }: { kind: string; id: string }): string {
  return `${kind} ${kind === 'run' || kind === 'model' ? id.slice(0, 12) : id}`;
}

/** `NAME/VERSION` and `NAME@ALIAS`, with or without `models:/`. */
function versionOf(store: Store, reference: string): Promise<ModelVersion> {
  return findVersion(store, `models:/${bare(reference)}`);
}

function bare(reference: string): string {
  return reference.replace(/^models:\/{1,3}/, '');
}

function splitAlias(reference: string): [name: string, alias: string] {
  const text = bare(reference);
  const at = text.lastIndexOf('@');
  if (at < 1 || at === text.length - 1) throw usage('this names no alias', 'Write NAME@ALIAS', reference);
  return [text.slice(0, at), text.slice(at + 1)];
}

function versionNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usage('this is no version', 'Give its number', text);
}

function usage(message: string, remedy: string, value?: string): BallastError {
  return new BallastError(message, { code: 'USAGE', remedy, ...(value === undefined ? {} : { value }) });
}
