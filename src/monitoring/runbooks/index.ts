import { BallastError } from '../../errors.js';
import type { RuleName } from '../alerts/condition.js';
import { BLIND_SPOT } from './blind-spot.js';
import { BROKEN, BUDGET_BURN, CANARY } from './objectives.js';
import { ADJUST, PLAYBOOK, QUICK_RETRAIN, ROLL_BACK } from './procedures.js';
import { CALIBRATION, COMPRESSION, DRIFT, SLOW } from './quality.js';
import { ROLLOUT } from './rollout.js';
import type { Runbook } from './runbook.js';

/** What alerts are about: the rules that are judged every minute, and decisions of rollouts. */
type AlertKind = RuleName | 'rollout';

const OF_ALERTS: Readonly<Record<AlertKind, Runbook>> = {
  'slo-burn': BUDGET_BURN,
  'slo-breach': BROKEN,
  'canary-regression': CANARY,
  'calibration-drift': CALIBRATION,
  drift: DRIFT,
  'compression-loss': COMPRESSION,
  'blind-spot': BLIND_SPOT,
  rollout: ROLLOUT,
};

/** Every runbook: those of alerts, then procedures that they ask for. */
export const RUNBOOKS: readonly Runbook[] = [
  ...Object.values(OF_ALERTS),
  ...[ROLL_BACK, QUICK_RETRAIN, ADJUST, SLOW, PLAYBOOK],
];

/** The runbook of a name: of a runbook, a rule, or the `alertname` of an alert. */
export function findRunbook(name: string): Runbook | undefined {
  const wanted = name.toLowerCase();
  return RUNBOOKS.find((each) => each.name === wanted || each.alertname?.toLowerCase() === wanted);
}

/** @throws BallastError `RUNBOOK_UNKNOWN` */
export function requireRunbook(name: string): Runbook {
  const found = findRunbook(name);
  if (found !== undefined) return found;
  throw new BallastError('there is no such runbook', {
    code: 'RUNBOOK_UNKNOWN',
    kind: 'not-found',
    value: name,
    remedy: `There are ${RUNBOOKS.map((each) => each.name).join(', ')}`,
  });
}

/** The command that prints the runbook of an alert, for its model. */
export const runbookCommand = (kind: AlertKind, model: string): string => `ballast runbook ${kind} --model ${model}`;

/** `alertname` of the alerts of a rule. */
export const alertName = (kind: AlertKind): string => OF_ALERTS[kind].alertname ?? kind;
