import { lossByClass } from '../../evaluation/class-losses.js';
import { isHigherBetter } from '../../evaluation/direction.js';
import type { Evaluation } from '../../evaluation/evaluate.js';
import type { PredictionInput } from '../../evaluation/input.js';
import type { Answers } from '../examples.js';
import type { Constraint } from './constraints.js';
import { lossOf, qualityOf } from './figures.js';
import type { Subject } from './subject.js';

/** How sure one must be of a limit, all candidates together. */
export const SURE = 0.95;

/** The worse ends of what is estimated on rows, by the name of the constraint; what has no interval there is left out. */
export type Ends = Readonly<Record<string, number>>;

/**
 * What the rows exclude, and no more: the end on the worse side of each interval, one-sided at the level {@link SURE} shared out over
 * the candidates (Bonferroni), since one of many that is chosen because it looks good looks too good.
 */
export function endsOf(
  subject: Pick<Subject, 'primary' | 'seed'>,
  [original, answers]: readonly [Answers, Answers],
  candidates: number,
): Ends {
  const level = 1 - (2 * (1 - SURE)) / Math.max(1, candidates);
  const ends = new Map<string, number>();
  const own = qualityOf(subject, answers, level);
  ends.set('quality', own.quality.interval[isHigherBetter(subject.primary) ? 0 : 1]);
  if (own.ece !== null) ends.set('ece', own.ece.interval[1]);
  const rise = (primary: string): number | undefined =>
    lossOf({ ...subject, primary }, original, answers, level)?.interval[1];
  const found = { qualityLoss: rise(subject.primary), eceRise: own.ece === null ? undefined : rise('ece') };
  for (const [name, end] of Object.entries(found)) if (end !== undefined) ends.set(name, end);
  if (own.evaluation !== null && original.task !== 'detection' && answers.task !== 'detection') {
    const classes = classEnds([original, answers], own.evaluation, level);
    for (const [name, end] of Object.entries(classes)) ends.set(name, end);
  }
  return Object.fromEntries(ends);
}

/**
 * Of the class that fares worst. It loses what some class loses, less what that class had more than the worst before: the loss is
 * within the largest such end.
 */
export function classEnds(
  [original, answers]: readonly [PredictionInput, PredictionInput],
  { perClass }: Pick<Evaluation, 'perClass'>,
  level: number,
): { worstClass?: number; worstClassLoss?: number } {
  const lows = Object.values(perClass).flatMap(({ recall }) => (recall === undefined ? [] : [recall.interval[0]]));
  const losses = lossByClass(original, answers, level);
  if (lows.length === 0 || losses.length === 0) return {};
  const before = losses.map(({ class: name, lost }) => (perClass[name]?.recall?.value ?? 0) + lost.value);
  const worst = Math.min(...before);
  return {
    worstClass: Math.min(...lows),
    worstClassLoss: Math.max(...losses.map(({ lost }, i) => lost.interval[1] - (before[i] - worst))),
  };
}

/** The end that a constraint is judged by, and whether it keeps to the limit; undefined where it is not of rows. */
export function shownOf({ name, least, limit }: Constraint, ends: Ends): { end: number; shown: boolean } | undefined {
  const end = ends[name];
  if (end === undefined) return undefined;
  return { end, shown: least ? end >= limit : end <= limit };
}
