import { durationText } from '../../../spec/duration-text.js';
import { hurtsUsers, ledgerStageOf } from '../../slo/sli.js';
import type { Attainment, BurnStatus, SloStatus } from '../../slo/status.js';
import { type Condition, type ModelEvidence, percent } from '../condition.js';

/** A burn faster than this pages, over whatever window: a budget of a month is gone in ten days. */
const PAGE_ABOVE = 3;

/** The budget of an objective burns too fast, or is spent: one alert for each objective and slice, of its worst rule. */
export function objectiveRules({ statuses }: ModelEvidence): Condition[] {
  return statuses.flatMap((status) => {
    const slices = Object.entries(status.slices ?? {}).map(
      ([value, of]) => [{ slice: `${status.slo.per}=${value}` }, of] as const,
    );
    return [[{}, status] as const, ...slices].flatMap(([subject, of]) => [
      ...burns(status, of, { slo: status.slo.name, ...subject }),
      ...breaches(status, of, { slo: status.slo.name, ...subject }),
    ]);
  });
}

/** Whether a rule pages: as it says, and above three times whatever it says; but for trainings nobody is woken. */
const severityOf = (rule: BurnStatus, { slo: { sli } }: SloStatus): Condition['severity'] =>
  sli.type !== 'training' && (rule.severity === 'page' || rule.longBurn > PAGE_ABOVE) ? 'page' : 'ticket';

/** What to do where it is about trainings, or about the holdout; else what is told of it. */
function remedyOf({ slo: { sli, stage } }: SloStatus, otherwise: string): string {
  if (sli.type === 'training')
    return `See why: ballast runs list --status failed (experiment ${sli.experiment ?? 'unknown'})`;
  if (stage === 'holdout') return 'Take the version before, or train another: ballast diagnose RUN';
  return otherwise;
}

function burns(status: SloStatus, { burn, budget }: Attainment, subject: Condition['subject']): Condition[] {
  const fires = burn.filter((rule) => rule.fires);
  const worst = fires.find((rule) => severityOf(rule, status) === 'page') ?? fires[0];
  if (worst === undefined) return [];
  const { slo } = status;
  return [
    {
      rule: 'slo-burn',
      severity: severityOf(worst, status),
      version: status.versions[0]?.version ?? '',
      stage: ledgerStageOf(slo),
      subject,
      summary:
        `${slo.name} burns its error budget ${Number(worst.longBurn.toPrecision(3))} times too fast over ` +
        `${durationText(worst.longMs)} (${percent(Math.max(0, budget.remaining))} of ${slo.window} is left)`,
      remedy: remedyOf(status, 'Compare the versions; roll back or move traffic if one of them burns it'),
      ...(slo.runbook === undefined ? {} : { runbook: slo.runbook }),
    },
  ];
}

/** Of what users get, a spent budget pages while it is about wrong answers or none; all others are for working hours. */
function breaches(
  status: SloStatus,
  { state, attained, budget }: Attainment,
  subject: Condition['subject'],
): Condition[] {
  if (state !== 'breached' || attained === undefined) return [];
  const { slo } = status;
  return [
    {
      rule: 'slo-breach',
      severity: hurtsUsers(slo) ? 'page' : 'ticket',
      version: status.versions[0]?.version ?? '',
      stage: ledgerStageOf(slo),
      subject,
      summary:
        `${slo.name} is broken: ${percent(attained.value)} ${slo.stage === 'holdout' ? 'on the holdout' : `over ${slo.window}`} where ${percent(slo.objective)} is promised ` +
        `(${Number((budget.bad / budget.allowed).toPrecision(3))} times the budget)`,
      remedy: remedyOf(status, 'No new rollout until the budget is there again; roll back what spent it'),
      ...(slo.runbook === undefined ? {} : { runbook: slo.runbook }),
    },
  ];
}
