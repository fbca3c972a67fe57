import { isOfAnswers, needsLabels } from '../../slo/sli.js';
import type { SloStatus } from '../../slo/status.js';
import { answersOf, type SliWindow } from '../../slo/window.js';
import type { Condition, ModelEvidence } from '../condition.js';

const HOUR = 3_600_000;

/** What has to be instrumented before anything can be said (F7). */
interface Missing {
  readonly what: string;
  readonly summary: string;
  readonly remedy: string;
  readonly version?: string;
}

/** Series and labels that are missing: each says what to instrument. */
export function blindSpots(evidence: ModelEvidence): Condition[] {
  return [
    ...traffic(evidence),
    ...provenance(evidence),
    ...evidence.statuses.flatMap((each) => objective(each, evidence)),
  ].map(({ what, summary, remedy, version = '' }) => ({
    rule: 'blind-spot',
    severity: 'ticket',
    version,
    stage: 'production',
    subject: { missing: what },
    summary,
    remedy,
  }));
}

/** Whether something was asked of what answers users. */
const isAsked = ({ requests, role }: SliWindow): boolean => requests > 0 && role !== 'holdout';

/** Nothing is heard of a model whose objectives somebody wrote, or that was heard of before. */
function traffic({ windows, promised, statuses, now }: ModelEvidence): Missing[] {
  const needed = statuses.some(({ slo }) => isOfAnswers(slo));
  const last = Math.max(0, ...windows.filter(isAsked).map(({ to }) => to));
  if (!needed || last >= now - HOUR || (last === 0 && !promised)) return [];
  const since = last === 0 ? 'nothing was ever heard of it' : `silent since ${new Date(last).toISOString()}`;
  return [
    {
      what: 'traffic',
      summary: `no requests are seen of this model: ${since}`,
      remedy: 'Serve it with ballast serve, or let its server record what it answers with a Recorder (docs/labels.md)',
    },
  ];
}

/** Versions that answer, and of which it is not known what they are (X18). */
function provenance({ windows, model, now }: ModelEvidence): Missing[] {
  const answering = new Set(
    windows.filter((window) => isAsked(window) && window.from >= now - HOUR).map(({ version }) => version),
  );
  if (answering.size === 0) return [];
  if (model.registered === undefined) {
    return [
      {
        what: 'registration',
        summary: 'a model answers that is not in the registry: no owner, commit or regularizers are known',
        remedy: `Register it: ballast models register RUN ${model.name}`,
      },
    ];
  }
  const { version } = model;
  if (version === undefined || !answering.has(String(version.version))) return [];
  const unknown = [
    ...(version.regularizerId === undefined ? ['regularizer id'] : []),
    ...(version.codeCommit === undefined ? ['commit'] : []),
    ...(model.registered.owner === undefined ? ['owner'] : []),
  ];
  if (unknown.length === 0) return [];
  return [
    {
      what: 'provenance',
      version: String(version.version),
      summary: `alerts cannot say where it comes from: no ${unknown.join(', no ')}`,
      remedy: 'Train in a git repository with ballast train; ballast models set NAME --owner WHO',
    },
  ];
}

function objective(
  { slo, events, coverage, slices, uncovered }: SloStatus,
  { windows, model }: ModelEvidence,
): Missing[] {
  const about = `of the objective ${slo.name}`;
  if (slo.sli.type === 'custom') {
    if (events.total > 0) return [];
    return [
      {
        what: `sli ${slo.sli.name}`,
        summary: `no counts ${about} came in ${slo.window}`,
        remedy: `Report them: POST /api/v1/slis, or ballast slo count MODEL ${slo.sli.name} --good N --total N`,
      },
    ];
  }
  if (slo.sli.type === 'training') return events.total > 0 ? [] : [noTraining(slo.sli.experiment, model.name)];
  if (slo.stage === 'holdout') return events.total > 0 ? [] : [notJudged(model)];
  const answers = windows.reduce(
    (sum, window) => sum + (window.slice === undefined && isAsked(window) ? answersOf(window) : 0),
    0,
  );
  if (answers === 0) return [];
  const found: Missing[] = [];
  if (needsLabels(slo.sli) && events.pending > 0 && coverage < slo.labels.coverage) {
    found.push({
      what: 'labels',
      summary: `labels are missing: ${Math.round(100 * coverage)} % of the answers older than ${slo.labels.delay} have one, ${slo.name} needs ${100 * slo.labels.coverage} %`,
      remedy: 'Send them: POST /api/v1/labels, or ballast labels ingest; ballast labels sample for those that pay most',
    });
  }
  const labelled = windows.reduce((sum, window) => sum + window.labelled, 0);
  const scored = windows.some(({ bins = [] }) => bins.some(({ count }) => count > 0));
  if (slo.sli.type === 'calibration' && labelled > 0 && !scored) {
    found.push({
      what: 'scores',
      summary: `answers carry no probabilities: nothing can be said ${about}`,
      remedy: 'Give the model an output of probabilities, with its classes in the metadata',
    });
  }
  if (slo.sli.type === 'drift' && events.total === 0) {
    found.push({
      what: 'drift tests',
      summary: `drift was never tested: nothing can be said ${about}`,
      remedy: `Test it now, and once a day by ballast serve: ballast drift ${model.name}`,
    });
  }
  const key = slo.mix?.by ?? slo.per;
  if (key !== undefined && (slo.mix === undefined ? Object.keys(slices ?? {}).length === 0 : (uncovered ?? 0) >= 0.2)) {
    found.push({
      what: `slice ${key}`,
      summary:
        slo.mix === undefined
          ? `no request tells its ${key}: slices ${about} are not seen`
          : `${Math.round(100 * (uncovered ?? 1))} % of the reference mix ${about} is not seen`,
      remedy: `Send it as a parameter of the request or as the header x-ballast-${key}`,
    });
  }
  return found;
}

function noTraining(experiment: string | undefined, model: string): Missing {
  return {
    what: 'trainings',
    summary: experiment === undefined ? 'whose trainings count is not known' : `no training of ${experiment} has ended`,
    remedy:
      experiment === undefined
        ? `Name the experiment in the objective, or register a run as ${model}`
        : 'Train with ballast train, or log runs by an MLflow client',
  };
}

function notJudged({ name, version, run }: ModelEvidence['model']): Missing {
  return {
    what: 'holdout',
    version: String(version?.version ?? ''),
    summary: 'the version was not judged on the holdout, or not as it is served',
    remedy: run === undefined ? `Register a run as ${name}` : `ballast evaluate ${run.id.slice(0, 8)} --holdout`,
  };
}
