import { percent } from '../alerts/condition.js';
import type { Confused } from '../dashboard/confused.js';
import type { Incident } from './incident.js';

/** An item of a checklist, answered from the record. */
export interface Question {
  readonly text: string;
  /** What the record says. */
  readonly answers: readonly string[];
  /** Whether it is done; undefined where there is nothing to do, or nobody can tell. */
  readonly done?: boolean;
  /** What to do next. */
  readonly next?: string;
}

/** What on-call goes through while something is wrong. */
export function incidentChecklist(incident: Incident): Question[] {
  const { model, known, answering, retrained } = incident;
  const { VERSION = 'unknown', PREVIOUS, RUN } = known.facts;
  const isBack = answering !== undefined && answering !== VERSION;
  const adjusted = retrained.filter(
    ({ status, regularizerId }) => status === 'finished' && regularizerId !== known.regularizerId,
  );
  return [
    {
      text: 'Which version is it, and how was it trained?',
      answers: [
        `version ${VERSION}${isBack ? ` (version ${answering} answers now)` : ''}, run ${RUN?.slice(0, 8) ?? 'unknown'}, commit ${known.commit ?? 'unknown'}, regularizers ${known.regularizerId ?? 'unknown'}`,
      ],
      next: RUN === undefined ? `ballast models lineage ${model}/${VERSION}` : `ballast runs show ${RUN.slice(0, 8)}`,
    },
    {
      text: 'Are the errors those that the holdout had?',
      answers: errors(incident),
      next: `ballast ledger models:/${model}/${VERSION}`,
    },
    { text: 'Was regularization changed lately?', answers: regularizersChanged(incident) },
    {
      text: 'Is the version before back, or the traffic cut?',
      answers: [isBack ? `version ${answering} answers` : `version ${VERSION} still answers`],
      done: isBack,
      ...(isBack
        ? {}
        : {
            next:
              PREVIOUS === undefined
                ? `ballast runbook roll-back --model ${model} (no version before it is known)`
                : `ballast rollout roll-back ${model} --reason "why", or where none is under way: ballast models alias ${model}@champion ${PREVIOUS}`,
          }),
    },
    {
      text: 'Is a model trained with other regularization?',
      answers:
        retrained.length === 0
          ? ['no training since it began']
          : retrained.map(
              ({ id, status, regularizerId }) =>
                `run ${id.slice(0, 8)}: ${status}, ${regularizerId ?? 'regularizers unknown'}`,
            ),
      done: adjusted.length > 0,
      ...(adjusted.length > 0 ? {} : { next: `ballast diagnose models:/${model}/${VERSION} --apply` }),
    },
  ];
}

/** What a postmortem asks, answered as far as the record goes. */
export function postmortemQuestions(incident: Incident): Question[] {
  return [
    { text: 'What was tuned or changed recently?', answers: allChanges(incident) },
    { text: 'Were there signs of over- or underfitting before?', answers: fitting(incident) },
    { text: 'Did holdout and canary represent production?', answers: representative(incident) },
    { text: 'Which telemetry or labels were missing?', answers: missing(incident) },
  ];
}

const pair = ({ actual, predicted, share }: Confused): string => `${actual} taken for ${predicted} (${percent(share)})`;

function errors({ confused: { holdout, production }, failing }: Incident): string[] {
  const known = new Set(holdout.map(({ actual, predicted }) => `${actual}\n${predicted}`));
  const confusions = production.slice(0, 3).map((each) => {
    const isKnown = known.has(`${each.actual}\n${each.predicted}`);
    return `${pair(each)}: ${isKnown ? 'the holdout had it too' : 'new, the holdout did not have it'}`;
  });
  const faults = failing.slice(0, 3).map(({ what, count, share }) => `${what}: ${count} rows (${percent(share)})`);
  const all = [...confusions, ...faults];
  if (all.length > 0) return all;
  return ['no row is known to be wrong: no labels came, no request failed'];
}

const isRegularization = (key: string): boolean => key.startsWith('manifest');
const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

function regularizersChanged({ changed, known }: Incident): string[] {
  if (changed === undefined) return [`there is no version before ${known.facts.VERSION ?? 'it'} to compare with`];
  const ours = changed.filter(({ key }) => isRegularization(key));
  if (ours.length === 0) return [`no: the same as in version ${known.facts.PREVIOUS}`];
  return ours.map(({ key, before, after }) => `${key}: ${shown(before)} -> ${shown(after)}`);
}

function allChanges(incident: Incident): string[] {
  const { changed = [], timeline, from } = incident;
  const others = changed.filter(({ key }) => !isRegularization(key));
  const acts = timeline.filter(({ at, by }) => by !== undefined && at <= from);
  return [
    ...regularizersChanged(incident),
    ...others.slice(0, 10).map(({ key, before, after }) => `${key}: ${shown(before)} -> ${shown(after)}`),
    ...acts.slice(-5).map(({ at, what, by }) => `${new Date(at).toISOString().slice(0, 16)} ${what} (${by})`),
  ];
}

function fitting({ ledger, known }: Incident): string[] {
  const validation = ledger.find(({ stage }) => stage === 'validation');
  if (validation?.delta == null || validation.deltaInterval === null)
    return ['the record has no gap of training: unknown'];
  const { delta, deltaInterval } = validation;
  const [low, high] = deltaInterval.map((each) => each.toPrecision(3));
  const sign =
    deltaInterval[0] > 0 ? 'validation was worse than train: overfitting' : 'no clear gap between train and validation';
  return [
    `${sign}: ${delta.toPrecision(3)} (${low} to ${high})`,
    `findings: ballast diagnose ${known.facts.RUN?.slice(0, 8) ?? 'RUN'}`,
  ];
}

function representative({ ledger, timeline }: Incident): string[] {
  const stages = ledger.filter(({ stage }) => ['shadow', 'canary', 'production'].includes(stage));
  const gaps = stages.flatMap(({ stage, from, delta, deltaInterval, rows }) => {
    if (delta === null || deltaInterval === null) return [];
    const verdict =
      deltaInterval[0] > 0 ? 'worse than' : deltaInterval[1] < 0 ? 'better than' : 'not clearly different from';
    return [`${stage} was ${verdict} ${from}: ${delta.toPrecision(3)} lost on ${rows} labelled rows`];
  });
  const decided = timeline.filter(({ what }) => what.startsWith('rollout of version')).slice(-3);
  const all = [...gaps, ...decided.map(({ what }) => what)];
  return all.length > 0 ? all : ['unknown: no labelled answer of shadow, canary or production, and no rollout'];
}

function missing({ labels, alerts, failing }: Incident): string[] {
  const blind = alerts.filter(({ rule }) => rule === 'blind-spot').map(({ annotations }) => annotations.summary);
  const { answered, labelled, share } = labels;
  const known =
    share === null ? 'nothing was answered' : `${labelled} of ${answered} answers have a label (${percent(share)})`;
  return [...blind, known, ...(failing.length === 0 ? ['no fault was recorded'] : [])];
}
