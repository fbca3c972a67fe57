import type { Rule } from '../finding.js';

/** What a run itself recorded, by the row of the catalogue that it is of. */
const ROWS: readonly {
  readonly id: string;
  readonly name: string;
  readonly codes: readonly string[];
  readonly remedy: string;
  readonly why: string;
}[] = [
  {
    id: 'X3',
    name: 'collapse while pruning',
    codes: ['PRUNING_LAYER_COLLAPSE'],
    why: 'A layer has lost all its weights, and nothing passes it any more',
    remedy: 'Prune less, more slowly (schedule), or layer by layer, and train on afterwards with a lower rate',
  },
  {
    id: 'X12',
    name: 'overfitting to synthetic rows',
    codes: ['SYNTHETIC_FAR_FROM_REAL', 'SYNTHETIC_DOMINATES'],
    why: 'The synthetic rows are not like the real ones, or outnumber them',
    remedy: 'Lower the share of synthetic rows; validation and holdout are real rows only',
  },
  {
    id: 'X24',
    name: 'numerical instability',
    codes: ['MIXED_PRECISION_OVERFLOW', 'MIXED_PRECISION_UNDERFLOW', 'MIXED_PRECISION_DRIFT'],
    why: 'At the emulated precision values overflow, vanish, or drift from those of full precision',
    remedy: 'Keep the layers named in full precision, scale the loss, or deploy in full precision',
  },
];

export const recorded: readonly Rule[] = ROWS.map(({ id, name, codes, remedy, why }) => ({
  id,
  name,
  judge({ training }) {
    const found = training?.findings.filter(({ code }) => codes.includes(code)) ?? [];
    if (found.length === 0) return undefined;
    return {
      confidence: 0.95,
      evidence: found.map(({ message }) => message),
      explanation: why,
      patch: null,
      remedy,
      expected: null,
      refutedBy: 'The same run without the technique that is no better',
    };
  },
}));
