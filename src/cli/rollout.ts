import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import { terminalOptions } from '../reports/terminal-style.js';
import { beginRollout } from '../rollout/begin.js';
import { advanceRollout, asRollout, commandRollout, type Rollout } from '../rollout/controller.js';
import { rolloutDocument, rolloutSuccess } from '../rollout/document.js';
import type { Command as Asked } from '../rollout/look.js';
import { readRolloutOptions } from '../spec/read-rollout.js';
import type { Store } from '../store/types.js';
import { shareOf } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, withCommonOptions } from './output.js';
import { rolloutLines, rolloutListLines } from './rollout-lines.js';
import { replayCommand } from './rollout-replay.js';
import { stressCommand } from './rollout-stress.js';
import { withStore } from './use-store.js';

interface StartOptions extends CommonOptions {
  candidate: string;
  baseline?: string;
  options?: string;
  alpha?: number;
  sticky?: string;
  mode?: 'canary' | 'ab';
  force?: boolean;
}

export function rolloutCommand(): Command {
  const command = new Command('rollout').addHelpText(
    'after',
    `
The candidate is judged after every answer by tests whose error rate holds however often they are looked at: it is rolled back
where one shows that it is worse than allowed, and promoted where all show that it is not.

Example:
  ballast rollout start fraud --candidate 4
  ballast rollout status fraud
`,
  );
  withCommonOptions(command.command('start <model>'))
    .description('bring a version into traffic: shadow, 5 %, 50 %, 100 %')
    .requiredOption('--candidate <version>', 'the version')
    .option('--baseline <version>', 'the version that is live, where neither traffic nor an alias says so')
    .option('--options <file>', 'YAML: steps, SLIs and the rest; over those of the spec it was trained by')
    .option('--alpha <share>', 'probability of rolling back a candidate that is within what is allowed', shareOf)
    .addOption(
      new Option('--mode <mode>', 'ab: measure the difference and end with its interval; the split stays').choices([
        'canary',
        'ab',
      ]),
    )
    .option('--sticky <key>', 'a key of the metadata: one version answers each of its values')
    .option('--force', 'although the error budget is spent')
    .addHelpText('after', '\nExample:\n  ballast rollout start fraud --candidate 4 --options rollout.yaml\n')
    .action(start);
  withCommonOptions(command.command('status [rollout]'))
    .description('where a rollout stands: an id, a model (its last), or all; exit 1 where it was rolled back')
    .addHelpText('after', '\nExample:\n  ballast rollout status fraud\n')
    .action(status);
  withCommonOptions(command.command('look [rollout]'))
    .description('take the looks that are due, as ballast serve does all the time')
    .addHelpText('after', '\nExample:\n  ballast rollout look fraud\n')
    .action(takeLooks);
  for (const [name, description] of Object.entries(COMMANDS) as [Asked, string][]) {
    withCommonOptions(command.command(`${name} <rollout>`))
      .description(description)
      .option('--reason <text>', 'for the record', 'asked for on the command line')
      .addHelpText('after', `\nExample:\n  ballast rollout ${name} fraud --reason "seen in support"\n`)
      .action((reference: string, options: CommonOptions & { reason: string }) => tell(name, reference, options));
  }
  return command.addCommand(replayCommand()).addCommand(stressCommand());
}

const COMMANDS: Readonly<Record<Asked, string>> = {
  pause: 'keep the weights as they are and decide nothing',
  resume: 'go on after a pause',
  promote: 'the next step now, whatever the evidence says; after an A/B test all traffic to the candidate',
  abort: 'end it: all traffic to the baseline',
  'roll-back': 'all traffic to the baseline, and count it as failed',
};

const existing = { create: false } as const;

async function start(model: string, options: StartOptions): Promise<void> {
  const { candidate, baseline, alpha, sticky, mode, force } = options;
  const file = options.options === undefined ? {} : await readRolloutOptions(options.options);
  await withStore(options.store, existing, async (store) => {
    const rollout = await beginRollout(store, {
      ...{ model, candidate, now: Date.now(), by: userInfo().username },
      ...(baseline === undefined ? {} : { baseline }),
      ...(force === undefined ? {} : { force }),
      options: {
        ...file,
        ...(alpha === undefined ? {} : { alpha }),
        ...(sticky === undefined ? {} : { sticky }),
        ...(mode === undefined ? {} : { mode }),
      },
    });
    await show(store, rollout, options);
  });
}

async function status(reference: string | undefined, options: CommonOptions): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    if (reference !== undefined) {
      const rollout = await find(store, reference);
      await show(store, rollout, options);
      if (rollout.state.phase === 'rolled-back') answerIsNo();
      return;
    }
    const rollouts = (await store.listRollouts()).map(asRollout);
    const documents = await Promise.all(rollouts.map((each) => rolloutDocument(store, each)));
    const success = await rolloutSuccess(store);
    answer(options, { rollouts: documents, success }, rolloutListLines(documents, success, terminalOptions()));
  });
}

async function takeLooks(reference: string | undefined, options: CommonOptions): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const open = reference === undefined ? await store.listRollouts({ open: true }) : [await find(store, reference)];
    const documents = [];
    for (const { id } of open)
      documents.push(await rolloutDocument(store, await advanceRollout(store, id, Date.now())));
    const text = documents.map((each) => rolloutLines(each, terminalOptions())).join('\n\n');
    const single = reference !== undefined;
    answer(options, single ? documents[0] : { rollouts: documents }, text || 'No rollout is under way.');
    if (single && documents[0].state === 'rolled-back') answerIsNo();
  });
}

async function tell(asked: Asked, reference: string, options: CommonOptions & { reason: string }): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const { id } = await find(store, reference);
    const told = { at: Date.now(), by: userInfo().username, reason: options.reason };
    await show(store, await commandRollout(store, id, asked, told), options);
  });
}

async function show(store: Store, rollout: Rollout, options: CommonOptions): Promise<void> {
  const document = await rolloutDocument(store, rollout);
  answer(options, document, rolloutLines(document, terminalOptions()));
}

/** A rollout by its id, or the last one of a model. */
async function find(store: Store, reference: string): Promise<Rollout> {
  const [last] = await store.listRollouts({ model: reference, limit: 1 });
  return asRollout(last ?? (await store.getRollout(reference)));
}
