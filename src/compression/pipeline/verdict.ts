import { missOf } from './constraints.js';
import type { Figures } from './figures.js';
import { costAgainst, paretoFront } from './front.js';
import type { PipelineOptions, Remembered } from './run.js';
import { shownOf } from './shown.js';
import { stepText } from './steps.js';

/** A candidate that was made and measured. */
export interface Tried {
  readonly id: string;
  readonly steps: readonly string[];
  readonly figures: Figures;
  /** What scores were divided by at the end. */
  readonly temperature: number;
  /** What was added to the scores of each class before that, in the order of the classes; null where nothing was. */
  readonly offsets: readonly number[] | null;
  /** ECE before recalibration, on the rows that candidates are judged on. */
  readonly eceBefore: number | null;
  /** Constraints that are missed, with by how much, as a share of the limit. */
  readonly misses: Readonly<Record<string, number>>;
  /** Constraints that it keeps to on the rows it was judged on, and perhaps not on others: with the end of the interval. */
  readonly notShown: Readonly<Record<string, number>>;
  readonly onFront: boolean;
}

/** What became of a compression. */
export interface PipelineResult {
  readonly baseline: Figures;
  readonly tried: readonly Tried[];
  /** Candidates that could not be made, and why. */
  readonly failed: Readonly<Record<string, string>>;
  /** The cheapest that shows that it meets every constraint; where none does, the cheapest that meets them. */
  readonly chosen: string | null;
  /** Where none does: the one that misses by least. */
  readonly bestMiss: string | null;
  /** Of the chosen one, or of the best miss. */
  readonly record: Remembered | null;
}

/** Chooses by the constraints among candidates that were made: the cheapest of those that show that they keep to them goes first. */
export function verdict(
  primary: string,
  baseline: Figures,
  made: ReadonlyMap<string, Remembered>,
  {
    candidates,
    constraints,
    onlyShown,
    failed,
  }: Pick<PipelineOptions, 'candidates' | 'constraints' | 'onlyShown'> & { failed: Record<string, string> },
): PipelineResult {
  const present = candidates.filter(({ id }) => made.has(id));
  const front = paretoFront(
    present.map(({ id }) => made.get(id)!.figures),
    primary,
  );
  const tried = present.map(({ id, steps }, i): Tried => {
    const { figures, temperature, offsets, ends, evaluations } = made.get(id)!;
    const eceBefore = evaluations?.compressed.metrics.ece?.value ?? null;
    const misses = constraints.flatMap((constraint) => {
      const miss = missOf(constraint, figures, baseline, primary);
      return miss === 0 ? [] : [[constraint.text, miss] as const];
    });
    const notShown = constraints.flatMap((constraint) => {
      const judged = shownOf(constraint, ends);
      return judged === undefined || judged.shown ? [] : [[constraint.text, judged.end] as const];
    });
    const done = [
      ...steps.map(stepText),
      ...(offsets === undefined ? [] : ['offsets of classes']),
      ...(temperature === 1 ? [] : ['recalibrate']),
    ];
    const told = { id, steps: done, figures, temperature, offsets: offsets ?? null, eceBefore };
    return { ...told, misses: Object.fromEntries(misses), notShown: Object.fromEntries(notShown), onFront: front[i] };
  });
  const missed = ({ misses }: Tried): number => Object.values(misses).reduce((sum, miss) => sum + miss, 0);
  const meeting = tried.filter((each) => missed(each) === 0);
  const cheapest = (some: readonly Tried[]): Tried | undefined =>
    some.toSorted(
      (a, b) => missed(a) - missed(b) || costAgainst(a.figures, baseline) - costAgainst(b.figures, baseline),
    )[0];
  const sure = meeting.filter(({ notShown }) => Object.keys(notShown).length === 0);
  const chosen = (cheapest(sure) ?? (onlyShown ? undefined : cheapest(meeting)))?.id ?? null;
  const bestMiss = chosen === null ? (cheapest(tried)?.id ?? null) : null;
  const record = made.get(chosen ?? bestMiss ?? '') ?? null;
  return { baseline, tried, failed, chosen, bestMiss, record };
}
