import { type Command, Option } from 'commander';
import type { ChoiceOptions, ChoiceRule, PenaltyRequest } from '../paths/selection/choose.js';
import type { IntervalRequest } from '../tuning/path-inference.js';
import { refuseGiven } from './given-options.js';
import { between01, names, positive, wholeNumber } from './option-values.js';

/** Options that say which model of a path is taken, and what is told of it. */
export interface ChoosingOptions {
  choose: ChoiceRule | 'adaptive';
  penalty: 'elastic-net' | PenaltyRequest['type'];
  gamma?: number;
  power?: number;
  pairs?: number;
  threshold?: number;
  expectedFalse?: number;
  fdr?: number;
  intervals?: string[] | true;
  level?: number;
  nested?: number;
}

const OF_CONCAVE = ['gamma'];
const OF_ADAPTIVE = ['power'];
const OF_STABILITY = ['pairs', 'threshold', 'expectedFalse'];
const OF_KNOCKOFFS = ['fdr'];
const OF_INTERVALS = ['level'];

/** Their names, as the command knows them. */
export const CHOOSING = [
  'penalty',
  'choose',
  'intervals',
  'nested',
  ...OF_CONCAVE,
  ...OF_ADAPTIVE,
  ...OF_STABILITY,
  ...OF_KNOCKOFFS,
  ...OF_INTERVALS,
];

const RULES: readonly ChoosingOptions['choose'][] = [
  'min',
  '1se',
  'aic',
  'bic',
  'ebic',
  'relaxed',
  'adaptive',
  'stability',
  'knockoffs',
];
const PENALTIES: readonly ChoosingOptions['penalty'][] = ['elastic-net', 'adaptive', 'mcp', 'scad', 'fused', 'trend'];

export function withChoosingOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--penalty <shape>',
        'elastic net, its adaptive form, one that does not shrink large coefficients (mcp, scad), or one on first (fused) or second (trend) differences of neighbouring columns',
      )
        .choices(PENALTIES)
        .default('elastic-net'),
    )
    .option('--gamma <number>', 'of mcp, above 1 (3), and scad, above 2 (3.7): larger is nearer to the lasso', positive)
    .option('--power <number>', 'of adaptive: weights are 1 / |pilot coefficient|^power; 1', positive)
    .addOption(
      new Option(
        '--choose <rule>',
        'model that is kept: of least cross-validated error, the sparsest within one standard error of it, of least ' +
          'criterion, relaxed towards no penalty, of columns selected by stability or knockoffs; adaptive is --penalty adaptive, min',
      )
        .choices(RULES)
        .default('1se'),
    )
    .option('--pairs <count>', 'with --choose stability: pairs of halves of the rows; 50', wholeNumber(1, 100_000))
    .option(
      '--threshold <share>',
      'with --choose stability: share of halves that select a column, above 0.5; 0.75',
      between01,
    )
    .option(
      '--expected-false <count>',
      'with --choose stability: bound on the expected number of wrong columns; what sqrt(0.8 p) columns a half make it',
      positive,
    )
    .option('--fdr <share>', 'with --choose knockoffs: share of wrong columns allowed on average; 0.1', between01)
    .option('--intervals [features]', 'intervals of de-biased coefficients, of these features or all', names)
    .option('--level <share>', 'with --intervals: share of intervals that hold the true coefficient; 0.95', between01)
    .option('--nested <folds>', 'score the whole way to the model in so many outer folds', wholeNumber(2, 1000));
}

/** Refuses options of a rule that was not asked for. @throws BallastError USAGE */
export function refuseUnchosen(command: Command, options: ChoosingOptions): void {
  const { choose, intervals, penalty } = options;
  if (choose === 'adaptive' && penalty !== 'adaptive') {
    refuseGiven(command, ['penalty'], { reason: 'is adaptive with --choose adaptive' });
  }
  const kind = penaltyOf(options)?.type;
  const concave = kind === 'mcp' || kind === 'scad';
  if (!concave) refuseGiven(command, OF_CONCAVE, { reason: 'goes with --penalty mcp or scad' });
  else refuseGiven(command, ['alpha'], { reason: 'mixes lasso and ridge, and the penalty is neither' });
  if (kind !== 'adaptive') refuseGiven(command, OF_ADAPTIVE, { reason: 'goes with --penalty adaptive' });
  if (kind !== undefined) refuseGiven(command, ['intervals'], { reason: 'goes with the elastic net' });
  if (choose !== 'stability') refuseGiven(command, OF_STABILITY, { reason: 'goes with --choose stability' });
  if (choose !== 'knockoffs') refuseGiven(command, OF_KNOCKOFFS, { reason: 'goes with --choose knockoffs' });
  if (intervals === undefined) refuseGiven(command, OF_INTERVALS, { reason: 'goes with --intervals' });
}

function penaltyOf({ choose, penalty, gamma, power }: ChoosingOptions): PenaltyRequest | undefined {
  if (choose === 'adaptive' || penalty === 'adaptive') return { type: 'adaptive', power };
  if (penalty === 'elastic-net') return undefined;
  return penalty === 'fused' || penalty === 'trend' ? { type: penalty } : { type: penalty, gamma };
}

export function choiceOf(options: ChoosingOptions): Omit<ChoiceOptions, 'folds' | 'onPart'> {
  const { choose, pairs, threshold, expectedFalse, fdr } = options;
  const penalty = penaltyOf(options);
  return {
    by: choose === 'adaptive' ? 'min' : choose,
    penalty,
    stability: { pairs, threshold, expectedFalse },
    knockoffs: { rate: fdr },
  };
}

export function intervalsOf({ intervals, level = 0.95 }: ChoosingOptions): IntervalRequest | undefined {
  if (intervals === undefined) return undefined;
  return { level, ...(intervals === true ? {} : { names: intervals }) };
}
