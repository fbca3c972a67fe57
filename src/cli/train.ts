import { resolve } from 'node:path';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { BallastError } from '../errors.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { comparisonTable, terminalOptions } from '../reports/terminal.js';
import { writeTrainReport } from '../reports/write-report.js';
import { readSpec } from '../spec/read.js';
import { openStore } from '../store/index.js';
import { runExperiment } from '../tuning/experiment.js';
import { primaryMetric } from '../tuning/judge.js';
import { localFolder } from './local-folder.js';
import { answer, type CommonOptions, note, withCommonOptions } from './output.js';
import { Progress } from './progress.js';
import { trainDocument, trainReportInput } from './train-document.js';
import { version } from './version.js';

interface TrainOptions extends CommonOptions {
  newHoldout?: boolean;
  resume?: string;
  out?: string;
}

export function trainCommand(): Command {
  return withCommonOptions(new Command('train'))
    .argument('<spec>', 'spec file (YAML or JSON)')
    .option('--new-holdout', 'draw a new holdout where the spec no longer fits the locked one; recorded')
    .option('--resume <experiment>', 'go on with an interrupted experiment')
    .option('--out <folder>', 'folder for report and models; under the store unless given')
    .addHelpText('after', '\nExample:\n  ballast init digits && ballast train digits/spec.yaml\n')
    .action(async (path: string, options: TrainOptions) => {
      const resolved = await readSpec(path);
      const runtime = await openRuntime();
      const store = await openStore(options.store);
      const interruption = interruptible();
      const progress = new Progress(primaryMetric(resolved.spec), resolved.spec.training.epochs);
      try {
        const result = await runExperiment(resolved, {
          store,
          runtime,
          workFolder: localFolder(options.store),
          ballastVersion: version(),
          onEvent: (event) => progress.show(event),
          signal: interruption.signal,
          newHoldout: options.newHoldout === true,
          ...(options.resume === undefined ? {} : { resume: options.resume }),
        });
        progress.end();
        if (result.interrupted) {
          throw new BallastError('interrupted; everything up to the last step is kept', {
            code: 'INTERRUPTED',
            kind: 'cancelled',
            remedy: `Go on with: ballast train ${path} --resume ${result.id}`,
          });
        }
        const input = await trainReportInput(resolved, result, store, stringify(resolved.spec));
        const { report } = await writeTrainReport(input, resolve(options.out ?? result.folder));
        const text = [
          comparisonTable(input, terminalOptions()),
          '',
          `report   ${report}`,
          ...result.runs.slice(0, 2).map((run) => `${run.role.padEnd(8)} ${run.modelPath}  run ${run.runId}`),
          `Next: ballast evaluate ${result.runs.at(-1)?.runId.slice(0, 8)} --holdout   (reads the locked rows; counted)`,
        ].join('\n');
        answer(options, trainDocument(result, report), text);
      } finally {
        progress.end();
        interruption.stop();
        await store.close();
      }
    });
}

/** Ctrl-C asks the training to stop after its step; a second one ends the process at once. */
function interruptible(): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130);
    note('\nStopping after this step and saving; once more to quit at once.');
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    stop: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
