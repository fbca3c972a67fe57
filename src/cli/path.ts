import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { openRuntime } from '../graph/runtime/choose.js';
import type { FamilyName } from '../paths/families/family.js';
import { writePathReport } from '../reports/path-report.js';
import { pathLines } from '../reports/path-text.js';
import { readSpec } from '../spec/read.js';
import { type PathChoice, type PathEvent, runPath } from '../tuning/path-run.js';
import { interruptible } from './interruptible.js';
import { localFolder } from './local-folder.js';
import { positive, shareOf, wholeNumber } from './option-values.js';
import { answer, type CommonOptions, note, withCommonOptions } from './output.js';
import { type AlongOptions, pathAlong, refuseOther } from './path-along.js';
import { pathDocument, pathReportInput } from './path-document.js';
import { withStore } from './use-store.js';
import { version } from './version.js';

interface PathCommandOptions extends CommonOptions {
  family?: FamilyName;
  alpha: number;
  folds: number;
  lambdas: number;
  ratio?: number;
  tolerance: number;
  choose: PathChoice;
  standardize: boolean;
  intercept: boolean;
  newHoldout?: boolean;
  out?: string;
}

export function pathCommand(): Command {
  return withCommonOptions(new Command('path'))
    .argument('<spec>', 'spec file (YAML or JSON) whose model is linear or logistic; any with --along')
    .addOption(
      new Option('--family <family>', 'distribution of the target; by the target unless given').choices([
        'gaussian',
        'binomial',
        'poisson',
      ]),
    )
    .option('--alpha <share>', 'share of the lasso: 1 is lasso, 0 ridge, between them elastic net', shareOf, 1)
    .option('--folds <count>', 'folds of the cross-validation', wholeNumber(2, 1000), 10)
    .option('--lambdas <count>', 'penalties along the path', wholeNumber(1, 10_000), 100)
    .option('--ratio <share>', 'least penalty over the largest; 1e-4, or 1e-2 with more features than rows', between01)
    .option('--tolerance <gap>', 'largest duality gap, relative to the null deviance', between01, 1e-8)
    .addOption(
      new Option(
        '--choose <rule>',
        'model that is kept: of least cross-validated error, the sparsest within one standard error of it, or of least criterion',
      )
        .choices(['min', '1se', 'aic', 'bic', 'ebic'])
        .default('1se'),
    )
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
  ballast path spec.yaml --alpha 0.5 --folds 5 --choose min --json
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
  if (along !== undefined) {
    const { strengths = 8, members = 3 } = options;
    await pathAlong(file, { ...options, along, strengths, members });
    return;
  }
  await convexPath(file, options);
}

async function convexPath(file: string, options: PathCommandOptions): Promise<void> {
  const started = performance.now();
  const resolved = await readSpec(file);
  await withStore(options.store, { create: true }, async (store) => {
    const runtime = await openRuntime();
    const interruption = interruptible();
    try {
      const { alpha, lambdas, ratio, tolerance, standardize, intercept, folds, choose, family } = options;
      const run = await runPath(resolved, {
        store,
        runtime,
        workFolder: localFolder(options.store),
        ballastVersion: version(),
        family,
        path: { alpha, count: lambdas, ratio, tolerance, standardize, intercept },
        folds,
        choose,
        newHoldout: options.newHoldout === true,
        signal: interruption.signal,
        onEvent: progress(),
      });
      const input = pathReportInput(resolved, run);
      const { report } = await writePathReport(input, resolve(options.out ?? run.folder));
      const seconds = (performance.now() - started) / 1000;
      answer(options, pathDocument(run, report, seconds), pathLines(input, report));
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

function between01(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value < 1)) {
    throw new InvalidArgumentError('It is a number above 0 and below 1.');
  }
  return value;
}
