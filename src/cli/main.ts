import { Command, CommanderError } from 'commander';
import { BallastError } from '../errors.js';
import { fail } from './failure.js';
import { takeExitCode } from './output.js';
import { outliveClosedPipes } from './pipes.js';
import { version } from './version.js';

/** Commands by name: one file each, loaded only when used, so that `--help` is quick. */
const COMMANDS = {
  init: async () => (await import('./init.js')).initCommand,
  recipes: async () => (await import('./recipes.js')).recipesCommand,
  train: async () => (await import('./train.js')).trainCommand,
  path: async () => (await import('./path.js')).pathCommand,
  sweep: async () => (await import('./sweep.js')).sweepCommand,
  sweeps: async () => (await import('./sweeps.js')).sweepsCommand,
  worker: async () => (await import('./worker.js')).workerCommand,
  evaluate: async () => (await import('./evaluate.js')).evaluateCommand,
  landscape: async () => (await import('./landscape.js')).landscapeCommand,
  ledger: async () => (await import('./ledger.js')).ledgerCommand,
  diagnose: async () => (await import('./diagnose.js')).diagnoseCommand,
  labels: async () => (await import('./labels.js')).labelsCommand,
  drift: async () => (await import('./drift.js')).driftCommand,
  calibrate: async () => (await import('./calibrate.js')).calibrateCommand,
  regularizers: async () => (await import('./regularizers.js')).regularizersCommand,
  runs: async () => (await import('./runs.js')).runsCommand,
  data: async () => (await import('./data.js')).dataCommand,
  advise: async () => (await import('./advise.js')).adviseCommand,
  compress: async () => (await import('./compress.js')).compressCommand,
  bench: async () => (await import('./bench.js')).benchCommand,
  compare: async () => (await import('./compare.js')).compareCommand,
  explain: async () => (await import('./explain.js')).explainCommand,
  gate: async () => (await import('./gate.js')).gateCommand,
  models: async () => (await import('./models.js')).modelsCommand,
  slo: async () => (await import('./slo.js')).sloCommand,
  alerts: async () => (await import('./alerts.js')).alertsCommand,
  runbook: async () => (await import('./runbook.js')).runbookCommand,
  rollout: async () => (await import('./rollout.js')).rolloutCommand,
  bundle: async () => (await import('./bundle.js')).bundleCommand,
  scenario: async () => (await import('./scenario.js')).scenarioCommand,
  export: async () => (await import('./export.js')).exportCommand,
  serve: async () => (await import('./serve.js')).serveCommand,
  retention: async () => (await import('./retention.js')).retentionCommand,
  users: async () => (await import('./users.js')).usersCommand,
  audit: async () => (await import('./audit.js')).auditCommand,
  schema: async () => (await import('./schema.js')).schemaCommand,
  doctor: async () => (await import('./doctor.js')).doctorCommand,
} as const satisfies Record<string, () => Promise<() => Command>>;

const SUMMARIES: Readonly<Record<keyof typeof COMMANDS, string>> = {
  init: 'write a spec from a recipe',
  recipes: 'list the ready-made recipes',
  train: 'train the baseline and the spec’s model, side by side, tracked',
  path: 'the whole regularization path of a linear model, cross-validated',
  sweep: 'search strengths, techniques, capacity; corrected for the luck of the best',
  sweeps: 'list, status, resume, stop sweeps',
  worker: 'takes trials from the queue of a PostgreSQL store',
  evaluate: 'metrics with intervals, per class and slice; --holdout reads the locked rows',
  landscape: 'how sharp the minimum is: loss around a model, its curvature, plots of its surface',
  ledger: 'the gap ledger of a run: how much quality was lost where',
  labels: 'the truth about what was answered: ingest, missing, sample, report',
  drift: 'whether rows, columns and predictions are still what they were, at a stated error rate',
  diagnose: 'what is wrong, by controlled experiments, and the change that mends it; --apply',
  calibrate: 'probabilities that can be taken at their word: fitted, cross-fitted, written into the model',
  regularizers: 'the catalogue of regularizers; a method card',
  runs: 'list, show, compare, reproduce, import, export tracked runs',
  data: 'check data for leaks and poisoning; its version',
  advise: 'is regularization needed here? a starting spec',
  compress: 'a smaller, faster model on a Pareto front: prune, distil, quantize, recalibrate; chosen by constraints',
  bench: 'what a model costs here: latency, cold start, memory, bytes, money; two in turns',
  compare: 'two models on the same rows, with paired tests',
  explain: 'the terms of the field, frequent questions, a plan of seven days',
  gate: 'does a run or a model hold to the rules? exit code and Markdown for continuous integration',
  models: 'the registry: versions, aliases, checklists, who answers for a model',
  slo: 'what is promised of models, and what was kept: objectives, budgets, burn rates',
  alerts: 'what fires, for whom, since when; silences and planned windows',
  runbook: 'what an alert means, how to check it, what to do, when to escalate; how to go back, retrain, adjust',
  rollout: 'bring a version into traffic, with proven error rates: shadow, canary, promotion, roll-back',
  bundle: 'signed bundles on a device: key, verify, apply, roll-back, status',
  export:
    'files for other systems: Kubernetes, KServe, Argo Rollouts, Envoy, OpenSLO, Prometheus rules, Grafana dashboards',
  scenario: 'whole stories over real servers, one command each: s1, the canary of an image classifier',
  serve: 'one server over the store: MLflow clients log, search, register and download here',
  retention: 'how long observations, sketches, runs and files are kept: show, set, apply; --dry-run',
  users: 'who may use a server over the store: roles, tokens, grants',
  audit: 'who did what, when: promotions, grants, sign-offs, deletions; nothing of it can be changed',
  schema: 'JSON Schema of the spec file',
  doctor: 'is this machine fit',
};

