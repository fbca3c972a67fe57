import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { formatNumber } from '../charts/index.js';
import { summarizeParquet } from '../data/read/parquet-summary.js';
import { readTable } from '../data/read/read.js';
import { type DriftReport, type FeatureDrift, measureDrift } from '../monitoring/drift/drift.js';
import { type SourceSummary, summaryOfParquet, summaryOfTable } from '../monitoring/drift/source-summary.js';
import { styles, terminalOptions } from '../reports/terminal-style.js';
import { type TerminalColumn, terminalTable } from '../reports/terminal-table.js';
import { shareOf, wholeNumber } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, note, withCommonOptions } from './output.js';

interface DriftCommandOptions extends CommonOptions {
  fdr: number;
  leastEffect: number;
  multivariate: 'classifier' | 'mmd' | 'none';
  columns?: string[];
  exclude?: string[];
  predictions?: string[];
  seed: number;
}

export function driftCommand(): Command {
  const names = (list: string): string[] => list.split(',');
  return withCommonOptions(new Command('drift'))
    .argument('<reference>', 'rows as they were: what a model was trained on')
    .argument('<current>', 'rows as they are now')
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
    .option('--seed <number>', 'of samples and splits', wholeNumber(0, 2 ** 31), 1)
    .addHelpText(
      'after',
      `
Numbers are compared by the test of Kolmogorov and Smirnov, categories by chi-square, missing values beside; all tests are
adjusted together (Benjamini and Hochberg). A column drifts where the evidence is clear and the effect is one that matters.
Parquet files beyond 64 MB are read once, into sketches: their size does not matter. Exit code 1 where something drifted.

Examples:
  ballast drift train.csv this-week.csv
  ballast drift reference.parquet current.parquet --predictions score --json
`,
    )
    .action(driftAction);
}

async function driftAction(reference: string, current: string, options: DriftCommandOptions): Promise<void> {
  const { fdr, leastEffect, multivariate, columns, exclude, predictions, seed } = options;
  const report = measureDrift(await summarize(reference, seed), await summarize(current, seed), {
    ...{ fdr, leastEffect, multivariate, seed },
    ...(columns === undefined ? {} : { columns }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(predictions === undefined ? {} : { predictions }),
  });
  if (report.drifted) answerIsNo();
  answer(options, report, driftText(report));
}

/** Larger Parquet files are not held in memory. */
const STREAMED_FROM = 64 * 2 ** 20;
/** Rows of a sketched source for the test of all columns together. */
const SAMPLE_ROWS = 5000;

async function summarize(source: string, seed: number): Promise<SourceSummary> {
  if (/\.parquet$/i.test(source) && !/^[a-z][a-z0-9+.-]+:/i.test(source)) {
    const path = resolve(source);
    const size = await stat(path).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    );
    if (size > STREAMED_FROM) {
      return summaryOfParquet(await summarizeParquet([path], source, { sampleRows: SAMPLE_ROWS, seed, tell: note }));
    }
  }
  return summaryOfTable(await readTable(source, { baseDirectory: process.cwd() }));
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
