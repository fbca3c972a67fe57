import { checkData } from '../../data/check/check.js';
import { gapOf as loggedGap } from '../../diagnosis/logged/diagnose-logged.js';
import type { Evaluation } from '../../evaluation/evaluate.js';
import { gapOf, qualityLost } from '../../evaluation/ledger.js';
import { findMetric } from '../../evaluation/metrics/index.js';
import { comparePaired } from '../../evaluation/paired.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { prepareData } from '../../spec/prepare.js';
import type { Run, Store } from '../../store/types.js';
import { evaluateHoldout } from '../evaluate-run.js';
import { primaryMetric } from '../judge.js';
import { diagnoseLoggedRun, isLogged } from '../logged-run.js';
import { ledgerOfRun } from '../run-ledger.js';
import { dataChanged, rolesOfRun, specOfRun } from '../run-rows.js';
import type { GateEvidence, Measured } from './rules.js';

type Rule = Measured | { readonly missing: string };

interface EvidenceOptions {
  readonly runtime: Runtime;
  /** The run that it is held against on the holdout: the champion's, or the baseline beside it. */
  readonly against: Run | undefined;
  /** Whether the holdout may be read. */
  readonly holdout: boolean;
}

/** Checks of the data that find answers, or the same rows, where they must not be. */
const LEAKS: ReadonlySet<string> = new Set(['TARGET_LEAK', 'EQUAL_ROWS_ACROSS_PARTS']);

/** The stage under which the answer of the holdout is kept: it is read once for a pair of runs. */
const STAGE = 'gate';

/** Collects what a gate judges a run by. Of a run that a client logged there is what it logged. */
export async function gateEvidence(store: Store, run: Run, options: EvidenceOptions): Promise<GateEvidence> {
  return isLogged(run) ? ofLogged(store, run) : ofTrained(store, run, options);
}

async function ofLogged(store: Store, run: Run): Promise<GateEvidence> {
  const { pairs, regularizers } = await diagnoseLoggedRun(store, run, { gap: 0 });
  const score = pairs.find(({ isShare }) => isShare);
  const gap = score === undefined ? undefined : loggedGap(score);
  const missing = (what: string): Rule => ({ missing: `${what} of a run that a client logged is not known` });
  return {
    manifest: {
      value: Number(run.manifest !== null || regularizers.length > 0),
      told:
        regularizers.map(({ parameter, value }) => `${parameter} ${value}`).join(', ') || 'no parameter tells of one',
    },
    gap:
      gap === undefined
        ? { missing: 'no score was logged on training rows and on held-back rows as well' }
        : { value: gap, told: `${score?.train.name} minus ${score?.validation.name}` },
    leakage: missing('leakage'),
    ece: missing('calibration'),
    'worst-class': missing('the worst class'),
    fairness: missing('fairness'),
    compression: missing('compression'),
    holdout: missing('the holdout'),
  };
}

async function ofTrained(store: Store, run: Run, options: EvidenceOptions): Promise<GateEvidence> {
  const { spec } = specOfRun(run);
  const metric = primaryMetric(spec);
  const evaluations = new Map(
    (await store.getEvaluations(run.id)).map(({ stage, record }) => [stage, record as Evaluation]),
  );
  const [train, validation] = [evaluations.get('train'), evaluations.get('validation')];
  const gap = train && validation && gapOf(train, validation, metric);
  const ece = validation?.metrics.ece;
  return {
    manifest: {
      value: Number(run.manifest !== null && run.regularizerId !== undefined),
      told: run.regularizerId ?? 'no regularizer id',
    },
    leakage: await leakage(store, run),
    gap:
      gap === undefined
        ? { missing: `${metric} was not measured on train and validation` }
        : { ...gap, told: `${metric} lost from train to validation` },
    ece: ece === undefined ? { missing: 'not a classifier with probabilities' } : { ...ece, told: 'on validation' },
    'worst-class': worstClass(validation),
    fairness: fairness(validation),
    compression: await compression(store, run, metric),
    holdout: await holdout(store, run, metric, options),
  };
}

