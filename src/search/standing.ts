import { dominates } from './pareto.js';
import type { Report, Trial } from './trial.js';

/**
 * The best that a trial had reported up to a step, objective by objective; undefined where it had not come that far.
 * Objectives that no epoch knows of are NaN.
 */
export function bestUpTo({ reports }: Pick<Trial, 'reports'>, step: number): readonly number[] | undefined {
  if ((reports.at(-1)?.step ?? 0) < step) return undefined;
  const seen = reports.filter((report) => report.step <= step);
  return seen[0]?.losses.map((_, objective) => lowest(seen, objective));
}

function lowest(reports: readonly Report[], objective: number): number {
  const known = reports.map(({ losses }) => losses[objective]).filter((loss) => !Number.isNaN(loss));
  return known.length === 0 ? Number.NaN : Math.min(...known);
}

/**
 * How many of the others stand better: with one objective those with a lower loss, with several those that are at least
 * as good in everything and better in something. What a single objective decides by its median or its best third is then
 * decided by dominance, so that pruning works for several objectives alike.
 */
function standing(own: readonly number[], others: readonly (readonly number[])[]): number {
  const known = own.flatMap((loss, i) => (Number.isNaN(loss) ? [] : [i]));
  const of = (losses: readonly number[]): number[] => known.map((i) => losses[i]);
  const mine = of(own);
  return others.filter((losses) => dominates(of(losses), mine)).length;
}

/** Whether a trial's standing is among the best so many of all that came as far, itself among them. */
export function isAmong(own: readonly number[], others: readonly (readonly number[])[], count: number): boolean {
  if (own.filter((loss) => !Number.isNaN(loss)).length < 2) return standing(own, others) < count;
  // Dominance leaves many side by side: counted is by how many each is dominated.
  const all = [own, ...others];
  const counts = all.map((losses, i) =>
    standing(
      losses,
      all.filter((_, k) => k !== i),
    ),
  );
  const [mine, ...theirs] = counts;
  return mine === 0 || theirs.filter((each) => each < mine).length < count;
}
