import { formatNumber } from '../charts/index.js';
import { readTable } from '../data/read/read.js';
import { BallastError } from '../errors.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { ColumnDrift } from '../monitoring/drift/production.js';
import { DRIFT_STAGE, type ProductionReport, productionReport } from '../monitoring/production-report.js';
import { referenceOfRun, referenceOfTable } from '../monitoring/reference/build.js';
import type { Reference } from '../monitoring/reference/reference.js';
import { styles, terminalOptions } from '../reports/terminal-style.js';
import { terminalTable } from '../reports/terminal-table.js';
import { findVersion, type Store } from '../store/index.js';
import { answer, answerIsNo, type CommonOptions } from './output.js';
import { withStore } from './use-store.js';

interface ModelDriftOptions extends CommonOptions {
  readonly fdr: number;
  readonly leastEffect: number;
  readonly window?: number;
  readonly windows?: number;
  readonly reference?: string;
  readonly seed: number;
}

/** Columns are counted up by the hour, s. */
const SHORTEST_S = 3600;

/** Answers how a model in production stands against what it was trained on. */
export async function driftOfModel(reference: string, options: ModelDriftOptions): Promise<void> {
  const { fdr, leastEffect, seed, window, windows } = options;
  if (window !== undefined && window < SHORTEST_S) {
    throw new BallastError('what is observed is kept hour by hour', {
      code: 'USAGE',
      place: '--window',
      remedy: 'Give 1h or more',
    });
  }
  await withStore(options.store, { create: false }, async (store) => {
    const { model, version, runId } = await servedModel(store, reference);
    const report = await productionReport(store, await referenceFor(store, { model, version, runId }, options), {
      ...{ model, version, fdr, leastEffect, seed },
      ...(window === undefined ? {} : { windowMs: window * 1000 }),
      ...(windows === undefined ? {} : { windows }),
    });
    if (report.windows.length === 0) {
      throw new BallastError('too little was observed to compare', {
        code: 'DRIFT_EMPTY',
        kind: 'not-found',
        place: `models:/${model}/${version}`,
        remedy:
          'A window needs 30 rows, and a server writes what it observed every 30 seconds: wait, or ask for longer windows with --window',
      });
    }
    if (runId !== undefined) await store.putEvaluation(runId, DRIFT_STAGE, report);
    if (report.drifted) answerIsNo();
    answer(options, report, reportText(report));
  });
}

interface ServedModel {
  readonly model: string;
  readonly version: string;
  readonly runId: string | undefined;
}

