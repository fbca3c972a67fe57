import { BallastError } from '../../errors.js';
import { lossByClass } from '../../evaluation/class-losses.js';
import type { Evaluation } from '../../evaluation/evaluate.js';
import { type MeasuredLoss, measureLoss } from '../../evaluation/ledger.js';
import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { answersTo, type Examples } from '../examples.js';
import { type ApplyOptions, Workshop } from './apply.js';
import { classOffsets } from './class-offsets.js';
import type { Constraint } from './constraints.js';
import { type CostOptions, costOf, type Figures, lossOf, qualityOf } from './figures.js';
import type { Journal } from './journal.js';
import { type Recalibrated, recalibrate } from './recalibrate.js';
import { type Ends, endsOf } from './shown.js';
import type { Candidate } from './steps.js';
import type { Subject } from './subject.js';
import { type PipelineResult, verdict } from './verdict.js';

export interface PipelineOptions extends ApplyOptions {
  readonly candidates: readonly Candidate[];
  readonly constraints: readonly Constraint[];
  readonly cost: CostOptions;
  /** Answer each class as often as the original does, see `classOffsets`. */
  readonly offsets: boolean;
  /** Choose none that does not show on the rows that it keeps to the constraints, see `endsOf`. */
  readonly onlyShown: boolean;
}

/** What is remembered of a candidate, so that an interrupted compression goes on. */
export interface Remembered {
  readonly figures: Figures;
  readonly temperature: number;
  readonly offsets?: readonly number[];
  /** What the rows that candidates are judged on exclude. */
  readonly ends: Ends;
  /** On the rows that candidates are judged on, before and after recalibration; null for a detector. */
  readonly evaluations: { readonly compressed: Evaluation; readonly recalibrated: Evaluation } | null;
  /** Quality lost, row by row: by compression against the original, and by recalibration after it. */
  readonly lost: { readonly compressed: MeasuredLoss; readonly recalibrated: MeasuredLoss } | null;
}

/** A delivered model, to be written where it belongs. */
export interface Delivery {
  readonly candidate: Candidate;
  readonly model: Model;
  readonly figures: Figures;
  readonly ends: Ends;
}

/**
 * Makes every candidate, recalibrates it, judges it on rows that neither training nor calibration saw, measures what it
 * costs here, and chooses by the constraints. Candidates that the journal knows are not made again. Nothing is thrown away:
 * where no candidate meets the constraints, the best miss is named.
 *
 * @param deliver told of each delivered model
 */
export async function runPipeline(
  runtime: Runtime,
  subject: Subject,
  options: PipelineOptions,
  journal: Journal,
  deliver: (delivery: Delivery) => Promise<void>,
): Promise<PipelineResult> {
  const { candidates, signal, tell } = options;
  const workshop = new Workshop(runtime, subject, options);
  const original = subject.deploy(subject.network);
  const baseline = await journal.remember('original', async () => {
    tell?.('the original');
    const answers = await answersTo(runtime, subject.network, subject.examples, subject.rows.judge);
    const { evaluation, ...quality } = qualityOf(subject, answers);
    const cost = await costOf(runtime, subject, [original, original], options.cost);
    const timeRatio = { value: 1, interval: [1, 1] as const };
    const loss = { value: 0, interval: [0, 0] as const };
    const figures: Figures = { ...quality, loss, ...cost, timeRatio, bytes: subject.source.bytes };
    const evaluations = evaluation === null ? null : { compressed: evaluation, recalibrated: evaluation };
    return { figures, temperature: 1, ends: {}, evaluations, lost: null };
  });
  const made = new Map<string, Remembered>();
  const failed: Record<string, string> = {};
  for (const [index, candidate] of candidates.entries()) {
    signal?.throwIfAborted();
    tell?.(`${candidate.id} (${index + 1} of ${candidates.length})`);
    try {
      made.set(
        candidate.id,
        await journal.remember(candidate.id, () =>
          measured(candidate, { runtime, subject, options, original, workshop, deliver }),
        ),
      );
    } catch (error) {
      if (!(error instanceof BallastError) || signal?.aborted) throw error;
      failed[candidate.id] = error.describe();
      tell?.(`${candidate.id}: ${failed[candidate.id]}`);
    }
  }
  return verdict(subject.primary, baseline.figures, made, { ...options, failed });
}

interface Making {
  readonly runtime: Runtime;
  readonly subject: Subject;
  readonly options: PipelineOptions;
  readonly original: Model;
  readonly workshop: Workshop;
  readonly deliver: (delivery: Delivery) => Promise<void>;
}

async function measured(
  candidate: Candidate,
  { runtime, subject, options, original: first, workshop, deliver }: Making,
): Promise<Remembered> {
  const { examples, rows } = subject;
  const network = await workshop.make(candidate.steps);
  options.tell?.('recalibrating, judging, measuring');
  const original = await answersTo(runtime, subject.network, examples, rows.judge);
  const compressed = await answersTo(runtime, network, examples, rows.judge);
  const { model, temperature, offsets } =
    examples.task === 'detection'
      ? { model: network, temperature: 1, offsets: undefined }
      : await recalibrated(network, examples, { runtime, subject, options });
  const answers = await answersTo(runtime, model, examples, rows.judge);
  const { evaluation: after, ...quality } = qualityOf(subject, answers);
  const delivered = subject.deploy(model);
  const figures: Figures = {
    ...quality,
    loss: lossOf(subject, original, answers),
    ...(await costOf(runtime, subject, [delivered, first], options.cost)),
  };
  const ends = endsOf(subject, [original, answers], options.candidates.length);
  await deliver({ candidate, model: delivered, figures, ends });
  const told = { figures, temperature, ends, ...(offsets === undefined ? {} : { offsets }) };
  if (original.task === 'detection' || compressed.task === 'detection' || answers.task === 'detection') {
    return { ...told, evaluations: null, lost: null };
  }
  const before = qualityOf(subject, compressed).evaluation;
  const metrics = [subject.primary];
  return {
    ...told,
    evaluations: before === null || after === null ? null : { compressed: before, recalibrated: after },
    lost: {
      compressed: {
        ...measureLoss('validation', original, compressed, metrics),
        classes: lossByClass(original, compressed),
      },
      recalibrated: measureLoss('compressed', compressed, answers, metrics),
    },
  };
}

/** The network with scores recalibrated on the rows to tune on. */
async function recalibrated(
  network: Model,
  examples: Examples,
  { runtime, subject, options }: Pick<Making, 'runtime' | 'subject' | 'options'>,
): Promise<Recalibrated> {
  const { tune } = subject.rows;
  const tuned = await answersTo(runtime, network, examples, tune);
  const wanted = options.offsets
    ? classOffsets(await answersTo(runtime, subject.network, examples, tune), tuned)
    : undefined;
  return recalibrate(network, examples, tuned, wanted);
}
