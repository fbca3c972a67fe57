/** A regularizer that a run's parameters tell of. */
export interface LoggedRegularizer {
  /** The parameter it was read from. */
  readonly parameter: string;
  /** Ballast's name of the technique. */
  readonly technique: string;
  /** As it was logged. */
  readonly value: string;
  /** Whether it acts: a strength of 0 is on record and does nothing. */
  readonly acts: boolean;
  /** What to do with the parameter for more regularization. */
  readonly stronger: 'raise' | 'lower' | 'set';
}

interface Known {
  readonly pattern: RegExp;
  readonly technique: string;
  readonly stronger: LoggedRegularizer['stronger'];
}

const known = (pattern: RegExp, technique: string, stronger: LoggedRegularizer['stronger'] = 'raise'): Known => ({
  pattern,
  technique,
  stronger,
});

/** Parameters of Keras, Lightning, scikit-learn, XGBoost, LightGBM and Hugging Face; names without their prefixes. */
const PARAMETERS: readonly Known[] = [
  known(/^(weight_decay|weightdecay|decoupled_weight_decay|opt_weight_decay|wd)$/, 'weight-decay'),
  known(/^(label_smoothing|label_smoothing_factor)$/, 'label-smoothing'),
  known(/(^|_)(dropout|dropout_rate|drop_rate|dropout_prob|dropout_p|pdrop)$/, 'dropout'),
  known(/^(drop_path|drop_path_rate|stochastic_depth|layerdrop)$/, 'stochastic-depth'),
  known(/^(l2|l2_reg|l2_regularization|reg_lambda|lambda_l2|lambda|kernel_l2)$/, 'l2'),
  known(/^(l1|l1_reg|l1_regularization|reg_alpha|lambda_l1|kernel_l1)$/, 'l1'),
  known(/^l1_ratio$/, 'elastic-net'),
  known(/^alpha$/, 'l2'),
  known(/^C$/, 'l2', 'lower'),
  known(/^(ccp_alpha|gamma|min_split_loss|min_gain_to_split|min_impurity_decrease)$/, 'pruning'),
  known(/^(min_child_weight|min_samples_leaf|min_samples_split|min_data_in_leaf|min_child_samples)$/, 'tree-size'),
  known(/^(max_depth|num_leaves|max_leaves|max_leaf_nodes)$/, 'tree-size', 'lower'),
  known(
    /^(subsample|colsample_bytree|colsample_bylevel|bagging_fraction|feature_fraction|max_features|max_samples)$/,
    'subsampling',
    'lower',
  ),
  known(/^(patience|early_stopping_patience|early_stopping_rounds|n_iter_no_change)$/, 'early-stopping', 'lower'),
  known(/^(mixup|mixup_alpha|cutmix_alpha)$/, 'mixup'),
  known(/^(max_grad_norm|gradient_clip_val|clipnorm|opt_clipnorm)$/, 'gradient-clip', 'lower'),
  known(/^penalty$/, 'penalty', 'set'),
];

const NOTHING = new Set(['0', '0.0', 'none', 'null', 'nan', 'false', '']);

/**
 * The regularizers that a run's parameters tell of, those that do nothing too: a decay of 0 is a record as well. Prefixes
 * of pipelines and configurations (`model__C`, `optimizer/weight_decay`) are passed over.
 */
export function regularizersIn(parameters: Readonly<Record<string, string>>): LoggedRegularizer[] {
  return Object.entries(parameters).flatMap(([parameter, value]): LoggedRegularizer[] => {
    const name = parameter.split(/__|[./]/).at(-1) ?? parameter;
    const found = PARAMETERS.find(({ pattern }) => pattern.test(name));
    if (found === undefined) return [];
    const acts = !NOTHING.has(value.trim().toLowerCase()) && !(found.stronger !== 'lower' && Number(value) === 0);
    return [{ parameter, technique: found.technique, value, acts, stronger: found.stronger }];
  });
}
