import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { formatNumber } from '../charts/index.js';
import { readLarge } from '../data/read/read-large.js';
import { BallastError } from '../errors.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { type DriftReport, type FeatureDrift, measureDrift } from '../monitoring/drift/drift.js';
import { fromEvidently, toEvidently } from '../monitoring/drift/evidently.js';
import { type SourceSummary, summaryOfParquet, summaryOfTable } from '../monitoring/drift/source-summary.js';
import { styles, terminalOptions } from '../reports/terminal-style.js';
import { type TerminalColumn, terminalTable } from '../reports/terminal-table.js';
import { featureSummaries } from './drift-features.js';
import { driftOfModel } from './drift-model.js';
import { collected } from './file-options.js';
import { refuseGiven } from './given-options.js';
import { duration, shareOf, wholeNumber } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, note, withCommonOptions } from './output.js';

interface DriftCommandOptions extends CommonOptions {
  fdr: number;
  leastEffect: number;
  multivariate: 'classifier' | 'mmd' | 'none';
  columns?: string[];
  exclude?: string[];
  predictions?: string[];
  window?: number;
  windows?: number;
  reference?: string;
  evidently?: string;
  heldBytes?: number;
  model?: string;
  layer?: string;
  input: string[];
  seed: number;
}

export function driftCommand(): Command {
  const names = (list: string): string[] => list.split(',');
  return withCommonOptions(new Command('drift'))
    .argument(
      '<reference>',
      'rows as they were: what a model was trained on; or a model: NAME, NAME/VERSION, NAME@ALIAS',
    )
    .argument('[current]', 'rows as they are now; without it, REFERENCE names a model in production')
    .option('--fdr <share>', 'share of false discoveries among all tests', shareOf, 0.05)
    .option('--least-effect <share>', 'least effect that is called drift, as a share of the rows', shareOf, 0.05)
    .addOption(
      new Option('--multivariate <test>', 'of all columns together')
        .choices(['classifier', 'mmd', 'none'])
        .default('classifier'),
    )
    .option('--columns <list>', 'only these columns: A,B,...', names)
    .option('--exclude <list>', 'not these columns', names)
    .option('--predictions <list>', 'columns that are answers of a model, told apart', names)
    .option('--window <time>', 'of a model: length of a window, such as 6h or 1d (1d unless given)', duration)
    .option('--windows <number>', 'of a model: how many windows are looked at (30 unless given)', wholeNumber(1, 1000))
    .option('--reference <source>', 'of a model that is not of a run: rows that it was trained on')
    .option('--evidently <file.json>', 'of two files: write the report as Evidently does, too')
    .option('--model <file.onnx>', 'of images, audio and other arrays: compare what this model makes of them')
    .option('--layer <value>', 'with --model: this value of its graph (what its last layer takes unless given)')
    .option('--input <name=column>', 'with --model: the column of an input; repeatable', collected, [])
    .addOption(
      new Option(
        '--held-bytes <bytes>',
        'files of more are read once, into sketches (67108864 unless given)',
      ).argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
    )
    .option('--seed <number>', 'of samples and splits', wholeNumber(0, 2 ** 31), 1)
    .addHelpText(
      'after',
      `
Numbers are compared by the test of Kolmogorov and Smirnov, categories by chi-square, missing values beside; all tests are
adjusted together (Benjamini and Hochberg). A column drifts where the evidence is clear and the effect is one that matters.
CSV, JSON lines and Parquet beyond 64 MB are read once, into sketches: their size does not matter. Exit code 1 where something drifted.

Examples:
  ballast drift train.csv this-week.csv
  ballast drift reference.parquet current.parquet --predictions score --json
  ballast drift credit@champion --window 6h
  ballast drift evidently-report.json
  ballast drift trained-on/ this-week/ --model classifier.onnx
`,
    )
    .action(driftAction);
}

