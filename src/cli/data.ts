import { Command } from 'commander';
import { checkData } from '../data/check/check.js';
import type { Finding } from '../data/check/finding.js';
import { bySeverity } from '../data/check/finding.js';
import { readTable } from '../data/read/read.js';
import { checkAgainst, schemaOf } from '../data/schema.js';
import { contentVersion } from '../data/version.js';
import { prepareData, readOptions } from '../spec/prepare.js';
import { type ResolvedSpec, readSpec } from '../spec/read.js';
import { checkLabels } from './check-labels.js';
import { shareOf, wholeNumber } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

interface CheckOptions extends CommonOptions {
  earlier?: string;
  production?: string;
  labels?: boolean;
  folds: number;
  mostSuspects: number;
}

export function dataCommand(): Command {
  const command = new Command('data').addHelpText('after', '\nExample:\n  ballast data check spec.yaml\n');
  withCommonOptions(command.command('check <spec>'))
    .description('leaks, equal rows across parts, target and class problems; poisoning and shift against other sources')
    .option('--earlier <source>', 'an earlier, trusted version: new rows are screened for poisoning')
    .option('--production <source>', 'rows seen in production: the holdout’s features are compared with theirs')
    .option('--labels', 'train the spec’s model on folds and list rows whose labels are probably wrong')
    .option('--folds <count>', 'folds of --labels', wholeNumber(2, 50), 5)
    .option('--most-suspects <share>', 'share of suspect labels that is accepted', shareOf, 0.05)
    .addHelpText(
      'after',
      '\nExit code 1 where something is found that must be mended, more suspect labels than accepted among it.\n\nExamples:\n  ballast data check spec.yaml --earlier last-month.csv\n  ballast data check spec.yaml --labels --most-suspects 0.02\n',
    )
    .action(check);
  withCommonOptions(command.command('version <spec>'))
    .description('content hash and typed schema')
    .addHelpText('after', '\nExample:\n  ballast data version spec.yaml --json\n')
    .action(showVersion);
  return command;
}

async function check(path: string, options: CheckOptions): Promise<void> {
  const resolved = await readSpec(path);
  const data = await withStore(options.store, { create: true }, (store) =>
    // Whatever it is for, a path included: data are checked before it is known what becomes of them.
    prepareData(resolved, { register: store.holdoutRegister('data check'), uses: ['offset', 'event'] }),
  );
  const other = async (source: string | undefined) => (source === undefined ? undefined : readOther(resolved, source));
  const [earlier, production] = [await other(options.earlier), await other(options.production)];
  const labels = options.labels === true ? await checkLabels(resolved, data, options) : undefined;
  const found = checkData(data.table, {
    roles: data.roles,
    split: data.split,
    task: resolved.spec.task,
    ...(earlier === undefined ? {} : { earlier }),
    ...(production === undefined ? {} : { production }),
  });
  const findings = bySeverity([...found, ...(labels?.findings ?? [])]);
  const issues = [
    ...(earlier === undefined
      ? []
      : checkAgainst(schemaOf(earlier), data.table).map((issue) => ({ against: 'earlier', ...issue }))),
    ...(production === undefined
      ? []
      : checkAgainst(schemaOf(data.table), production).map((issue) => ({ against: 'production', ...issue }))),
  ];
  if (findings.some(({ severity }) => severity === 'error')) answerIsNo();
  const lines = [
    ...findings.flatMap(findingLines),
    ...issues.map(({ against, message }) => `schema   against ${against}: ${message}`),
  ];
  const { event, offset } = resolved.spec.data.columns;
  const next = `Next: ballast ${event === undefined && offset === undefined ? 'train' : 'path'} ${path}`;
  const summary = lines.length === 0 ? `Nothing found. ${next}` : summaryOf(findings, issues.length, next);
  answer(
    options,
    {
      version: data.version,
      findings,
      schemaIssues: issues,
      ...(labels === undefined ? {} : { labels: labels.document }),
    },
    [...lines, ...(labels?.text ?? []), summary].join('\n'),
  );
}

/** A finding, and below it what to do and where. */
function findingLines({ severity, code, message, remedy, rows = [], count }: Finding): string[] {
  const shown = rows.length > 0 && count !== undefined && count > rows.length ? ', ...' : '';
  return [
    `${severity.padEnd(8)} ${code}: ${message}`,
    `${''.padEnd(8)} ${remedy}${rows.length === 0 ? '' : ` Rows ${rows.join(', ')}${shown}.`}`,
  ];
}

function summaryOf(findings: readonly Finding[], issues: number, next: string): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const count = findings.length + issues;
  const total = `${count} ${count === 1 ? 'finding' : 'findings'}`;
  return errors === 0 ? `${total}, none that must be mended. ${next}` : `${total}, ${errors} to mend before training.`;
}

async function readOther(resolved: ResolvedSpec, source: string) {
  return readTable(source, { ...readOptions(resolved), baseDirectory: process.cwd() });
}

async function showVersion(path: string, options: CommonOptions): Promise<void> {
  const resolved = await readSpec(path);
  const table = await readTable(resolved.spec.data.source, readOptions(resolved));
  const version = contentVersion(table);
  const schema = schemaOf(table);
  const lines = [
    `${version}  ${table.rows} rows, ${table.columns.length} columns`,
    ...table.columns.map(
      (column) =>
        `  ${column.name.padEnd(24)} ${column.kind === 'array' ? `${column.content} [${column.shape}]` : column.kind === 'sparse' ? `sparse [${column.width}]` : column.kind}`,
    ),
  ];
  answer(options, { version, rows: table.rows, schema }, lines.join('\n'));
}
