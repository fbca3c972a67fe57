import { formatNumber } from '../charts/number-format.js';
import type { ModelSlo } from '../monitoring/slo/model-slos.js';
import type { Attainment, BurnStatus, SloState, SloStatus } from '../monitoring/slo/status.js';
import { styles } from '../reports/terminal-style.js';
import { type TerminalCell, type TerminalOptions, terminalTable } from '../reports/terminal-table.js';
import { durationText, milliseconds } from '../spec/duration-text.js';
import type { Sli } from '../spec/slo-options.js';

type StatusOfModel = { readonly name: string; readonly slos: readonly (SloStatus & { readonly source: string })[] };

/** What is measured, in words. */
function sliText(sli: Sli): string {
  switch (sli.type) {
    case 'availability':
      return 'answered';
    case 'latency':
      return `within ${sli.withinMs} ms`;
    case 'correctness':
      return 'right, of those labelled';
    case 'calibration':
      return `ECE <= ${sli.ece} each ${sli.every}`;
    case 'drift':
      return `no drift each ${sli.every}`;
    case 'training':
      return 'finished, of trainings that ended';
    case 'custom':
      return sli.name;
    default:
      return sli satisfies never;
  }
}

export function sloListLines(
  models: readonly { readonly name: string; readonly slos: readonly ModelSlo[] }[],
  { width }: TerminalOptions,
): string {
  const rows = models.flatMap(({ name, slos }) =>
    slos.map(({ slo, source }) => [
      name,
      slo.name,
      sliText(slo.sli),
      percent(slo.objective),
      slo.window,
      [slo.stage, slo.per === undefined ? '' : `per ${slo.per}`, slo.mix === undefined ? '' : `mix of ${slo.mix.by}`]
        .filter((word) => word !== '')
        .join(', '),
      source,
    ]),
  );
  if (rows.length === 0) return 'No models and no objectives yet. Next: ballast slo import FILE --model NAME';
  const head = ['model', 'objective', 'good is', 'promised', 'over', 'of', 'from'];
  return terminalTable(
    head.map((label) => ({ label, ...(label === 'from' ? { shrinkTo: 8, optional: 1 } : {}) })),
    rows,
    (text) => text,
    width,
  );
}

const MARKS: Readonly<Record<SloState, string>> = { met: '✔', breached: '✘', pending: '…', 'no-data': '-' };

export function sloLines(models: readonly StatusOfModel[], options: TerminalOptions): string {
  const style = styles(options);
  const state = (each: SloState): TerminalCell => ({
    text: `${MARKS[each]} ${each}`,
    style: each === 'met' ? style.good : each === 'breached' ? style.bad : style.dim,
  });
  const row = (name: string, objective: string, of: Attainment): (string | TerminalCell)[] => [
    name,
    state(of.state),
    of.attained === undefined ? '-' : percent(of.attained.value),
    objective,
    of.events.total === 0 ? '-' : percent(of.budget.remaining, 0),
    formatNumber(Math.round(of.events.total), 'integer'),
    of.events.pending === 0 ? '' : `${percent(of.coverage, 0)} known`,
    burnText(of.burn),
  ];
  const head = ['objective', 'state', 'kept', 'promised', 'budget left', 'events', 'labels', 'burns'];
  const numbers = new Set(['kept', 'promised', 'budget left', 'events']);
  return models
    .map(({ name, slos }) => {
      const rows = slos.flatMap((each) => [
        row(each.slo.name, percent(each.slo.objective), each),
        ...Object.entries(each.slices ?? {}).map(([value, of]) => row(`  ${each.slo.per}=${value}`, '', of)),
      ]);
      const table = terminalTable(
        head.map((label) => ({
          label,
          ...(numbers.has(label) ? { align: 'right' as const } : {}),
          ...(label === 'labels' ? { optional: 1 } : {}),
        })),
        rows,
        style.dim,
        options.width,
      );
      const held = slos.flatMap(({ slo, burn }) =>
        burn.flatMap((rule) => (rule.held === undefined ? [] : [`${slo.name}: no alert, ${rule.held}`])),
      );
      return [name, table, ...[...new Set(held)].map(style.dim)].join('\n');
    })
    .join('\n\n');
}

/** The rule that fires with the highest factor, or how fast the budget burns over the longest window. */
function burnText(burn: readonly BurnStatus[]): string {
  const fires = burn.find((rule) => rule.fires);
  if (fires !== undefined) {
    return `${fires.severity}: ${times(fires.longBurn)} over ${durationText(fires.longMs)}`;
  }
  const last = burn.at(-1);
  return last === undefined ? '' : `${times(last.longBurn)} over ${durationText(last.longMs)}`;
}

const times = (value: number): string => `${Number(value.toPrecision(2))}x`;

/** A share as a percentage with as many digits as it takes to tell it from 100 %. */
function percent(value: number, digits?: number): string {
  const least = digits ?? Math.min(4, Math.max(1, Math.ceil(-Math.log10(Math.max(1e-9, 1 - value))) - 1));
  return `${Number((100 * value).toFixed(least))} %`;
}

/** The answer of `slo status --json`. */
export function sloDocument(models: readonly StatusOfModel[], at: number) {
  return {
    at: new Date(at).toISOString(),
    models: models.map(({ name, slos }) => ({
      model: name,
      slos: slos.map(({ slo, source, ...status }) => ({
        name: slo.name,
        source,
        sli: slo.sli,
        objective: slo.objective,
        windowMs: milliseconds(slo.window),
        stage: slo.stage,
        ...status,
      })),
    })),
  };
}