async function leakage(store: Store, run: Run): Promise<Rule> {
  const resolved = specOfRun(run);
  const data = await prepareData(resolved, { register: store.holdoutRegister('gate'), uses: rolesOfRun(run) });
  if (data.version !== run.dataVersion) throw dataChanged(data.version, run);
  const found = checkData(data.table, { roles: data.roles, split: data.split, task: resolved.spec.task });
  const leaks = found.filter(({ code, severity }) => LEAKS.has(code) && severity === 'error');
  return {
    value: leaks.length,
    told: leaks.map(({ message }) => message).join('; ') || 'no check of the data found one',
  };
}

function worstClass(validation: Evaluation | undefined): Rule {
  const classes = Object.entries(validation?.perClass ?? {}).flatMap(([name, { recall }]) =>
    recall === undefined ? [] : [{ name, recall }],
  );
  const worst = classes.sort((a, b) => a.recall.value - b.recall.value)[0];
  if (worst === undefined) return { missing: 'not a classifier' };
  return { ...worst.recall, told: `recall of class ${worst.name} on validation` };
}

function fairness(validation: Evaluation | undefined): Rule {
  const found = (validation?.fairness ?? []).flatMap(({ column, metrics }) => {
    const figure = metrics.demographicParityDifference;
    return figure === undefined ? [] : [{ ...figure, told: `demographic parity difference of ${column}` }];
  });
  const worst = found.sort((a, b) => b.value - a.value)[0];
  return worst ?? { missing: 'no sensitive column is declared (data.columns.sensitive)' };
}

async function compression(store: Store, run: Run, metric: string): Promise<Rule> {
  const { stages } = await ledgerOfRun(store, run, metric);
  const stage = stages.find(({ stage: name }) => name === 'compressed');
  if (stage?.delta == null) return { missing: 'the run has no compressed model' };
  const interval = stage.deltaInterval;
  return { value: stage.delta, ...(interval && { interval }), told: `${metric} lost since ${stage.from ?? 'before'}` };
}

/** The holdout is read once for a run and what it is held against; the answer is kept. */
async function holdout(
  store: Store,
  run: Run,
  metric: string,
  { runtime, against, holdout: allowed }: EvidenceOptions,
): Promise<Rule> {
  if (against === undefined) return { missing: 'there is nothing to hold it against: no champion, no baseline' };
  if (isLogged(against)) return { missing: `${against.name} was logged by a client: it cannot be judged here` };
  const told = `${metric} lost against ${against.name} ${against.id.slice(0, 8)}`;
  const records = await store.getEvaluations(run.id);
  const kept = records.find(({ stage }) => stage === STAGE)?.record as KeptAnswer | undefined;
  if (kept?.against === against.id && kept.metric === metric) return { ...kept.lost, told };
  if (!allowed) return { missing: 'the holdout was not read (--no-holdout)' };
  if (specOfRun(run).spec.data.split.holdout === 0) return { missing: 'data.split.holdout is 0' };
  const first = await evaluateHoldout(store, runtime, run);
  const second = await evaluateHoldout(store, runtime, against);
  const { direction } = findMetric(metric).metric;
  const [a, b] = direction === 'higher' ? [second, first] : [first, second];
  const same = run.datasetName === against.datasetName && run.dataVersion === against.dataVersion;
  const paired = same
    ? comparePaired({ metric, first: a.predictions, second: b.predictions })
    : { reason: 'other rows' };
  const [before, after] = [second.evaluation.metrics[metric], first.evaluation.metrics[metric]];
  const lost = 'difference' in paired ? paired.difference : qualityLost(before, after, direction);
  const answer: KeptAnswer = { against: against.id, metric, lost: { value: lost.value, interval: lost.interval } };
  await store.putEvaluation(run.id, STAGE, answer);
  return { ...answer.lost, told };
}

interface KeptAnswer {
  readonly against: string;
  readonly metric: string;
  readonly lost: { readonly value: number; readonly interval: readonly [number, number] };
}
