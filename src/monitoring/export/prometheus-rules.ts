import { stringify } from 'yaml';
import { durationText } from '../../spec/duration-text.js';
import type { Slo } from '../../spec/slo-options.js';
import { runbookCommand } from '../runbooks/index.js';
import { rulesOf } from '../slo/burn-rules.js';
import { hurtsUsers, isOfAnswers, ledgerStageOf, needsLabels, sliceOf } from '../slo/sli.js';
import { eventsQuery, quoted } from './promql.js';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Brings where the model comes from, and who answers for it, into an alert. */
const joined = (expr: string): string =>
  `(${expr})\n* on (model) group_left (version, regularizer_id, commit, owner, on_call, criticality)\n  max by (model, version, regularizer_id, commit, owner, on_call, criticality) (ballast_model_info)\nor on (model)\n(${expr})`;

/** Of the model that the alert is about. */
const runbookOf = (kind: Parameters<typeof runbookCommand>[0]): string => runbookCommand(kind, '{{ $labels.model }}');

/**
 * Prometheus alerting rules of a model's objectives over the series of `/metrics`: multi-window burn rates with protection of
 * low traffic, spent budgets, and series that are missing. Several servers over one store show the same series; they are
 * counted once.
 */
export function prometheusRules(model: string, slos: readonly Slo[]): string {
  const rules = slos.flatMap((slo) => [...burnRules(model, slo), breachRule(model, slo)]);
  const group = `ballast-${model.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
  const blind = blindRules(model, slos);
  return stringify(
    {
      groups: [
        { name: `${group}-slo`, interval: '30s', rules },
        ...(blind.length === 0 ? [] : [{ name: `${group}-blind-spots`, interval: '1m', rules: blind }]),
      ],
    },
    { lineWidth: 0 },
  );
}

/** Whether the counters tell the objective: those that re-weight, wait for labels or count slices of time are told by gauges. */
const isCounted = (slo: Slo): boolean => slo.mix === undefined && sliceOf(slo.sli) === 0 && !needsLabels(slo.sli);

function burnRules(model: string, slo: Slo): Rule[] {
  return rulesOf(slo).map(({ severity, factor, longMs, shortMs }) => {
    const [long, short] = [durationText(longMs), durationText(shortMs)];
    const fast = isCounted(slo)
      ? countedBurn(model, slo, factor, [long, short])
      : gaugedBurn(model, slo, factor, [long, short]);
    return {
      alert: 'BallastErrorBudgetBurn',
      expr: joined(fast),
      labels: {
        severity: severity === 'page' || (factor > 3 && slo.sli.type !== 'training') ? 'page' : 'ticket',
        model,
        slo: slo.name,
        ledger_stage: ledgerStageOf(slo),
        long,
      },
      annotations: {
        summary: `${model}: ${slo.name} burns its error budget {{ $value | humanize }} times too fast over ${long}`,
        runbook: slo.runbook ?? runbookOf('slo-burn'),
        lineage: 'ballast models lineage {{ $labels.model }}/{{ $labels.version }}',
      },
    };
  });
}

function countedBurn(model: string, slo: Slo, factor: number, [long, short]: readonly [string, string]): string {
  // Of one series that several replicas show, the largest is taken.
  const sum = (fn: 'rate' | 'increase', window: string, outcome?: 'bad'): string =>
    `sum by (model) (max by (model, slo, version, outcome) (${fn}(${eventsQuery(model, slo.name, outcome)}[${window}])))`;
  const burn = (window: string): string =>
    `${sum('rate', window, 'bad')} / ${sum('rate', window)} / ${number(1 - slo.objective)}`;
  return [
    `${burn(long)} > ${number(factor)}`,
    `and ${burn(short)} > ${number(factor)}`,
    // Fewer bad events are no evidence, however fast they burn.
    `and ${sum('increase', long, 'bad')} > ${slo.lowTraffic.events - 0.5}`,
  ].join('\n');
}

function gaugedBurn(model: string, slo: Slo, factor: number, [long, short]: readonly [string, string]): string {
  const burn = (window: string): string =>
    `max by (model) (ballast_slo_burn_rate{model=${quoted(model)},slo=${quoted(slo.name)},window=${quoted(window)}})`;
  return `${burn(long)} > ${number(factor)}\nand ${burn(short)} > ${number(factor)}`;
}

function breachRule(model: string, slo: Slo): Rule {
  const broken = `max by (model) (ballast_slo_breached{model=${quoted(model)},slo=${quoted(slo.name)}}) == 1`;
  return {
    alert: 'BallastObjectiveBroken',
    expr: joined(broken),
    for: '2m',
    labels: { severity: hurtsUsers(slo) ? 'page' : 'ticket', model, slo: slo.name, ledger_stage: ledgerStageOf(slo) },
    annotations: {
      summary: `${model}: ${slo.name} is broken ${slo.stage === 'holdout' ? 'on the holdout' : `over ${slo.window}`}`,
      runbook: slo.runbook ?? runbookOf('slo-breach'),
    },
  };
}

/** F7: what is not measured does not alert, so that its absence has to. */
function blindRules(model: string, slos: readonly Slo[]): Rule[] {
  const of = `{model=${quoted(model)}}`;
  const rule = (what: string, expr: string, summary: string, labels = {}): Rule => ({
    alert: 'BallastBlindSpot',
    expr,
    for: '1h',
    labels: { severity: 'ticket', model, missing: what, ledger_stage: 'production', ...labels },
    annotations: { summary: `${model}: ${summary}`, runbook: runbookOf('blind-spot') },
  });
  const answered = slos.some(isOfAnswers);
  return [
    ...(answered
      ? [
          rule(
            'traffic',
            `absent(ballast_requests_total${of}) or sum by (model) (increase(ballast_requests_total${of}[1h])) == 0`,
            'no requests are seen',
          ),
          rule('info', `absent(ballast_model_info${of})`, 'no version, commit or regularizers are known'),
        ]
      : []),
    ...slos
      .filter((slo) => needsLabels(slo.sli) && slo.stage !== 'holdout')
      .map((slo) =>
        rule(
          'labels',
          `max by (model) (ballast_slo_coverage{model=${quoted(model)},slo=${quoted(slo.name)}}) < ${number(slo.labels.coverage)}`,
          `labels are missing for ${slo.name}`,
          { slo: slo.name },
        ),
      ),
  ];
}

/** A number without the noise of binary fractions. */
const number = (value: number): string => String(Number(value.toPrecision(12)));