async function driftAction(
  reference: string,
  current: string | undefined,
  options: DriftCommandOptions,
  command: Command,
): Promise<void> {
  if (current === undefined && /\.json$/i.test(reference)) return driftOfEvidently(reference, options, command);
  if (current === undefined) {
    const ofFiles = ['columns', 'exclude', 'predictions', 'multivariate', 'evidently', 'heldBytes'];
    refuseGiven(command, [...ofFiles, 'model', 'layer', 'input'], {
      reason: 'is of two files, and this is a model in production',
    });
    return driftOfModel(reference, options);
  }
  refuseGiven(command, ['window', 'windows', 'reference'], {
    reason: 'is of a model in production, and these are files',
  });
  if (options.model === undefined) {
    refuseGiven(command, ['layer', 'input'], { reason: 'is of the model that --model names' });
  } else {
    refuseGiven(command, ['heldBytes'], { reason: 'is of rows that no model is given' });
  }
  const { fdr, leastEffect, multivariate, columns, exclude, predictions, seed } = options;
  const summaryOf =
    options.model === undefined
      ? (source: string) => summarize(source, options)
      : await featureSummaries(options.model, options);
  const report = measureDrift(await summaryOf(reference), await summaryOf(current), {
    ...{ fdr, leastEffect, multivariate, seed },
    ...(columns === undefined ? {} : { columns }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(predictions === undefined ? {} : { predictions }),
  });
  if (options.evidently !== undefined) {
    await writeFileAtomically(resolve(options.evidently), [Buffer.from(`${JSON.stringify(toEvidently(report))}\n`)]);
  }
  if (report.drifted) answerIsNo();
  answer(options, report, driftText(report));
}

/** A report that Evidently made, judged by our rule. */
async function driftOfEvidently(path: string, options: DriftCommandOptions, command: Command): Promise<void> {
  const ofOthers = [
    'leastEffect',
    'multivariate',
    'columns',
    'exclude',
    'predictions',
    'evidently',
    'heldBytes',
    'model',
    'layer',
    'input',
    'seed',
  ];
  refuseGiven(command, [...ofOthers, 'window', 'windows', 'reference'], {
    reason: 'has no effect on a report of Evidently',
  });
  const text = await readFile(resolve(path), 'utf8').catch((error: unknown) => {
    throw new BallastError('this report cannot be read', { code: 'EVIDENTLY_UNREADABLE', place: path, cause: error });
  });
  const found = fromEvidently(parsed(text), path, options.fdr);
  if (found.drifted) answerIsNo();
  const lines = found.features.map(
    ({ name, test, statistic, adjusted, drifted }) =>
      `${name}: ${test} ${formatNumber(statistic)}${adjusted === null ? '' : `, adjusted ${formatNumber(adjusted)}`}${drifted ? ': drifted' : ''}`,
  );
  answer(options, found, lines.join('\n'));
}

/** What is no JSON is no report. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Larger files are not held in memory. */
const HELD_BYTES = 64 * 2 ** 20;
/** Rows of a sketched source for the test of all columns together. */
const SAMPLE_ROWS = 5000;

async function summarize(source: string, { seed, heldBytes }: DriftCommandOptions): Promise<SourceSummary> {
  const found = await readLarge(source, {
    ...{ baseDirectory: process.cwd(), heldBytes: heldBytes ?? HELD_BYTES },
    ...{ sampleRows: SAMPLE_ROWS, seed, tell: note },
  });
  return 'table' in found ? summaryOfTable(found.table) : summaryOfParquet(found.summary);
}

function driftText({
  features,
  predictions,
  multivariate,
  columns,
  rows,
  fdr,
  leastEffect,
  drifted,
}: DriftReport): string {
  const style = styles(terminalOptions());
  const table: TerminalColumn[] = [
    { label: 'column', shrinkTo: 20 },
    { label: 'test' },
    { label: 'effect', align: 'right' },
    { label: 'p, adjusted', align: 'right' },
    { label: 'PSI', align: 'right', optional: 1 },
    { label: 'missing', align: 'right', optional: 2 },
    { label: '' },
  ];
  const line = (each: FeatureDrift, answers: boolean) => [
    `${each.name}${answers ? ' (prediction)' : ''}`,
    each.test,
    formatNumber(each.effect, 'percent'),
    each.adjusted < 1e-4 ? '< 0.0001' : each.adjusted.toFixed(4),
    each.distances.psi === undefined ? '' : formatNumber(each.distances.psi),
    `${formatNumber(each.missing.reference, 'percent')} to ${formatNumber(each.missing.current, 'percent')}`,
    each.drifted ? { text: 'drifted', style: style.bad } : '',
  ];
  const lines = [
    ...(predictions ?? []).map((each) => line(each, true)),
    ...features.slice(0, MOST_LINES).map((each) => line(each, false)),
  ];
  const count = [...features, ...(predictions ?? [])].filter((each) => each.drifted).length;
  return [
    terminalTable(table, lines, style.dim, terminalOptions().width),
    ...(features.length > MOST_LINES ? [style.dim(`and ${features.length - MOST_LINES} more (--json lists all)`)] : []),
    ...(multivariate === null
      ? []
      : [
          `All columns together (${multivariate.test}): ${multivariate.test === 'classifier' ? 'AUC' : 'discrepancy'} ${multivariate.statistic.toFixed(3)}, p ${multivariate.adjusted < 1e-4 ? '< 0.0001' : multivariate.adjusted.toFixed(4)}${multivariate.drifted ? `: ${style.bad('drifted')}` : ''}`,
        ]),
    ...(columns.onlyReference.length === 0 ? [] : [style.bad(`Gone: ${columns.onlyReference.join(', ')}`)]),
    ...(columns.onlyCurrent.length === 0 ? [] : [`New: ${columns.onlyCurrent.join(', ')}`]),
    ...Object.entries(columns.skipped).map(([name, reason]) => style.dim(`${name}: ${reason}`)),
    `${drifted ? style.bad('\u2718') : style.good('\u2714')} ${count} of ${features.length + (predictions?.length ?? 0)} columns drifted (${formatNumber(rows.reference, 'integer')} against ${formatNumber(rows.current, 'integer')} rows; false discoveries ${formatNumber(fdr, 'percent')}, least effect ${formatNumber(leastEffect, 'percent')})`,
  ].join('\n');
}

/** Columns that the terminal shows. */
const MOST_LINES = 30;