/** The model that is meant: a version, an alias, or by its name alone the version that answered last. */
async function servedModel(store: Store, reference: string): Promise<ServedModel> {
  const bare = reference.replace(/^models:\//, '');
  if (/[/@]/.test(bare)) {
    const { name, version, runId } = await findVersion(store, `models:/${bare}`);
    return { model: name, version: String(version), runId };
  }
  const last = (await store.windowsOf(bare, { slice: '' })).filter(({ role }) => role === 'live').at(-1);
  if (last === undefined) {
    const observed = await store.observedModels();
    throw new BallastError('nothing was observed of this model', {
      code: 'MODEL_NOT_OBSERVED',
      kind: 'not-found',
      value: bare,
      remedy:
        observed.length === 0
          ? 'Serve it (ballast serve --models NAME@ALIAS), or name two files to compare'
          : `Observed are ${observed.join(', ')}; or name two files to compare`,
    });
  }
  return { model: bare, version: last.version, runId: await runOfVersion(store, bare, last.version) };
}

async function runOfVersion(store: Store, name: string, version: string): Promise<string | undefined> {
  try {
    return (await store.getVersion(name, Number(version))).runId;
  } catch (error) {
    // A model may be served from a file, without being registered.
    if (error instanceof BallastError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

async function referenceFor(
  store: Store,
  { model, version, runId }: ServedModel,
  { reference }: ModelDriftOptions,
): Promise<Reference> {
  if (reference !== undefined) return referenceOfTable(await readTable(reference, { baseDirectory: process.cwd() }));
  if (runId === undefined) {
    throw new BallastError('it is not known what this model was trained on', {
      code: 'REFERENCE_MISSING',
      kind: 'not-found',
      place: `models:/${model}/${version}`,
      remedy: 'Give rows that it was trained on: --reference FILE',
    });
  }
  return referenceOfRun(store, await store.getRun(runId), openRuntime);
}

/** Columns that the terminal shows. */
const MOST_LINES = 20;

function reportText(report: ProductionReport): string {
  const style = styles(terminalOptions());
  const percent = (value: number): string => formatNumber(value, 'percent');
  const line = (each: ColumnDrift, answers: boolean) => [
    `${each.name}${answers ? ' (said)' : ''}`,
    each.test,
    percent(each.effect),
    each.adjusted < 1e-4 ? '< 0.0001' : each.adjusted.toFixed(4),
    `${each.windows.filter(({ drifted }) => drifted).length} of ${each.windows.length}`,
    each.qualityEffect === null ? '' : `${each.qualityEffect >= 0 ? '+' : ''}${formatNumber(each.qualityEffect)}`,
    each.drifted ? { text: 'drifted', style: style.bad } : '',
  ];
  const { features, predictions, performance, calibration, fairness, persistence, multivariate, columns } = report;
  const table = terminalTable(
    [
      { label: 'column', shrinkTo: 20 },
      { label: 'test' },
      { label: 'effect', align: 'right' },
      { label: 'p, adjusted', align: 'right' },
      { label: 'windows', align: 'right' },
      { label: 'loss', align: 'right', optional: 1 },
      { label: '' },
    ],
    [...predictions.map((each) => line(each, true)), ...features.slice(0, MOST_LINES).map((each) => line(each, false))],
    style.dim,
    terminalOptions().width,
  );
  const drifted = [...features, ...predictions].filter((each) => each.drifted).length;
  const last = performance.windows.at(-1);
  return [
    `models:/${report.model}/${report.version}: ${report.windows.length} windows, ${formatNumber(
      report.windows.reduce((sum, { rows }) => sum + rows, 0),
      'integer',
    )} rows`,
    table,
    ...(features.length > MOST_LINES ? [style.dim(`and ${features.length - MOST_LINES} more (--json lists all)`)] : []),
    ...(multivariate === null
      ? []
      : [
          `All features together (classifier): AUC ${multivariate.statistic.toFixed(3)}${multivariate.drifted ? `: ${style.bad('drifted')}` : ''}`,
        ]),
    ...(columns.onlyReference.length === 0
      ? []
      : [style.bad(`Not sent any more: ${columns.onlyReference.join(', ')}`)]),
    ...(columns.onlyCurrent.length === 0 ? [] : [`New: ${columns.onlyCurrent.join(', ')}`]),
    ...(report.unknown === 0
      ? []
      : [
          `${percent(report.unknown)} of the data's rows are repeats in the locked holdout: only what is beyond that is told (--reference FILE knows more)`,
        ]),
    ...(calibration.drifted
      ? [style.bad('Calibration drifted: confidence does not say how often answers are right')]
      : []),
    ...fairness
      .filter((slice) => slice.drifted)
      .map(({ slice, widened }) =>
        style.bad(`${slice}: its errors grew by ${percent(widened)} more than those of the others`),
      ),
    last?.estimated == null
      ? `Accuracy without labels: unknown (${performance.licence.reason})`
      : `Accuracy without labels, last window: ${percent(last.estimated.value)} (${last.estimated.interval.map(percent).join(' to ')})`,
    ...(last?.realised == null
      ? []
      : [`Accuracy of its ${last.realised.labelled} labelled answers: ${percent(last.realised.value)}`]),
    `${report.drifted ? style.bad('\u2718') : style.good('\u2714')} ${drifted} of ${features.length + predictions.length} columns drifted (in ${persistence.windows} of the last ${persistence.within} windows; false discoveries ${percent(report.fdr)})`,
  ].join('\n');
}
