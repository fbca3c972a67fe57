import { Command, CommanderError } from 'commander';
import { fail } from './failure.js';
import { takeExitCode } from './output.js';
import { version } from './version.js';

/** Commands by name: one file each, loaded only when used, so that `--help` is quick. */
const COMMANDS = {
  init: async () => (await import('./init.js')).initCommand,
  recipes: async () => (await import('./recipes.js')).recipesCommand,
  train: async () => (await import('./train.js')).trainCommand,
  evaluate: async () => (await import('./evaluate.js')).evaluateCommand,
  ledger: async () => (await import('./ledger.js')).ledgerCommand,
  regularizers: async () => (await import('./regularizers.js')).regularizersCommand,
  runs: async () => (await import('./runs.js')).runsCommand,
  data: async () => (await import('./data.js')).dataCommand,
  advise: async () => (await import('./advise.js')).adviseCommand,
  schema: async () => (await import('./schema.js')).schemaCommand,
  doctor: async () => (await import('./doctor.js')).doctorCommand,
} as const satisfies Record<string, () => Promise<() => Command>>;

const SUMMARIES: Readonly<Record<keyof typeof COMMANDS, string>> = {
  init: 'write a spec from a recipe',
  recipes: 'list the ready-made recipes',
  train: 'train the baseline and the spec’s model, side by side, tracked',
  evaluate: 'metrics with intervals, per class and slice; --holdout reads the locked rows',
  ledger: 'the gap ledger of a run: how much quality was lost where',
  regularizers: 'the catalogue of regularizers; a method card',
  runs: 'list, show, compare, reproduce tracked runs',
  data: 'check data for leaks and poisoning; its version',
  advise: 'is regularization needed here? a starting spec',
  schema: 'JSON Schema of the spec file',
  doctor: 'is this machine fit',
};

/** Contract commands that later versions bring: said plainly rather than as a typing error. */
const LATER = new Set([
  'sweep',
  'sweeps',
  'path',
  'calibrate',
  'diagnose',
  'compress',
  'compare',
  'bench',
  'models',
  'serve',
  'rollout',
  'drift',
  'slo',
  'alerts',
  'labels',
  'retrain',
  'runbook',
  'gameday',
  'scenario',
  'worker',
  'gate',
  'export',
  'explain',
]);

/**
 * Runs the command line.
 *
 * @returns the exit code: 0 done; 1 done, and the answer is no; 2 bad input; 3 could not; 130 interrupted
 */
export async function run(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json');
  try {
    const program = new Command('ballast')
      .description('Trains models that generalize, proves that they do, and keeps them that way.')
      .version(version())
      .exitOverride()
      .showHelpAfterError('(ballast --help shows the commands)')
      .addHelpText('after', '\nExample:\n  ballast init digits && ballast train digits/spec.yaml\n');
    const name = argv.find((word) => !word.startsWith('-'));
    if (name !== undefined && LATER.has(name)) {
      process.stderr.write(`ballast ${name} is not in this version (${version()}); ballast --help lists what is\n`);
      return 2;
    }
    for (const [command, load] of Object.entries(COMMANDS)) {
      if (command === name) {
        const loaded = (await load())();
        program.addCommand(loaded.description(SUMMARIES[command as keyof typeof COMMANDS]));
      } else {
        program.addCommand(new Command(command).description(SUMMARIES[command as keyof typeof COMMANDS]));
      }
    }
    for (const command of program.commands) overrideExit(command);
    if (argv.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return takeExitCode();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return fail(error, json);
  }
}

function overrideExit(command: Command): void {
  command.exitOverride();
  for (const inner of command.commands) overrideExit(inner);
}