/** Contract commands that later versions bring: said plainly rather than as a typing error. */
const LATER = new Set(['retrain', 'gameday']);

/** A command by its name, as {@link run} loads it; undefined where there is none. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  return Object.hasOwn(COMMANDS, name) ? (await COMMANDS[name as keyof typeof COMMANDS]())() : undefined;
}

/**
 * Runs the command line.
 *
 * @returns the exit code: 0 done; 1 done, and the answer is no; 2 bad input; 3 could not; 130 interrupted
 */
export async function run(argv: readonly string[]): Promise<number> {
  outliveClosedPipes();
  const json = argv.includes('--json');
  const program = new Command('ballast')
    .description('Trains models that generalize, proves that they do, and keeps them that way.')
    .version(version())
    // A command's own --version is that of a model: Ballast's is asked before any command.
    .enablePositionalOptions()
    .addHelpText('after', '\nExample:\n  ballast init digits && ballast train digits/spec.yaml\n');
  try {
    const name = argv.find((word) => !word.startsWith('-'));
    if (name !== undefined && LATER.has(name)) {
      throw usage(`ballast ${name} is not in this version (${version()})`, 'ballast --help lists what is');
    }
    for (const [command, load] of Object.entries(COMMANDS)) {
      const added = command === name ? (await load())() : new Command(command);
      program.addCommand(added.description(SUMMARIES[command as keyof typeof COMMANDS]));
    }
    takeOver(program);
    program.hook('preAction', async (_program, command) => {
      const { resolveModelArguments } = await import('./model-reference.js');
      await resolveModelArguments(command);
    });
    if (argv.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return takeExitCode();
  } catch (error) {
    takeExitCode();
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : fail(usageOf(error, argv, program), json);
    }
    return fail(error, json);
  }
}

/** Makes commander throw instead of exiting, and say nothing itself of what it throws. */
function takeOver(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  for (const inner of command.commands) takeOver(inner);
}

/** What commander found wrong, as an error like all others: one sentence, and where the help is. */
function usageOf(error: CommanderError, argv: readonly string[], program: Command): BallastError {
  const words = argv.filter((word) => !word.startsWith('-'));
  const outer = program.commands.find((command) => command.name() === words[0]) ?? program;
  const command = outer.commands.find((inner) => outer !== program && inner.name() === words[1]) ?? outer;
  if (error.code === 'commander.help') {
    const names = command.commands.map((inner) => inner.name()).join(', ');
    return usage(`ballast ${command.name()} needs one of its commands: ${names}`, helpOf(command));
  }
  const [sentence, meant] = error.message.replace(/^error: /, '').split('\n');
  const remedy = meant === undefined ? helpOf(command) : `${meant.replace(/^\((.*)\)$/, '$1')} ${helpOf(command)}`;
  return usage(sentence.replace(/\.$/, ''), remedy);
}

function helpOf(command: Command): string {
  const names = [command.name()];
  for (let outer = command.parent; outer !== null; outer = outer.parent) names.unshift(outer.name());
  return `${names.join(' ')} --help shows how`;
}

function usage(message: string, remedy: string): BallastError {
  return new BallastError(message, { code: 'USAGE', remedy });
}
