import type { GateResult, RuleResult } from '../tuning/gate/rules.js';
import { styles } from './terminal-style.js';
import { type TerminalOptions, terminalTable } from './terminal-table.js';

/** The verdict of a gate as a table in the terminal. */
export function gateText(subject: string, { pass, rules, skipped }: GateResult, options: TerminalOptions = {}): string {
  const style = styles(options);
  const rows = rules.map((each) => [
    { text: each.pass ? 'pass' : 'fail', style: each.pass ? style.good : style.bad },
    each.rule,
    figure(each.value),
    interval(each),
    figure(each.limit),
    { text: each.told, style: style.dim },
  ]);
  const columns = [
    { label: '' },
    { label: 'rule' },
    { label: 'value', align: 'right' as const },
    { label: 'interval', align: 'right' as const, optional: 1 },
    { label: 'limit', align: 'right' as const },
    { label: 'of', shrinkTo: 20, optional: 2 },
  ];
  const left = skipped.map(({ rule, reason, required }) =>
    required ? style.bad(`fail  ${rule} is required: ${reason}`) : style.dim(`skip  ${rule}: ${reason}`),
  );
  const verdict = pass ? style.good(`${subject} passes`) : style.bad(`${subject} does not pass`);
  return [terminalTable(columns, rows, style.dim, options.width), ...left, '', verdict].join('\n');
}

/** The verdict as Markdown, for the summary of a pull request. */
export function gateMarkdown(subject: string, { pass, rules, skipped }: GateResult): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  return [
    `### ${pass ? '✅' : '❌'} Gate of ${escaped(subject)}: ${pass ? 'pass' : 'fail'}`,
    '',
    row(['', 'rule', 'value', 'interval', 'limit', 'of']),
    '| --- | --- | ---: | ---: | ---: | --- |',
    ...rules.map((each) =>
      row([each.pass ? '✅' : '❌', each.rule, figure(each.value), interval(each), figure(each.limit), each.told]),
    ),
    ...skipped.map(({ rule, reason, required }) => row([required ? '❌' : '⏭', rule, '', '', '', reason])),
    '',
  ].join('\n');
}

const figure = (value: number): string => String(Number(value.toPrecision(4)));

function interval({ interval: of }: RuleResult): string {
  return of === null ? '' : `${figure(of[0])} to ${figure(of[1])}`;
}

/** Text in a table cell is text: no markup, no new cell. */
function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|#]/g, '\\$&').replace(/\s+/g, ' ');
}
