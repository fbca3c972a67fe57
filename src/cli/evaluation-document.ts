import type { Robustness } from '../evaluation/attacks/robustness.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import type { FormulaFigure } from '../evaluation/formula/formula.js';
import { buildLedger, type Ledger } from '../evaluation/ledger.js';
import type { SliceSearch } from '../evaluation/slices/find-slices.js';
import type { StressReport } from '../evaluation/stress/stress.js';
import type { UncertaintyEvaluation } from '../evaluation/uncertainty.js';
import type { ChosenFrom } from '../tuning/sweep/chosen-from.js';

/** What goes with an evaluation of a run; of a model file neither is known. */
export interface RunContext {
  readonly ledger?: Ledger;
  readonly holdoutReads?: number;
  /** Of rows given as new: how many are in the locked holdout. */
  readonly locked?: number;
  /** Where an attack was asked for. */
  readonly robustness?: Robustness | undefined;
  readonly stress?: StressReport | undefined;
  readonly weakSlices?: SliceSearch | undefined;
  readonly formulas?: readonly FormulaFigure[] | undefined;
  /** Of a trial of a sweep. */
  readonly chosen?: ChosenFrom | undefined;
  /** Where it was asked for. */
  readonly uncertainty?: readonly UncertaintyEvaluation[] | undefined;
  /** Of a model of several targets, by the name of each beside the first. */
  readonly targets?: Readonly<Record<string, Evaluation>> | undefined;
}

/** The JSON answer of `ballast evaluate`. */
export function evaluationDocument(
  { rows, primary, metrics, omitted, perClass, slices, reliability, confusion, residuals, fairness }: Evaluation,
  {
    ledger,
    holdoutReads,
    locked,
    robustness,
    stress,
    uncertainty,
    weakSlices,
    formulas,
    targets,
    chosen,
  }: RunContext = {},
): Record<string, unknown> {
  return {
    rows,
    metrics,
    omitted,
    perClass,
    slices,
    reliability,
    confusion,
    residuals,
    fairness,
    ledger: ledger ?? buildLedger(primary, []),
    holdoutReads: holdoutReads ?? null,
    ...(chosen === undefined ? {} : { chosen }),
    ...(locked === undefined ? {} : { locked }),
    ...(robustness === undefined ? {} : { robustness }),
    ...(stress === undefined ? {} : { stress }),
    ...(weakSlices === undefined ? {} : { weakSlices }),
    ...(formulas === undefined ? {} : { formulas }),
    ...(uncertainty === undefined ? {} : { uncertainty }),
    ...(targets === undefined
      ? {}
      : { targets: Object.fromEntries(Object.entries(targets).map(([name, each]) => [name, each.metrics])) }),
  };
}
