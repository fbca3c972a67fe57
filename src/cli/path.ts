import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { openRuntime } from '../graph/runtime/choose.js';
import { FAMILIES, type FamilyName } from '../paths/families/family.js';
import { writePathReport } from '../reports/path-report.js';
import { pathLines } from '../reports/path-text.js';
import { readSpec } from '../spec/read.js';
import { type PathEvent, runPath } from '../tuning/path-run.js';
import { interruptible } from './interruptible.js';
import { localFolder } from './local-folder.js';
import { between01, positive, shareOf, wholeNumber } from './option-values.js';
import { answer, type CommonOptions, note, withCommonOptions } from './output.js';
import { type AlongOptions, pathAlong, refuseOther } from './path-along.js';
import { type ChoosingOptions, choiceOf, intervalsOf, refuseUnchosen, withChoosingOptions } from './path-choosing.js';
import { pathDocument, pathReportInput } from './path-document.js';
import { type ColumnOptions, withColumnOptions, withColumns } from './path-penalties.js';
import { withStore } from './use-store.js';
import { version } from './version.js';

interface PathCommandOptions extends CommonOptions, ChoosingOptions, ColumnOptions {
  family?: FamilyName;
  delta?: number;
  quantile?: number;
  grouped?: boolean;
  alpha: number;
  folds: number;
  repeats: number;
  workers?: number;
  lambdas: number;
  ratio?: number;
  tolerance: number;
  standardize: boolean;
  intercept: boolean;
  newHoldout?: boolean;
  out?: string;
}

export function pathCommand(): Command {
  return withColumnOptions(withChoosingOptions(withCommonOptions(new Command('path'))))
    .argument('<spec>', 'spec file (YAML or JSON) whose model is linear or logistic; any with --along')
    .addOption(
      new Option('--family <family>', 'distribution of the target; by the target unless given').choices(FAMILIES),
    )
    .option('--delta <distance>', 'huber: error from which on the loss is linear; by the target unless given', positive)
    .option('--quantile <share>', 'quantile: which, 0.5 is the median', between01)
    .option('--grouped', 'multinomial: a feature comes into the model for all classes at once')
    .option('--alpha <share>', 'share of the lasso: 1 is lasso, 0 ridge, between them elastic net', shareOf, 1)
    .option('--folds <count>', 'folds of the cross-validation', wholeNumber(2, 1000), 10)
    .option('--repeats <count>', 'cross-validations on other folds, whose mean is taken', wholeNumber(1, 1000), 1)
    .option(
      '--workers <count>',
      'folds that are fitted at once; by the size of the data unless given',
      wholeNumber(1, 256),
    )
    .option('--lambdas <count>', 'penalties along the path', wholeNumber(1, 10_000), 100)
    .option('--ratio <share>', 'least penalty over the largest; 1e-4, or 1e-2 with more features than rows', between01)
    .option('--tolerance <gap>', 'largest duality gap, relative to the null deviance', between01, 1e-8)
    .option('--no-standardize', 'penalise coefficients of features as they are encoded')
    .option('--no-intercept', 'fit no intercept')
    .option('--along <type>', 'train any model along the strength of this regularizer instead, each from the last')
    .option('--strengths <count>', 'with --along: strengths beside none', wholeNumber(2, 1000), 8)
    .option('--from <strength>', 'with --along: least strength above none', positive)
    .option('--to <strength>', 'with --along: largest strength', positive)
    .option('--members <count>', 'with --along: trainings of each, on other rows and seeds', wholeNumber(1, 100), 3)
    .option(
      '--warm-epochs <count>',
      'with --along: epochs of each but the first; a third unless given',
      wholeNumber(1, 1e6),
    )
    .option('--new-holdout', 'draw a new holdout where the spec no longer fits the locked one; recorded')
    .option('--out <folder>', 'folder for the report; under the store unless given')
    .addHelpText(
      'after',
      `
The holdout is locked and not read; ballast evaluate RUN --holdout reads it.

Examples:
  ballast path spec.yaml
  ballast path survival.yaml --family cox          (data.target: the time, data.columns.event: 1 where the event was seen)
  ballast path spec.yaml --alpha 0.5 --folds 5 --choose min --json
  ballast path classes.yaml --family multinomial --grouped
  ballast path spec.yaml --family quantile --quantile 0.9
  ballast path spec.yaml --penalty fused
  ballast path spec.yaml --groups place=city+street,person=age+sex
  ballast path spec.yaml --factors age=0 --non-negative income
  ballast path spec.yaml --penalty mcp --choose bic
  ballast path spec.yaml --choose stability --threshold 0.8 --nested 5
  ballast path spec.yaml --choose knockoffs --fdr 0.2 --intervals age,income
  ballast path deep.yaml --along weight-decay --strengths 6 --members 5
`,
    )
    .action(pathAction);
}

async function pathAction(
  file: string,
  options: PathCommandOptions & Partial<AlongOptions>,
  command: Command,
): Promise<void> {
  const { along } = options;
  refuseOther(command, along);
  refuseUnchosen(command, options);
  if (along !== undefined) {
    const { strengths = 8, members = 3 } = options;
    await pathAlong(file, { ...options, along, strengths, members });
    return;
  }
  await convexPath(file, options);
}

async function convexPath(file: string, options: PathCommandOptions): Promise<void> {
  const started = performance.now();
  const resolved = withColumns(await readSpec(file), options);
  await withStore(options.store, { create: true }, async (store) => {
    const runtime = await openRuntime();
    const interruption = interruptible();
    try {
      const { alpha, lambdas, ratio, tolerance, standardize, intercept, folds, repeats, workers } = options;
      const { family, delta, quantile, grouped, nested } = options;
      const run = await runPath(resolved, {
        store,
        runtime,
        workFolder: localFolder(options.store),
        ballastVersion: version(),
        family,
        path: { delta, quantile, grouped, alpha, count: lambdas, ratio, tolerance, standardize, intercept },
        folds,
        repeats,
        workers,
        choice: choiceOf(options),
        intervals: intervalsOf(options),
        nested,
        newHoldout: options.newHoldout === true,
        signal: interruption.signal,
        onEvent: progress(),
      });
      const input = pathReportInput(resolved, run);
      const { report } = await writePathReport(input, resolve(options.out ?? run.folder));
      const seconds = (performance.now() - started) / 1000;
      answer(options, pathDocument(resolved, run, report, seconds), pathLines(input, report));
    } finally {
      interruption.stop();
    }
  });
}

/** Lines on stderr: the data, what is worth knowing, and every few seconds how far it is. */
function progress(): (event: PathEvent) => void {
  const EVERY_MS = 2000;
  let told = performance.now();
  return (event) => {
    if (event.type === 'data') {
      note(`data  ${event.name} ${event.version}: ${event.rows} training rows, ${event.features} features`);
    } else if (event.type === 'notice') {
      note(event.message);
    } else if (performance.now() - told > EVERY_MS) {
      told = performance.now();
      note(`${event.part}: ${event.done} of ${event.of} models`);
    }
  };
}
