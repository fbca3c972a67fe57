import type { Rule } from '../finding.js';

/** What a run itself recorded while it was trained: whichever of these codes is among its findings. */
function ofCodes({ codes, ...rule }: Omit<Rule, 'judge' | 'refutedBy'> & { codes: readonly string[] }): Rule {
  return {
    ...rule,
    refutedBy: 'The same run without the technique that is no better',
    judge({ training }) {
      const found = training?.findings.filter(({ code }) => codes.includes(code)) ?? [];
      if (found.length === 0) return undefined;
      return { confidence: 1, evidence: found.map(({ message }) => message), patch: null, expected: null };
    },
  };
}

export const recorded: readonly Rule[] = [
  ofCodes({
    id: 'X3',
    name: 'collapse while pruning',
    codes: ['PRUNING_LAYER_COLLAPSE'],
    explanation: 'A layer has lost all its weights, and nothing passes it any more',
    remedy: 'Prune less, more slowly (schedule), or layer by layer, and train on afterwards with a lower rate',
  }),
  ofCodes({
    id: 'X12',
    name: 'overfitting to synthetic rows',
    codes: ['SYNTHETIC_FAR_FROM_REAL', 'SYNTHETIC_DOMINATES'],
    explanation: 'The synthetic rows are not like the real ones, or outnumber them',
    remedy: 'Lower the share of synthetic rows; validation and holdout are real rows only',
  }),
  ofCodes({
    id: 'X24',
    name: 'numerical instability',
    codes: ['MIXED_PRECISION_OVERFLOW', 'MIXED_PRECISION_UNDERFLOW', 'MIXED_PRECISION_DRIFT'],
    explanation: 'At the emulated precision values overflow, vanish, or drift from those of full precision',
    remedy: 'Keep the layers named in full precision, scale the loss, or deploy in full precision',
  }),
];
