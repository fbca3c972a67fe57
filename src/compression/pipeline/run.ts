import { BallastError } from '../../errors.js';
import { lossByClass } from '../../evaluation/class-losses.js';
import type { Evaluation } from '../../evaluation/evaluate.js';
import { type MeasuredLoss, measureLoss } from '../../evaluation/ledger.js';
import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { answersTo } from '../examples.js';
import { type ApplyOptions, Workshop } from './apply.js';
import { type Constraint, missOf } from './constraints.js';
import { type CostOptions, costOf, type Figures, qualityOf } from './figures.js';
import { costAgainst, paretoFront } from './front.js';
import type { Journal } from './journal.js';
import { recalibrate } from './recalibrate.js';
import { type Candidate, stepText } from './steps.js';
import type { Subject } from './subject.js';

export interface PipelineOptions extends ApplyOptions {
  readonly candidates: readonly Candidate[];
  readonly constraints: readonly Constraint[];
  readonly cost: CostOptions;
}

/** A candidate that was made and measured. */
export interface Tried {
  readonly id: string;
  readonly steps: readonly string[];
  readonly figures: Figures;
  /** What scores were divided by at the end. */
  readonly temperature: number;
  /** ECE before recalibration, on the rows that candidates are judged on. */
  readonly eceBefore: number | null;
  /** Constraints that are missed, with by how much, as a share of the limit. */
  readonly misses: Readonly<Record<string, number>>;
  readonly onFront: boolean;
}

/** What became of a compression. */
export interface PipelineResult {
  readonly baseline: Figures;
  readonly tried: readonly Tried[];
  /** Candidates that could not be made, and why. */
  readonly failed: Readonly<Record<string, string>>;
  /** The cheapest that meets every constraint. */
  readonly chosen: string | null;
  /** Where none does: the one that misses by least. */
  readonly bestMiss: string | null;
  /** Of the chosen one, or of the best miss. */
  readonly record: Remembered | null;
}

/** What is remembered of a candidate, so that an interrupted compression goes on. */
export interface Remembered {
  readonly figures: Figures;
  readonly temperature: number;
  /** On the rows that candidates are judged on, before and after recalibration. */
  readonly evaluations: { readonly compressed: Evaluation; readonly recalibrated: Evaluation };
  /** Quality lost, row by row: by compression against the original, and by recalibration after it. */
  readonly lost: { readonly compressed: MeasuredLoss; readonly recalibrated: MeasuredLoss } | null;
}

/** A delivered model, to be written where it belongs. */
export interface Delivery {
  readonly candidate: Candidate;
  readonly model: Model;
  readonly figures: Figures;
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
  const { candidates, constraints, signal, tell } = options;
  const workshop = new Workshop(runtime, subject, options);
  const original = subject.deploy(subject.network);
  const baseline = await journal.remember('original', async () => {
    tell?.('the original');
    const answers = await answersTo(runtime, subject.network, subject.examples, subject.rows.judge);
    const { evaluation, ...quality } = qualityOf(subject, answers);
    const cost = await costOf(runtime, subject, [original, original], options.cost);
    const timeRatio = { value: 1, interval: [1, 1] as const };
    const figures: Figures = { ...quality, ...cost, timeRatio, bytes: subject.source.bytes };
    return { figures, temperature: 1, evaluations: { compressed: evaluation, recalibrated: evaluation }, lost: null };
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
  return verdict(subject, baseline.figures, made, { candidates, constraints, failed });
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
  const before = qualityOf(subject, compressed);
  const { model, temperature } = recalibrate(network, examples, await answersTo(runtime, network, examples, rows.tune));
  const answers = await answersTo(runtime, model, examples, rows.judge);
  const { evaluation, ...quality } = qualityOf(subject, answers);
  const delivered = subject.deploy(model);
  const figures: Figures = { ...quality, ...(await costOf(runtime, subject, [delivered, first], options.cost)) };
  await deliver({ candidate, model: delivered, figures });
  const metrics = [subject.primary];
  return {
    figures,
    temperature,
    evaluations: { compressed: before.evaluation, recalibrated: evaluation },
    lost: {
      compressed: {
        ...measureLoss('validation', original, compressed, metrics),
        classes: lossByClass(original, compressed),
      },
      recalibrated: measureLoss('compressed', compressed, answers, metrics),
    },
  };
}

function verdict(
  { primary }: Subject,
  baseline: Figures,
  made: ReadonlyMap<string, Remembered>,
  {
    candidates,
    constraints,
    failed,
  }: Pick<PipelineOptions, 'candidates' | 'constraints'> & { failed: Record<string, string> },
): PipelineResult {
  const present = candidates.filter(({ id }) => made.has(id));
  const front = paretoFront(
    present.map(({ id }) => made.get(id)!.figures),
    primary,
  );
  const tried = present.map(({ id, steps }, i): Tried => {
    const { figures, temperature, evaluations } = made.get(id)!;
    const eceBefore = evaluations.compressed.metrics.ece?.value ?? null;
    const misses = constraints.flatMap((constraint) => {
      const miss = missOf(constraint, figures, baseline, primary);
      return miss === 0 ? [] : [[constraint.text, miss] as const];
    });
    const done = [...steps.map(stepText), ...(temperature === 1 ? [] : ['recalibrate'])];
    return { id, steps: done, figures, temperature, eceBefore, misses: Object.fromEntries(misses), onFront: front[i] };
  });
  const missed = ({ misses }: Tried): number => Object.values(misses).reduce((sum, miss) => sum + miss, 0);
  const meeting = tried.filter((each) => missed(each) === 0);
  const cheapest = (some: readonly Tried[]): Tried | undefined =>
    some.toSorted(
      (a, b) => missed(a) - missed(b) || costAgainst(a.figures, baseline) - costAgainst(b.figures, baseline),
    )[0];
  const chosen = cheapest(meeting)?.id ?? null;
  const bestMiss = chosen === null ? (cheapest(tried)?.id ?? null) : null;
  const record = made.get(chosen ?? bestMiss ?? '') ?? null;
  return { baseline, tried, failed, chosen, bestMiss, record };
}
