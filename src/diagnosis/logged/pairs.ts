/** One metric that a client logged, at each step its last value. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
}

/** The same quantity on training rows and on rows held back. */
export interface Pair {
  /** `loss`, `accuracy`, ... as the client calls it. */
  readonly quantity: string;
  readonly direction: 'higher' | 'lower';
  /** Whether it lives between 0 and 1, so that a difference has a fixed scale. */
  readonly isShare: boolean;
  readonly train: Series;
  readonly validation: Series;
}

type Side = 'train' | 'validation';

interface Named {
  readonly side: Side;
  readonly quantity: string;
}

/** What a framework calls a metric, read by one rule each; the first that fits decides. */
const NAMES: readonly ((name: string) => Named | undefined)[] = [
  // XGBoost, LightGBM: validation_0-logloss is the first evaluation set, which by convention holds the training rows.
  (name) => match(/^(train(?:ing)?|learn)[-_](?:0[-_])?([a-z]+@?\d*)$/i, name, 'train', 2),
  (name) => match(/^(?:validation(?:_\d+)?|valid_\d+|eval(?:_\d+)?|test)-([a-z]+@?\d*)$/i, name, 'validation', 1),
  // Keras, Lightning, Hugging Face, Ballast, and whatever else puts the part before the quantity.
  (name) => match(/^(?:train(?:ing)?)[_./ -](.+?)(?:_epoch)?$/i, name, 'train', 1),
  (name) => match(/^(?:val|valid|validation|dev|eval|test)[_./ -](.+?)(?:_epoch)?$/i, name, 'validation', 1),
  // scikit-learn: what is scored after the fit is named after the variable that held the rows.
  (name) => match(/^(.+?)[-_](?:X|x|features?)_?(?:train(?:ing)?)$/, name, 'train', 1),
  (name) =>
    match(/^(.+?)[-_](?:X|x|features?)_?(?:val|valid|validation|dev|test|eval|holdout|new)$/, name, 'validation', 1),
  // Keras and Hugging Face call the training side by the bare name.
  (name) => ({ side: 'train', quantity: name }),
];

function match(pattern: RegExp, name: string, side: Side, group: number): Named | undefined {
  const found = pattern.exec(name)?.[group];
  return found === undefined ? undefined : { side, quantity: found };
}

const SHARES =
  /(^|[_-])(acc|accuracy|auc|roc_auc|auroc|f1|precision|recall|ap|average_precision|score|r2|iou|dice|map|bleu)([_-]|$)|accuracy|_score$/;
const LOSSES = /loss|error|err$|rmse|mse|mae|mape|nll|perplexity|deviance|logloss|brier|entropy|wer|cer/;

/** Whether more of a quantity is better; undefined for what is neither a score nor a loss, such as a learning rate. */
function directionOf(quantity: string): Pair['direction'] | undefined {
  const name = quantity.toLowerCase();
  if (LOSSES.test(name)) return 'lower';
  return SHARES.test(name) ? 'higher' : undefined;
}

/** The same quantity under one name: `accuracy_score` after the fit is `accuracy`, and so is scikit-learn's default score. */
function canonical(quantity: string): string {
  const name = quantity
    .toLowerCase()
    .replace(/_epoch$|_score$/, '')
    .replace(/^(?:[a-z]+(?:classifier|regressor|regression|cv|svc|svr|pipeline))_?/, '');
  if (name === 'acc' || name === 'categorical_accuracy' || name === 'binary_accuracy') return 'accuracy';
  return name === '' ? 'score' : name;
}

/**
 * Finds the quantities that were logged on both sides, by the names that Keras, Lightning, scikit-learn, XGBoost,
 * LightGBM and Hugging Face give their metrics. Scores come before losses, and those with more points first.
 */
export function pairSeries(series: readonly Series[]): Pair[] {
  const sides = { train: new Map<string, Series>(), validation: new Map<string, Series>() };
  for (const each of series) {
    if (each.points.length === 0) continue;
    const named = nameOf(each.name);
    if (directionOf(named.quantity) === undefined) continue;
    const side = sides[named.side];
    const quantity = canonical(named.quantity);
    // An epoch's mean says more than the last batch; the longer series is the one that was watched.
    if ((side.get(quantity)?.points.length ?? 0) < each.points.length) side.set(quantity, each);
  }
  const pairs = [...sides.validation].flatMap(([quantity, validation]): Pair[] => {
    const train = sides.train.get(quantity);
    const direction = directionOf(quantity) ?? directionOf(nameOf(validation.name).quantity);
    if (train === undefined || direction === undefined) return [];
    return [{ quantity, direction, isShare: direction === 'higher', train, validation }];
  });
  return pairs.sort(
    (a, b) =>
      Number(b.isShare) - Number(a.isShare) ||
      b.validation.points.length - a.validation.points.length ||
      a.quantity.localeCompare(b.quantity),
  );
}

function nameOf(name: string): Named {
  for (const read of NAMES) {
    const named = read(name);
    if (named !== undefined) return named;
  }
  return { side: 'train', quantity: name };
}
