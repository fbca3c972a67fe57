import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { parseCheck, runCheck } from '../bundles/check.js';
import { apply, rollBack, verifyLive } from '../bundles/device.js';
import type { Installed } from '../bundles/installed.js';
import { makeKeys, PASSPHRASE, type PublicKey, readPublicKey } from '../bundles/keys.js';
import { readBundle, type Take } from '../bundles/open.js';
import { formatBytes } from '../charts/index.js';
import { download } from '../data/read/download.js';
import { Scratch } from '../data/read/scratch.js';
import { BallastError } from '../errors.js';
import { makeFolder } from '../graph/format/make-folder.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { duration, wholeNumber } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, withCommonOptions } from './output.js';

interface TrustOptions extends CommonOptions {
  key: string[];
  maxMb: number;
}

interface ApplyOptions extends TrustOptions {
  allowOlder?: boolean;
  probe?: string;
  probeTime: number;
}

/** A server that says nothing for so long is given up. */
const SILENCE_MS = 60_000;

export function bundleCommand(): Command {
  const command = new Command('bundle').addHelpText(
    'after',
    '\nExample:\n  ballast bundle verify digits.zip --key release.pub\n  ballast bundle apply digits.zip /opt/models/digits --key release.pub\n',
  );
  withCommonOptions(command.command('key <name>'))
    .description('a key pair that signs bundles: NAME.key for who makes them, NAME.pub for devices')
    .addHelpText(
      'after',
      `\nThe private key is encrypted where ${PASSPHRASE} holds a passphrase.\n\nExample:\n  ballast bundle key release\n`,
    )
    .action(keyAction);
  withTrust(command.command('verify <bundle>'))
    .description('does a bundle hold: its signature, every file; with --check its answers on this machine')
    .option('--check', 'ask its model here and compare the answers')
    .addHelpText('after', '\nExample:\n  ballast bundle verify digits.zip --key release.pub --check\n')
    .action(verifyAction);
  withTrust(command.command('apply <bundle> <folder>'))
    .description('bring a bundle live in a folder of a device; the bundle may be an address, http(s)://')
    .option('--allow-older', 'take one that is older than what was live, or was rolled back')
    .option(
      '--probe <command>',
      'the application’s verdict, asked once it is live: another exit code than 0 rolls back',
    )
    .option('--probe-time <time>', 'how long the probe may take', duration, 60)
    .addHelpText(
      'after',
      `
What is live is named by installed.json in the folder, replaced in one step; a probe finds the model file in BALLAST_MODEL.

Examples:
  ballast bundle apply https://updates.example/digits.zip /opt/models/digits --key release.pub
  ballast bundle apply digits.zip /opt/models/digits --key release.pub --probe "systemctl restart app && app --self-test"
`,
    )
    .action(applyAction);
  withCommonOptions(command.command('roll-back <folder>'))
    .description('make live again what was live before, or what the bundle carries to fall back to')
    .option('--reason <text>', 'kept in the log')
    .addHelpText('after', '\nExample:\n  ballast bundle roll-back /opt/models/digits --reason "accuracy down"\n')
    .action(rollBackAction);
  withCommonOptions(command.command('status <folder>'))
    .description('what is live in a folder, held to its hashes, and how it came to be')
    .addHelpText('after', '\nExample:\n  ballast bundle status /opt/models/digits --json\n')
    .action(statusAction);
  return command;
}

function withTrust(command: Command): Command {
  return withCommonOptions(command)
    .requiredOption('--key <file>', 'public key of the maker; repeatable, any of them will do', several)
    .option('--max-mb <megabytes>', 'most that it may take, unpacked', wholeNumber(1, 1_000_000), 4096);
}

const several = (value: string, before: string[] = []): string[] => [...before, value];

async function keyAction(name: string, options: CommonOptions): Promise<void> {
  const passphrase = process.env[PASSPHRASE];
  const { id, file, secret } = await makeKeys(name, passphrase);
  answer(
    options,
    { id, private: secret, public: file, encrypted: passphrase !== undefined },
    `private  ${secret}${passphrase === undefined ? '  (not encrypted)' : ''}\npublic   ${file}\nid       ${id}`,
  );
}

