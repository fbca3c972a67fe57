/**
 * Advice before training: is regularization necessary here, optional, or not the answer, and what to start with. A pure
 * function of what is known beforehand; the thresholds are rules of thumb and are said to be, reason by reason.
 */
export interface AdviceInput {
  readonly task: 'classification' | 'regression';
  /** Rows to train on. */
  readonly rows: number;
  /** Encoded features a row. */
  readonly features: number;
  /** Trainable parameters of the model in mind. */
  readonly parameters: number;
  /** Rows of each class; empty for regression. */
  readonly classRows: readonly number[];
  readonly content: 'tabular' | 'image' | 'audio' | 'series' | 'tokens';
  /** Share of rows whose features equal those of another row. */
  readonly duplicateShare: number;
  readonly hardware: 'server' | 'edge' | 'serverless';
  readonly threat: 'none' | 'adversarial';
  readonly errors: 'ordinary' | 'costly';
  readonly purpose: 'production' | 'prototype';
  /** What an earlier run showed, in the primary metric, where there was one. */
  readonly seen?: SeenRun;
}

export interface SeenRun {
  readonly metric: string;
  /** Quality lost from train to validation. */
  readonly gap: number;
  /** Whether the gap's interval excludes 0. */
  readonly gapIsClear: boolean;
  /** How much better than always answering the same the run is on the training rows, 0 .. 1. */
  readonly skill: number;
  readonly regularized: boolean;
}

export interface Advice {
  readonly answer: 'necessary' | 'optional' | 'no';
  readonly reasons: readonly string[];
  /** What to look at besides, or first. */
  readonly cautions: readonly string[];
  /** Starting regularizers of a spec, weight decay and early stopping first. */
  readonly regularizers: readonly Readonly<Record<string, unknown>>[];
}

/** Below this share of what the target allows on its own training rows, a model underfits. */
const UNDERFIT_SKILL = 0.2;

export function advise(input: AdviceInput): Advice {
  const perParameter = input.rows / Math.max(1, input.parameters);
  const smallest = input.classRows.length === 0 ? undefined : Math.min(...input.classRows);
  if (input.seen !== undefined && input.seen.skill < UNDERFIT_SKILL && input.seen.gap < 0.03) {
    return {
      answer: 'no',
      reasons: [
        `the earlier run is hardly better than a constant answer on its own training rows (skill ${input.seen.skill.toFixed(2)}): it underfits`,
        input.seen.regularized
          ? 'weaker strengths come first; then capacity, features, learning rate'
          : 'more capacity, better features or a longer training come first',
      ],
      cautions: cautionsOf(input, smallest),
      regularizers: [],
    };
  }
  const necessary = [
    ...(perParameter < 10
      ? [
          `${format(input.rows)} training rows for ${format(input.parameters)} parameters (${perParameter.toPrecision(2)} rows each; fewer than 10): the model can memorize them`,
        ]
      : []),
    ...(input.features > input.rows
      ? [`more features (${format(input.features)}) than rows: without a penalty many exact fits exist`]
      : []),
    ...(input.rows < 1000 ? [`only ${format(input.rows)} training rows`] : []),
    ...(input.seen?.gapIsClear === true && input.seen.gap > 0.03
      ? [`an earlier run lost ${input.seen.gap.toFixed(3)} of ${input.seen.metric} from train to validation`]
      : []),
    ...(input.errors === 'costly' ? ['errors are costly: overconfident answers have to be paid for'] : []),
    ...(input.hardware !== 'server'
      ? [`the model has to fit ${input.hardware} hardware: pruned and quantized models need weights that stay small`]
      : []),
    ...(input.threat === 'adversarial' ? ['inputs may be adversarial'] : []),
  ];
  const regularizers = startingSet(input, perParameter, smallest);
  if (necessary.length > 0)
    return { answer: 'necessary', reasons: necessary, cautions: cautionsOf(input, smallest), regularizers };
  return {
    answer: 'optional',
    reasons: [
      `${format(input.rows)} training rows for ${format(input.parameters)} parameters: memorizing them is hard`,
      ...(input.purpose === 'prototype' ? ['for a prototype the unregularized baseline is enough to begin with'] : []),
      'if production looks like these rows, weight decay and early stopping cost little and are enough to begin with',
    ],
    cautions: cautionsOf(input, smallest),
    regularizers: input.purpose === 'prototype' ? regularizers.slice(0, 2) : regularizers,
  };
}

function startingSet(
  { content, rows, task, threat }: AdviceInput,
  perParameter: number,
  smallest: number | undefined,
): Record<string, unknown>[] {
  const strong = perParameter < 1;
  return [
    { type: 'weight-decay', strength: strong ? 0.1 : perParameter < 10 ? 0.03 : 0.01 },
    { type: 'early-stopping', patience: rows < 1000 ? 15 : 8 },
    ...(perParameter < 10 ? [{ type: 'dropout', strength: strong ? 0.3 : 0.2 }] : []),
    ...(content === 'image' && rows < 50_000 ? [{ type: 'image-augmentation', strength: 1 }] : []),
    ...(content === 'audio' && rows < 50_000 ? [{ type: 'audio-augmentation' }] : []),
    ...(threat === 'adversarial' && content !== 'tokens' ? [{ type: 'adversarial-training' }] : []),
    // Smoothing takes most from classes that are seen least.
    ...(task === 'classification' && perParameter < 10 && (smallest ?? 0) >= 50
      ? [{ type: 'label-smoothing', strength: 0.05 }]
      : []),
  ];
}

function cautionsOf(
  { threat, hardware, duplicateShare, classRows, rows }: AdviceInput,
  smallest: number | undefined,
): string[] {
  return [
    ...(smallest !== undefined && smallest < 20
      ? [`the smallest class has ${smallest} rows: collect more, or merge classes, before tuning strengths`]
      : []),
    ...(classRows.length > 0 && smallest !== undefined && smallest / rows < 0.05
      ? ['classes are imbalanced: look at prAuc and recall of the rare ones, and set training.classWeights: balanced']
      : []),
    ...(duplicateShare > 0.05
      ? [`${(100 * duplicateShare).toFixed(0)} % of the rows repeat others: fewer rows are independent than there are`]
      : []),
    ...(threat === 'adversarial'
      ? [
          'inputs may be attacked: set the epsilon of adversarial-training to what an attacker may change, and measure with evaluate --adversarial',
        ]
      : []),
    ...(hardware !== 'server'
      ? ['compression is not in this version: l1 prepares weights for it but does not make the network faster']
      : []),
  ];
}

const format = (count: number): string => count.toLocaleString('en-US');
