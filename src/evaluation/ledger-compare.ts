/** Two ledgers side by side: where one model loses what another does not. */
import { BallastError } from '../errors.js';
import { criticalValue, type Interval } from '../numeric/index.js';
import type { Ledger, LedgerStage, LedgerStageName } from './ledger.js';

export interface ExcessLoss {
  readonly stage: LedgerStageName;
  /** Loss of the stage minus that of the reference's, in the metric's unit: above 0 loses more. */
  readonly excess: number;
  readonly interval: Interval;
  /** Above 0 at a level that allows for the number of stages. */
  readonly clear: boolean;
}

export interface LedgerComparison {
  readonly metric: string;
  readonly stages: readonly ExcessLoss[];
  /**
   * Where it begins: the earliest stage that clearly loses more, since what goes wrong there is carried on to those after it;
   * null where none does.
   */
  readonly origin: LedgerStageName | null;
}

const LEVEL = 0.95;

/**
 * Compares what two models lost from stage to stage: an own gap is usual for the data, and what is beyond that of a reference
 * (a baseline, a champion, last month's model) is not. Intervals combine those of both (the models may have seen other rows).
 *
 * @throws BallastError LEDGER_COMPARE where they are of different metrics, or have no stages in common
 */
export function compareLedgers(own: Ledger, reference: Ledger): LedgerComparison {
  const pairs = own.stages.flatMap((stage): [LedgerStage, LedgerStage][] => {
    const other = reference.stages.find((each) => each.stage === stage.stage && each.from === stage.from);
    return stage.delta === null || other === undefined || other.delta === null ? [] : [[stage, other]];
  });
  if (own.metric !== reference.metric || pairs.length === 0) {
    throw new BallastError('the ledgers have no stage in common', {
      code: 'LEDGER_COMPARE',
      value: [own.metric, reference.metric],
      remedy: 'Evaluate both up to the same stage, by one metric',
    });
  }
  // Bonferroni over stages, in standard errors of the combined interval.
  const beyond = criticalValue(1 - (1 - LEVEL) / pairs.length) / criticalValue(LEVEL);
  const stages = pairs.map(([stage, other]): ExcessLoss => {
    const excess = (stage.delta ?? 0) - (other.delta ?? 0);
    const interval = combined(excess, stage, other);
    return { stage: stage.stage, excess, interval, clear: excess - beyond * (excess - interval[0]) > 0 };
  });
  const origin = stages.find(({ stage, clear }) => stage !== 'stress' && clear);
  return { metric: own.metric, stages, origin: origin?.stage ?? null };
}

/** Independent differences: their errors add up in squares (MOVER). */
function combined(excess: number, a: LedgerStage, b: LedgerStage): Interval {
  const [low, high] = a.deltaInterval ?? [0, 0];
  const [otherLow, otherHigh] = b.deltaInterval ?? [0, 0];
  const [own, other] = [a.delta ?? 0, b.delta ?? 0];
  return [excess - Math.hypot(own - low, otherHigh - other), excess + Math.hypot(high - own, other - otherLow)];
}