async function verifyAction(reference: string, options: TrustOptions & { check?: boolean }): Promise<void> {
  const trust = await trustOf(options);
  const folder = options.check === true ? await mkdtemp(join(tmpdir(), 'ballast-bundle-')) : undefined;
  try {
    const take: Take = async (path, content) => {
      if (folder === undefined) return;
      await makeFolder(dirname(join(folder, path)));
      await writeFile(join(folder, path), content);
    };
    const opened = await fetched(reference, trust.limit, (file) => readBundle(file, reference, trust, take));
    const { id, manifest, signedBy } = opened;
    const files = new Map(manifest.files.map((file) => [file.path, file]));
    let deviations: Readonly<Record<string, number>> | null = null;
    if (folder !== undefined) {
      const check = parseCheck(await readFile(join(folder, manifest.check)), reference);
      deviations = await runCheck(await openRuntime(), join(folder, manifest.model), check);
    }
    answer(
      options,
      { bundle: reference, id, signedBy: { id: signedBy.id, file: signedBy.file }, manifest, deviations },
      [
        `${manifest.name}/${manifest.version}  ${id}  made ${manifest.made} by ${manifest.madeBy}`,
        `signed   by ${signedBy.file} (${signedBy.id})`,
        `model    ${formatBytes(files.get(manifest.model)!.bytes)}, ${manifest.files.length} files, all as signed for`,
        ...(manifest.fallback === null ? [] : [`fallback ${manifest.fallback.name}/${manifest.fallback.version}`]),
        ...(deviations === null ? [] : [`check    answers as where it was made${largest(deviations)}`]),
      ].join('\n'),
    );
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function applyAction(reference: string, folder: string, options: ApplyOptions): Promise<void> {
  const trust = await trustOf(options);
  const { probe, probeTime } = options;
  const { installed, deviations, rolledBack } = await fetched(reference, trust.limit, async (file) =>
    apply(await openRuntime(), { file, place: reference }, folder, {
      ...trust,
      allowOlder: options.allowOlder === true,
      ...(probe === undefined ? {} : { probe: (model: string) => probed(probe, model, probeTime) }),
    }),
  );
  if (rolledBack) answerIsNo();
  const head = rolledBack ? 'rolled back: the probe refused it' : `answers as where it was made${largest(deviations)}`;
  answer(
    options,
    { ...documentOf(folder, installed), deviations, rolledBack },
    `${liveText(installed)}\ncheck    ${head}`,
  );
}

async function rollBackAction(folder: string, options: CommonOptions & { reason?: string }): Promise<void> {
  const installed = await rollBack(await openRuntime(), folder, options.reason);
  answer(options, documentOf(folder, installed), liveText(installed));
}

async function statusAction(folder: string, options: CommonOptions): Promise<void> {
  const installed = await verifyLive(folder);
  const log = installed.log.map(
    ({ at, did, to, reason }) => `${at}  ${did}  ${to}${reason === undefined ? '' : `  ${reason}`}`,
  );
  answer(options, documentOf(folder, installed), [liveText(installed), ...log].join('\n'));
}

function documentOf(folder: string, installed: Installed) {
  return { folder, ...installed, model: join(folder, installed.live.model) };
}

function liveText({ live }: Installed): string {
  const { name, version, id, part, model } = live;
  return `live     ${name}/${version}  ${id}${part === 'fallback' ? '  (the fallback of that bundle)' : ''}\nmodel    ${model}`;
}

function largest(deviations: Readonly<Record<string, number>>): string {
  const most = Math.max(0, ...Object.values(deviations));
  return most === 0 ? ', bit for bit' : `, to ${most.toExponential(1)}`;
}

async function trustOf({ key, maxMb }: TrustOptions): Promise<{ keys: PublicKey[]; limit: number }> {
  return { keys: await Promise.all(key.map(readPublicKey)), limit: maxMb * 1e6 };
}

/** Hands over the bundle as a file: one of an address is brought here first, never more of it than is allowed. */
async function fetched<T>(reference: string, limit: number, use: (file: string) => Promise<T>): Promise<T> {
  if (!/^https?:\/\//i.test(reference)) return use(reference);
  const scratch = new Scratch();
  try {
    return await use(await download(new URL(reference), scratch, limit, SILENCE_MS));
  } finally {
    await scratch.remove();
  }
}

/** Whether a command of the application ends well in time, with the model's file in its environment. */
async function probed(command: string, model: string, seconds: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      shell: true,
      timeout: seconds * 1000,
      // Its words are for people: standard output belongs to the answer.
      stdio: ['ignore', process.stderr, process.stderr],
      env: { ...process.env, BALLAST_MODEL: model },
    });
    child.on('error', (cause) =>
      reject(
        new BallastError('the probe cannot be run', {
          code: 'BUNDLE_PROBE',
          kind: 'environment',
          value: command,
          cause,
        }),
      ),
    );
    child.on('close', (code) => resolve(code === 0));
  });
}
