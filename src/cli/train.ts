import { resolve } from 'node:path';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { BallastError } from '../errors.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { classesTable, comparisonTable } from '../reports/terminal.js';
import { worthTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { writeFiles, writeTrainReport } from '../reports/write-report.js';
import { type ResolvedSpec, readSpec } from '../spec/read.js';
import type { Store } from '../store/types.js';
import { commandLine } from '../tuning/environment.js';
import { type ExperimentResult, runExperiment } from '../tuning/experiment.js';
import { specOfExperiment } from '../tuning/find-experiment.js';
import { primaryMetric } from '../tuning/judge.js';
import { worthOf } from '../tuning/worth.js';
import { interruptible } from './interruptible.js';
import { localFolder } from './local-folder.js';
import { answer, answerIsNo, type CommonOptions, note, withCommonOptions } from './output.js';
import { Progress } from './progress.js';
import { resumeCommand } from './resume-command.js';
import { shownPath } from './shown-path.js';
import { trainDocument, trainReportInput } from './train-document.js';
import { withStore } from './use-store.js';
import { version } from './version.js';

interface TrainOptions extends CommonOptions {
  newHoldout?: boolean;
  resume?: string;
  out?: string;
  ablate?: boolean;
}

export function trainCommand(): Command {
  return withCommonOptions(new Command('train'))
    .argument('[spec]', 'spec file (YAML or JSON); with --resume, the recorded spec unless given')
    .option('--new-holdout', 'draw a new holdout where the spec no longer fits the locked one; recorded')
    .option('--resume <experiment>', 'go on with an interrupted experiment: its id (ballast runs list) or latest')
    .option('--ablate', 'train without each regularizer as well, and tell what each is worth')
    .option('--out <folder>', 'folder for report and models; under the store unless given')
    .addHelpText(
      'after',
      `
Exit code 1 where a run diverged: its last good weights are kept.

Examples:
  ballast init digits && ballast train digits/spec.yaml
  ballast train --resume latest
  ballast train digits/spec.yaml --ablate
`,
    )
    .action(async (path: string | undefined, options: TrainOptions) => {
      if (path === undefined) return resumeRecorded(options);
      const resolved = await readSpec(path);
      await withStore(options.store, { create: true }, (store) => trainSpec(resolved, store, options));
    });
}

/** Goes on with an experiment by its record alone: its spec need not be a file any more. */
async function resumeRecorded(options: TrainOptions): Promise<void> {
  const { resume } = options;
  if (resume === undefined) {
    throw new BallastError('there is no spec to train', {
      code: 'USAGE',
      remedy: 'Name a spec file, or an interrupted experiment with --resume',
    });
  }
  await withStore(options.store, { create: false }, async (store) =>
    trainSpec(await specOfExperiment(store, resume), store, options),
  );
}

async function trainSpec(resolved: ResolvedSpec, store: Store, options: TrainOptions): Promise<void> {
  if (options.ablate === true && resolved.spec.regularizers.length === 0) {
    throw new BallastError('there is nothing to leave out: the spec has no regularizers', {
      code: 'SPEC_NOTHING_TO_ABLATE',
      place: `${resolved.path ?? 'spec'} regularizers`,
      remedy: 'Add regularizers, or train without --ablate',
    });
  }
  // A folder that cannot be made is better known before hours of training.
  if (options.out !== undefined) await writeFiles(resolve(options.out), []);
  const runtime = await openRuntime();
  const interruption = interruptible();
  const progress = new Progress(primaryMetric(resolved.spec), resolved.spec.training.epochs);
  let begun: string | undefined;
  let result: ExperimentResult;
  try {
    result = await runExperiment(resolved, {
      store,
      runtime,
      workFolder: localFolder(options.store),
      ballastVersion: version(),
      onEvent(event) {
        if (event.type === 'run') begun = event.experiment;
        progress.show(event);
      },
      signal: interruption.signal,
      newHoldout: options.newHoldout === true,
      ablate: options.ablate === true,
      ...(options.resume === undefined ? {} : { resume: options.resume }),
    });
  } catch (error) {
    progress.end();
    if (begun !== undefined) note(`What was trained so far is kept. Once this is mended, go on with: ${goOn(begun)}`);
    throw error;
  } finally {
    progress.end();
    interruption.stop();
  }
  if (result.interrupted) throw interrupted(begun);
  const ablated = options.ablate === true || result.runs.some(({ role }) => role === 'ablation');
  const worth = ablated ? worthOf(resolved, result) : undefined;
  const input = await trainReportInput(resolved, result, store, stringify(resolved.spec), worth);
  const { report } = await writeTrainReport(input, resolve(options.out ?? result.folder));
  const diverged = result.runs.filter(({ outcome }) => outcome === 'diverged');
  if (diverged.length > 0) answerIsNo();
  const proven = result.runs.findLast(({ role }) => role === 'model') ?? result.runs.at(-1);
  answer(
    options,
    trainDocument(resolved, result, report, worth),
    [
      comparisonTable(input, terminalOptions()),
      ...[classesTable(input, terminalOptions())].flatMap((table) => (table === '' ? [] : ['', table])),
      '',
      ...(worth === undefined ? [] : [worthTable(worth, result.primary, terminalOptions()), '']),
      ...diverged.map(({ role, findings }) => `${role} diverged: ${findings[0]?.message}. ${findings[0]?.remedy}.`),
      `report   ${shownPath(report)}`,
      ...result.runs
        .slice(0, 2)
        .map((run) => `${run.role.padEnd(8)} ${shownPath(run.modelPath)}  run ${run.runId.slice(0, 8)}`),
      `Next: ballast evaluate ${proven?.runId.slice(0, 8)} --holdout   (reads the locked rows; counted)`,
    ].join('\n'),
  );
}

function goOn(experiment: string): string {
  return resumeCommand(commandLine(), experiment);
}

function interrupted(experiment: string | undefined): BallastError {
  const common = { code: 'INTERRUPTED', kind: 'cancelled' } as const;
  if (experiment === undefined) return new BallastError('interrupted before a run began; nothing was recorded', common);
  return new BallastError('interrupted; everything up to the last step is kept', {
    ...common,
    remedy: `Go on with: ${goOn(experiment)}`,
  });
}
