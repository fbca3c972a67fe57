import { benjaminiHochberg, normalSf } from '../../numeric/index.js';

/** Labelled answers of a slice, and how many of them were wrong: before, and now. */
export interface SliceErrors {
  readonly slice: string;
  readonly before: { readonly labelled: number; readonly wrong: number };
  readonly now: { readonly labelled: number; readonly wrong: number };
}

export interface SliceDrift extends SliceErrors {
  /** By how much the slice's error rate grew beyond that of all other answers. */
  readonly widened: number;
  readonly pValue: number;
  readonly adjusted: number;
  readonly drifted: boolean;
}

/** Fewer labels of a slice say nothing. */
const FEWEST = 30;

/**
 * Whether quality was lost in some slices and not in others (fairness drift): the growth of a slice's error rate minus that of all other
 * answers, one-sided; all slices under one false discovery rate.
 */
export function fairnessDrift(
  slices: readonly SliceErrors[],
  all: Omit<SliceErrors, 'slice'>,
  { fdr, least = 0.03 }: { readonly fdr: number; readonly least?: number },
): SliceDrift[] {
  const judged = slices.flatMap((slice) => {
    const parts = (['before', 'now'] as const).map((when) => {
      const rest = {
        labelled: all[when].labelled - slice[when].labelled,
        wrong: all[when].wrong - slice[when].wrong,
      };
      return { own: slice[when], rest };
    });
    if (parts.some(({ own, rest }) => own.labelled < FEWEST || rest.labelled < FEWEST)) return [];
    const apart = parts.map(({ own, rest }) => own.wrong / own.labelled - rest.wrong / rest.labelled);
    const variance = parts
      .flatMap(({ own, rest }) => [own, rest])
      .reduce((sum, { labelled, wrong }) => {
        // Half an error and half a right answer more: no share of 0 is certain.
        const p = (wrong + 0.5) / (labelled + 1);
        return sum + (p * (1 - p)) / labelled;
      }, 0);
    const widened = apart[1] - apart[0];
    return [{ ...slice, widened, pValue: normalSf(widened / Math.sqrt(variance)) }];
  });
  const adjusted = benjaminiHochberg(judged.map(({ pValue }) => pValue));
  return judged
    .map((slice, i) => ({ ...slice, adjusted: adjusted[i], drifted: adjusted[i] <= fdr && slice.widened >= least }))
    .sort((a, b) => b.widened - a.widened);
}
