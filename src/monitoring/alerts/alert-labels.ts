import { createHash } from 'node:crypto';
import { alertName, runbookCommand } from '../runbooks/index.js';
import type { WatchedModel } from '../slo/model-slos.js';
import type { Condition } from './condition.js';

/** Where a model is asked. */
const endpointOf = (model: string): string => `/v2/models/${encodeURIComponent(model)}/infer`;

/** The identity of what is wrong: two findings of it are one alert. Severity is not part of it, so that it can change. */
export function fingerprintOf(model: string, { rule, version, subject }: Condition): string {
  const identity = [model, rule, version, endpointOf(model), ...Object.entries(subject).sort().flat()];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16);
}

/** Labels: who and what. Everything that alerts are routed, grouped and silenced by; `unknown` rather than missing. */
export function alertLabels(model: WatchedModel, condition: Condition): Record<string, string> {
  return {
    alertname: alertName(condition.rule),
    severity: condition.severity,
    ledger_stage: condition.stage,
    ...originLabels(model, condition.version),
    ...condition.subject,
  };
}

/** What a version of a model is, and who answers for it; empty stands for no version in particular. */
export function originLabels(
  { name, registered, version: known }: WatchedModel,
  version: string,
): Record<string, string> {
  const isKnown = version === '' || (known !== undefined && String(known.version) === version);
  return {
    model: name,
    version: version === '' ? String(known?.version ?? 'unknown') : version,
    endpoint: endpointOf(name),
    regularizer_id: (isKnown ? known?.regularizerId : undefined) ?? 'unknown',
    commit: (isKnown ? known?.codeCommit : undefined) ?? 'unknown',
    owner: registered?.owner ?? 'unknown',
    on_call: registered?.onCall ?? registered?.owner ?? 'unknown',
    ...(registered?.escalation === undefined ? {} : { escalation: registered.escalation }),
    ...(registered?.criticality === undefined ? {} : { criticality: registered.criticality }),
  };
}

/** Annotations: what to read. */
export function alertAnnotations(model: WatchedModel, condition: Condition): Record<string, string> {
  return {
    summary: `${model.name}: ${condition.summary}`,
    remedy: condition.remedy,
    runbook: condition.runbook ?? runbookCommand(condition.rule, model.name),
    lineage: `ballast models lineage ${model.name}/${condition.version || (model.version?.version ?? '')}`,
    ...(model.run === undefined ? {} : { run: model.run.id }),
  };
}
