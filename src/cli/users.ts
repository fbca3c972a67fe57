import { Command, Option } from 'commander';
import { BallastError } from '../errors.js';
import { PERMISSIONS, type Permission, ROLES, type Role, type Subject } from '../store/access/types.js';
import type { Store } from '../store/types.js';
import { wholeNumber } from './option-values.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

const DAY_SECONDS = 86_400;

export function usersCommand(): Command {
  const command = new Command('users').addHelpText(
    'after',
    '\nExample:\n  ballast users add ann --role admin\n  ballast users token ann --days 30\n',
  );
  withCommonOptions(command.command('list'))
    .description('users, their tokens and grants')
    .addHelpText('after', '\nExample:\n  ballast users list\n')
    .action(list);
  withCommonOptions(command.command('add <name>'))
    .description('a user, or another role for one')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .option('--password', 'read a password from standard input, for the dashboard and for Basic authentication')
    .addHelpText('after', '\nExample:\n  ballast users add ann --role editor --password < password.txt\n')
    .action(add);
  withCommonOptions(command.command('remove <name>'))
    .description('remove a user with its tokens and grants')
    .addHelpText('after', '\nExample:\n  ballast users remove ann\n')
    .action(remove);
  withCommonOptions(command.command('token <name>'))
    .description('a token for a client (MLFLOW_TRACKING_TOKEN); it is shown once')
    .option('--days <count>', 'how long it is valid', wholeNumber(1, 3650), 90)
    .option('--label <text>', 'what it is for', 'client')
    .addHelpText('after', '\nExample:\n  ballast users token ann --days 30 --label ci\n')
    .action(token);
  withCommonOptions(command.command('revoke <token>'))
    .description('a token, or the beginning of its id')
    .addHelpText('after', '\nExample:\n  ballast users revoke 1f0c9d2ab3e4\n')
    .action(revoke);
  withCommonOptions(command.command('grant <name>'))
    .description("what a user, or '*' for everyone else, may do with one experiment or model")
    .option('--experiment <name>', 'the experiment')
    .option('--model <name>', 'the registered model')
    .addOption(
      new Option('--permission <permission>', 'none, read, edit, deploy, manage; default: take the grant back').choices(
        PERMISSIONS,
      ),
    )
    .addHelpText('after', "\nExample:\n  ballast users grant '*' --experiment secret --permission none\n")
    .action(grant);
  return command;
}

async function list(options: CommonOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const [users, tokens, grants] = [await store.listUsers(), await store.listTokens(), await store.listGrants()];
    const lines = users.flatMap(({ name, role, hasPassword }) => [
      `${name}  ${role}${hasPassword ? ', password' : ''}`,
      ...tokens
        .filter((each) => each.user === name)
        .map(({ id, label, expiresAt }) => `  token ${id}  ${label}, until ${expiresAt.toISOString().slice(0, 10)}`),
    ]);
    const granted = grants.map(
      ({ user, subject, permission }) => `${subject.kind} ${subject.id}: ${user} may ${permission}`,
    );
    const text = [...lines, ...granted].join('\n');
    answer(options, { users, tokens, grants }, text || 'No users: a server of this machine asks no one who they are.');
  });
}

async function add(name: string, options: CommonOptions & { role: Role; password?: boolean }): Promise<void> {
  const password = options.password === true ? await readPassword() : undefined;
  await withStore(options.store, { create: true }, async (store) => {
    await store.putUser(name, options.role);
    if (password !== undefined) await store.setPassword(name, password);
    answer(options, { name, role: options.role }, `${name} is ${options.role}`);
  });
}

async function remove(name: string, options: CommonOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    await store.removeUser(name);
    answer(options, { name, removed: true }, `removed ${name}`);
  });
}

async function token(name: string, options: CommonOptions & { days: number; label: string }): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const made = await store.createToken(name, { label: options.label, seconds: options.days * DAY_SECONDS });
    answer(options, { user: name, token: made, days: options.days }, made);
  });
}

async function revoke(reference: string, options: CommonOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    await store.revokeToken(reference);
    answer(options, { revoked: true }, 'revoked');
  });
}

async function grant(
  name: string,
  options: CommonOptions & { experiment?: string; model?: string; permission?: Permission },
): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const subject = await subjectOf(store, options);
    await store.grant(subject, name, options.permission);
    const told = options.permission === undefined ? 'has no grant any more' : `may ${options.permission}`;
    answer(options, { subject, user: name, permission: options.permission ?? null }, `${name} ${told}`);
  });
}

async function subjectOf(
  store: Store,
  { experiment, model }: { experiment?: string; model?: string },
): Promise<Subject> {
  if ((experiment === undefined) === (model === undefined)) {
    throw new BallastError('what the grant is about is not clear', {
      code: 'USAGE',
      remedy: 'Give either --experiment NAME or --model NAME',
    });
  }
  if (model !== undefined) return { kind: 'model', id: (await store.getModel(model)).id };
  const found = await store.findExperiment(experiment ?? '');
  if (found === undefined) {
    throw new BallastError('there is no such experiment', {
      code: 'EXPERIMENT_NOT_FOUND',
      kind: 'not-found',
      value: experiment,
    });
  }
  return { kind: 'experiment', id: found.id };
}

/** One line of standard input: a password in the arguments would stand in the list of processes. */
async function readPassword(): Promise<string> {
  let text = '';
  for await (const piece of process.stdin) text += String(piece);
  return text.split(/\r?\n/)[0] ?? '';
}
