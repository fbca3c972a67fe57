import { basename, dirname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { BallastError } from '../errors.js';
import { withCalibration } from '../evaluation/calibrators/calibrated-model.js';
import { CALIBRATION_METHODS, type CalibrationMethod } from '../evaluation/calibrators/calibrator.js';
import { calibrate } from '../evaluation/calibrators/report.js';
import { CONFORMAL_KINDS, type ConformalSetKind, type IntervalBase } from '../evaluation/conformal/conformal.js';
import { withConformal } from '../evaluation/conformal/conformal-model.js';
import { type ConformalReport, conformalIntervals, conformalSets } from '../evaluation/conformal/report.js';
import type { PredictionInput, RegressionInput } from '../evaluation/input.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { readModelFile, writeModelFile } from '../graph/format/file.js';
import type { Model } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { upgrade } from '../graph/upgrade/index.js';
import { calibrationPlot } from '../reports/plots/calibration.js';
import { calibrationTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { evaluateOther, scoreValidation } from '../tuning/evaluate-run.js';
import { CALIBRATED } from '../tuning/result-record.js';
import { modelOfRun } from '../tuning/run-rows.js';
import { allRows, measureShift, type Shift, shiftOfRun } from '../tuning/shift.js';
import { readLike, readSubject, scoreFile } from './evaluate-file.js';
import { type FileOptions, OF_FILES, withFileOptions } from './file-options.js';
import { refuseGiven } from './given-options.js';
import { localFolder } from './local-folder.js';
import { predictionsOn } from './locked-rows.js';
import { svgFile, wholeNumber } from './option-values.js';
import { answer, note } from './output.js';
import { readProbabilities } from './probabilities-file.js';
import { withStore } from './use-store.js';

interface CalibrateOptions extends FileOptions {
  method: CalibrationMethod | 'auto';
  probabilities?: string;
  folds: number;
  out?: string;
  plot?: string;
  coverage?: number;
  sets: ConformalSetKind;
  intervals: 'residual' | 'scaled';
  quantiles?: [string, string];
  shifted?: string;
}

export function calibrateCommand(): Command {
  return withFileOptions(new Command('calibrate'))
    .argument('[model]', 'run (its id or runs:/ID), .onnx file, or models:/NAME/VERSION')
    .option('--data <source>', 'rows that the model was not trained on; a run’s own validation rows unless given')
    .option('--probabilities <file>', 'instead of a model: CSV or npz with probabilities (or logits) and labels')
    .addOption(
      new Option('--method <method>', 'auto: the simplest of the best by cross-fitting')
        .choices(['auto', ...CALIBRATION_METHODS])
        .default('auto'),
    )
    .option('--folds <count>', 'folds of cross-fitting', wholeNumber(2, 50), 5)
    .option('--out <file>', 'calibrated model; beside the model unless given')
    .option(
      '--coverage <share>',
      'also promise sets of classes (or intervals) that hold the truth so often: 0.9',
      share,
    )
    .addOption(
      new Option('--sets <kind>', 'lac: smallest; aps: steadier; class: the promise holds within each class')
        .choices(CONFORMAL_KINDS)
        .default('lac'),
    )
    .addOption(
      new Option('--intervals <kind>', 'of a regression: residual, as wide everywhere; scaled by the deviation it says')
        .choices(['residual', 'scaled'])
        .default('residual'),
    )
    .option(
      '--quantiles <lower,upper>',
      'of a regression: outputs (.onnx) that predict two quantiles, to be widened',
      twoNames,
    )
    .option(
      '--shifted <source>',
      'promise coverage of rows like these, which need no right answers, not of rows like those of the fit',
    )
    .option('--plot <file.svg>', 'draw reliability before and after', svgFile)
    .addHelpText(
      'after',
      `
Figures after are cross-fitted: every row is judged by a map that was fitted without it.

Examples:
  ballast calibrate 3f2a91c0
  ballast calibrate 3f2a91c0 --coverage 0.9
  ballast calibrate 3f2a91c0 --coverage 0.9 --shifted this-week.csv
  ballast calibrate bands.onnx --data rows.csv --target y --task regression --quantiles q05,q95 --coverage 0.9
  ballast calibrate model.onnx --data rows.csv --target y --output scores:logits --method temperature
  ballast calibrate --probabilities softmax.npz --plot reliability.svg
`,
    )
    .action(calibrateAction);
}

async function calibrateAction(
  reference: string | undefined,
  options: CalibrateOptions,
  command: Command,
): Promise<void> {
  if ((reference === undefined) === (options.probabilities === undefined)) {
    throw new BallastError('what to calibrate is not clear', {
      code: 'USAGE',
      remedy: 'Give a model, or --probabilities FILE',
    });
  }
  refuseWithoutEffect(reference, options, command);
  const subject: Subject =
    reference === undefined
      ? await readProbabilities(options.probabilities ?? '', options.target)
      : await scoreModel(reference, options);
  refuseWeightedPromise(subject.predictions, options);
  if (subject.predictions.task === 'regression') {
    refuseGiven(command, ['method', 'folds', 'plot', 'sets'], {
      reason: 'is of classification, and this is a regression',
    });
    await promiseIntervals(subject, subject.predictions, options);
    return;
  }
  refuseGiven(command, ['intervals', 'quantiles'], { reason: 'is of a regression, and this is a classification' });
  const report = calibrate(subject.predictions, {
    method: options.method,
    folds: options.folds,
    onMethod: (method) => note(`${method} on ${subject.predictions.target.length} rows`),
  });
  const { probabilities, reliability: _reliability, ...document } = report;
  const { shift } = subject;
  const conformal =
    options.coverage === undefined
      ? undefined
      : conformalSets(options.sets, subject.predictions, probabilities, options.coverage, shift);
  const path = subject.model === undefined ? null : (options.out ?? subject.model.out);
  if (subject.model !== undefined && path !== null) {
    const { model, output } = subject.model;
    const { name, kind } = output;
    if (kind === 'predictions') throw new Error('a classification has no predictions');
    const calibrated = withCalibration(upgrade(model), { name, kind }, report.map, subject.classes);
    const promised =
      conformal === undefined ? calibrated : withConformal(calibrated, output, conformal.map, subject.classes);
    await writeDescribed(promised, path, {
      'ballast.calibration': { method: report.method, rows: report.rows, map: report.map },
      ...(conformal === undefined ? {} : { 'ballast.conformal': conformal }),
    });
  }
  const kept = path === null ? undefined : await keepCalibrated(subject, path, options.store);
  if (options.plot !== undefined) await writeFileAtomically(options.plot, [Buffer.from(calibrationPlot(report))]);
  answer(
    options,
    { ...document, ...(conformal === undefined ? {} : { conformal, ...told(shift) }), model: path },
    [
      calibrationTable(report, terminalOptions()),
      '',
      ...(report.warning === undefined ? [] : [`warning  ${report.warning}. Prefer temperature, or give more rows.`]),
      ...(conformal === undefined ? [] : [promise(conformal, 'classes a set'), ...shiftLines(shift)]),
      ...(path === null ? [] : [`model    ${path}`]),
      ...(kept === undefined
        ? []
        : [`next     ballast evaluate ${kept.slice(0, 8)} --holdout judges it beside the model`]),
      ...(options.plot === undefined ? [] : [`plot     ${options.plot}`]),
    ].join('\n'),
  );
}

function refuseWithoutEffect(reference: string | undefined, { coverage }: CalibrateOptions, command: Command): void {
  if (coverage === undefined) {
    refuseGiven(command, ['sets', 'intervals', 'quantiles', 'shifted'], {
      reason: 'says what is promised',
      remedy: 'Add --coverage 0.9, or leave it out',
    });
  }
  if (reference === undefined) {
    refuseGiven(command, ['data', 'spec', 'task', 'output', 'classes', 'input', 'out', 'shifted', 'quantiles'], {
      reason: 'is about a model, and --probabilities has none',
    });
  } else if (!reference.endsWith('.onnx')) {
    refuseGiven(command, [...OF_FILES, 'quantiles'], {
      reason: 'describes an .onnx file, and a run knows it already',
    });
  } else if (command.getOptionValueSource('quantiles') === 'cli') {
    refuseGiven(command, ['output', 'intervals'], { reason: 'is of one prediction, and --quantiles has two' });
  }
}

/** A promise is about rows as they come, one by one; where rows count differently it would be about other rows. */
function refuseWeightedPromise({ weights }: PredictionInput, { coverage }: CalibrateOptions): void {
  if (coverage === undefined || weights === undefined) return;
  throw new BallastError('coverage is promised for rows that count alike, and these rows have weights', {
    code: 'CONFORMAL_WEIGHTS',
    place: '--coverage',
    remedy: 'Calibrate without --coverage, or on data without a weight column',
  });
}

/** A regression has no probabilities: what can be promised of it is intervals. */
async function promiseIntervals(subject: Subject, predictions: RegressionInput, options: CalibrateOptions) {
  const { coverage } = options;
  if (coverage === undefined) {
    throw new BallastError('a regression has no probabilities to calibrate', {
      code: 'CALIBRATION_REGRESSION',
      remedy: 'Add --coverage 0.9 for intervals that hold the truth so often',
    });
  }
  const { shift } = subject;
  const conformal = conformalIntervals(
    intervalBase(subject, predictions, options),
    predictions.target,
    coverage,
    shift,
  );
  const path = subject.model === undefined ? null : (options.out ?? subject.model.out);
  if (subject.model !== undefined && path !== null) {
    const { model, output } = subject.model;
    await writeDescribed(withConformal(upgrade(model), output, conformal.map, 0), path, {
      'ballast.conformal': conformal,
    });
  }
  answer(
    options,
    { conformal, ...told(shift), rows: predictions.target.length, model: path },
    [promise(conformal, 'wide'), ...shiftLines(shift), ...(path === null ? [] : [`model    ${path}`])].join('\n'),
  );
}

function intervalBase(
  { upper }: Subject,
  { predictions, said }: RegressionInput,
  { intervals, quantiles }: CalibrateOptions,
): IntervalBase {
  if (quantiles !== undefined && upper !== undefined) {
    return { kind: 'quantile', lower: predictions, upper, outputs: quantiles };
  }
  if (intervals === 'residual') return { kind: 'residual', predictions };
  const deviation = (['predictiveDeviation', 'deviation'] as const).find((name) => said?.[name] !== undefined);
  const deviations = deviation === undefined ? undefined : said?.[deviation];
  if (deviation !== undefined && deviations !== undefined)
    return { kind: 'scaled', predictions, deviations, deviation };
  throw new BallastError('the model does not say how uncertain its predictions are', {
    code: 'CONFORMAL_DEVIATION',
    place: '--intervals',
    remedy: 'Train with laplace, swag, variational, mc-dropout or ensemble, or take --intervals residual',
  });
}

/** The shift as the document tells it. */
const told = (shift: Shift | undefined): { shift?: { rows: number; effectiveRows: number } } =>
  shift === undefined ? {} : { shift: { rows: shift.shiftedRows, effectiveRows: shift.effectiveRows } };

/** With fewer rows a share is hardly known. */
const FEW_EFFECTIVE = 50;

function shiftLines(shift: Shift | undefined): string[] {
  if (shift === undefined) return [];
  const { effectiveRows, shiftedRows, weights } = shift;
  const few = effectiveRows < FEW_EFFECTIVE ? ': too few to trust the promise, the sources hardly overlap' : '';
  return [
    `shift    weighted towards ${shiftedRows} shifted rows: ${weights.length} rows carry as much as ${effectiveRows.toFixed(0)} equal ones${few}`,
  ];
}

/**
 * Keeps the calibrated model with its run, so that the next evaluation on the holdout judges it too; not where locked rows
 * were among those it was fitted on. Returns the run.
 */
async function keepCalibrated({ run }: Subject, path: string, url: string): Promise<string | undefined> {
  if (run === undefined) return undefined;
  await withStore(url, { create: false }, async (store) => {
    await store.putArtifact(run, CALIBRATED, { file: path }, { mediaType: 'application/x-onnx', model: true });
  });
  return run;
}

async function writeDescribed(model: Model, path: string, entries: Readonly<Record<string, unknown>>): Promise<void> {
  const described = Object.entries(entries).map(([key, value]): [string, string] => [key, JSON.stringify(value)]);
  await writeModelFile({ ...model, metadata: new Map([...model.metadata, ...described]) }, path);
}

function promise({ coverage: { target, value, size, holds, perClass } }: ConformalReport, unit: string): string {
  const percent = (part: number): string => `${(100 * part).toFixed(1)}%`;
  const worst = perClass === undefined ? '' : `; worst class ${percent(Math.min(...perClass))}`;
  return `promise  ${percent(target)} of new rows covered: ${percent(value.value)} of held-out ones were${holds ? '' : ', which is too few'}${worst}; ${size.toPrecision(3)} ${unit}`;
}

interface Subject {
  readonly predictions: PredictionInput;
  readonly classes: number;
  /** Regressions: predicted upper quantiles, where predictions are the lower ones. */
  readonly upper?: ArrayLike<number>;
  /** Where coverage of other rows is promised. */
  readonly shift?: Shift;
  /** The run whose model it is, where it may keep the calibrated one. */
  readonly run?: string;
  /** Absent where only probabilities are given. */
  readonly model?: {
    readonly model: Model;
    readonly output: { readonly name: string; readonly kind: 'logits' | 'probabilities' | 'predictions' };
    /** Where the calibrated model goes unless told otherwise. */
    readonly out: string;
  };
}

async function scoreModel(reference: string, options: CalibrateOptions): Promise<Subject> {
  if (reference.endsWith('.onnx')) {
    const { data } = options;
    if (data === undefined) {
      throw new BallastError('a model file needs rows to be calibrated on', {
        code: 'CALIBRATE_DATA',
        remedy: 'Add --data SOURCE: rows that it was not trained on',
      });
    }
    return scoreModelFile(reference, { ...options, data });
  }
  return withStore(options.store, { create: false }, async (store) => {
    const run = await store.findRun(reference);
    const runtime = await openRuntime();
    const others = options.data === undefined ? undefined : await evaluateOther(store, runtime, run, options.data);
    const predictions = others === undefined ? await scoreValidation(store, runtime, run) : predictionsOn(others);
    const { model, ports } = await modelOfRun(store, run);
    const folder = join(localFolder(options.store), 'experiments', run.groupId ?? run.id);
    const out = join(folder, `${run.name.replaceAll(' ', '-')}.calibrated.onnx`);
    const subject = subjectOf(predictions, model, ports.output, out);
    const shift =
      options.shifted === undefined ? undefined : await shiftOfRun(store, runtime, run, options.shifted, options.data);
    return {
      ...subject,
      ...(shift === undefined ? {} : { shift }),
      ...((others?.locked ?? 0) > 0 ? {} : { run: run.id }),
    };
  });
}

async function scoreModelFile(path: string, options: CalibrateOptions & { data: string }): Promise<Subject> {
  const { quantiles, shifted } = options;
  const out = join(dirname(path), `${basename(path, '.onnx')}.calibrated.onnx`);
  const lower = quantiles === undefined ? options : { ...options, output: `${quantiles[0]}:predictions` };
  const { model, ports, predictions } = await scoreFile(path, lower);
  const subject = subjectOf(predictions, model, ports.output, out);
  const upper =
    quantiles === undefined
      ? undefined
      : (await scoreFile(path, { ...options, output: `${quantiles[1]}:predictions` })).predictions.predictions;
  const shift = shifted === undefined ? undefined : await shiftOfFile(path, options, shifted);
  return { ...subject, ...(upper === undefined ? {} : { upper }), ...(shift === undefined ? {} : { shift }) };
}

async function shiftOfFile(
  path: string,
  options: CalibrateOptions & { data: string },
  shifted: string,
): Promise<Shift> {
  const own = await readSubject(path, options);
  const table = await readLike(path, options, shifted);
  const asRead = await readModelFile(path);
  const fed = { table: own.table, rows: allRows(own.table) };
  return measureShift(await openRuntime(), { model: asRead, ports: own.ports }, fed, { table, rows: allRows(table) });
}

function subjectOf(
  predictions: PredictionInput,
  model: Model,
  { name, kind }: { name: string; kind: string },
  out: string,
): Subject {
  const usable = predictions.task === 'classification' ? ['logits', 'probabilities'] : ['predictions'];
  if (!usable.includes(kind)) {
    throw new BallastError(`an output of ${kind} has no probabilities to calibrate`, {
      code: 'CALIBRATION_LABELS',
      remedy: 'Name an output of logits or probabilities with --output',
    });
  }
  const classes = predictions.task === 'classification' ? (predictions.classes?.length ?? 2) : 0;
  return {
    predictions,
    classes,
    model: { model, output: { name, kind: kind as 'logits' | 'probabilities' | 'predictions' }, out },
  };
}

/** Reads a share between 0 and 1. */
function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('It is a share between 0 and 1, such as 0.9.');
  return value;
}

/** Reads an option that names two outputs. */
function twoNames(text: string): [string, string] {
  const [lower, upper, ...more] = text.split(',');
  if (!lower || !upper || more.length > 0) throw new InvalidArgumentError('It is two names: LOWER,UPPER.');
  return [lower, upper];
}
