import type { Evidence } from '../diagnosis/evidence.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import {
  buildLedger,
  LEDGER_STAGES,
  type Ledger,
  type LedgerInput,
  type LedgerScope,
  type LedgerStageName,
  type MeasuredLoss,
} from '../evaluation/ledger.js';
import type { Run, Store } from '../store/types.js';
import { CALIBRATED } from './result-record.js';

/** What the store keeps of a stage: the evaluation, and the loss where it was measured row by row. */
type StageRecord = Evaluation & {
  readonly lost?: MeasuredLoss;
  /** Hash of the model that was judged, where it is another than the run's own. */
  readonly model?: string;
  /** What was done to the model, where it was compressed. */
  readonly steps?: readonly string[];
};

/** Keeps what was measured at a stage of a run's life, in the place of what was there. */
export async function keepStage(
  store: Store,
  run: Run,
  stage: LedgerStageName,
  evaluation: Evaluation,
  beside: Pick<StageRecord, 'lost' | 'model' | 'steps'> = {},
): Promise<void> {
  await store.putEvaluation(run.id, stage, { ...evaluation, ...beside } satisfies StageRecord);
}

/**
 * The gap ledger of a run as far as its stages were evaluated.
 *
 * @param production stages that were observed where the model is served
 */
export async function ledgerOfRun(
  store: Store,
  run: Run,
  metric: string,
  scope?: LedgerScope,
  production: readonly LedgerInput[] = [],
): Promise<Ledger> {
  const evaluations = await store.getEvaluations(run.id);
  const calibrated = (await store.listArtifacts(run.id)).find(({ path }) => path === CALIBRATED);
  const inputs = LEDGER_STAGES.flatMap((stage): LedgerInput[] => {
    const found = evaluations.find((evaluation) => evaluation.stage === stage);
    if (found === undefined) return [];
    const { lost, model, steps: _steps, ...evaluation } = found.record as StageRecord;
    // Calibrated again since: what was measured is of a model that is not there any more.
    if (stage === 'calibrated' && model !== calibrated?.sha256) return [];
    return [{ stage, evaluation, ...(lost === undefined ? {} : { lost }) }];
  });
  return buildLedger(metric, [...inputs, ...production], scope === undefined ? {} : { scope });
}

/** What the last compression of a run's model lost in a metric, and how it was compressed; undefined where none was kept. */
export async function compressionOf(store: Store, run: Run, metric: string): Promise<Evidence['compression']> {
  const found = (await store.getEvaluations(run.id)).find(({ stage }) => stage === 'compressed');
  const { lost, steps = [] } = (found?.record ?? {}) as Partial<StageRecord>;
  const figure = lost?.figures[metric];
  if (figure === undefined) return undefined;
  return { lost: figure, steps, ...(lost?.classes === undefined ? {} : { classes: lost.classes }) };
}
