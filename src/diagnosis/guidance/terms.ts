/** One term of the field, as `ballast explain` tells it. */
export interface Term {
  readonly term: string;
  /** Other names under which it is looked for. */
  readonly also?: readonly string[];
  readonly definition: string;
  /** What it is good to know for. */
  readonly why: string;
  /** How it is got wrong. */
  readonly pitfall: string;
  /** A command that shows it. */
  readonly command: string;
}

/** The terms that the other pages use without explaining them. Regularizers have their method cards. */
export const TERMS: readonly Term[] = [
  {
    term: 'regularization',
    definition:
      'Whatever is done in training so that a model does well on new rows, even where it fits its training rows less.',
    why: 'A model with more freedom than data fits noise; holding it back costs some fit and gains generalization.',
    pitfall: 'More is not better: a strength that is right for one data size is too much for another.',
    command: 'ballast train SPEC --ablate',
  },
  {
    term: 'decision checklist',
    also: ['what to change', 'which way'],
    definition:
      'Train much better than validation and little data: stronger. Both poor: weaker, then architecture and data. Inference too dear: structured pruning and quantization with a light retraining. Inputs shifted: domain adaptation and targeted augmentation. Neither: no change, or no regularization problem (labels, features, learning rate, an evaluation unlike production).',
    why: 'Which way to turn a strength follows from two scores and what changed since; the diagnosis asks each question by an experiment.',
    pitfall: 'Reading it off a gap alone: what would help is known once it was tried on the same rows.',
    command: 'ballast diagnose RUN --apply',
  },
  {
    term: 'generalization',
    definition: 'How well a model answers rows that it was not trained on and that come from the same source.',
    why: 'It is what a model is for; the score on training rows says little of it.',
    pitfall: 'A score on rows that were looked at while choosing among models is no measure of it any more.',
    command: 'ballast evaluate RUN --holdout',
  },
  {
    term: 'overfitting',
    also: ['under-regularization', 'memorization'],
    definition: 'Fitting what is particular to the training rows, their noise included, at the cost of new rows.',
    why: 'It is what most regularizers are against, and it shows as a gap between train and validation.',
    pitfall: 'A gap alone is no fault: what counts is whether a stronger penalty makes new rows better.',
    command: 'ballast diagnose RUN',
  },
  {
    term: 'underfitting',
    also: ['over-regularization'],
    definition: 'Fitting the training rows worse than the model could, so that new rows are answered poorly as well.',
    why: 'Strengths that are too high look like a model that cannot learn.',
    pitfall:
      'A learning rate that is off and a training that ends early look the same: lower strengths do not mend those.',
    command: 'ballast diagnose RUN',
  },
  {
    term: 'gap',
    also: ['generalization gap', 'validation gap'],
    definition:
      'Quality on the training rows minus quality on validation rows, in the unit of the metric; above 0 is a loss.',
    why: 'It says how much of the fit does not carry over.',
    pitfall: 'It is made small most easily by fitting the training rows badly: look at the score beside it.',
    command: 'ballast ledger RUN',
  },
  {
    term: 'gap ledger',
    also: ['ledger'],
    definition:
      "One line a stage of a model's life (train, validation, holdout, ...) with what was lost since the stage before.",
    why: 'It tells where quality was lost, so that the right thing is mended.',
    pitfall: 'Stages on different rows differ by chance as well: each loss has its interval.',
    command: 'ballast ledger RUN',
  },
  {
    term: 'baseline',
    definition: 'The same model on the same rows under the same seed with every regularizer off.',
    why: 'Without it nobody can say whether regularization helped.',
    pitfall: 'A baseline of another size, seed or number of epochs compares two things at once.',
    command: 'ballast train SPEC',
  },
  {
    term: 'holdout',
    also: ['test set'],
    definition: 'Rows that no training and no choice has seen, locked for one last judgement.',
    why: 'It is the only score that choosing has not made better than it is.',
    pitfall: 'Every further look makes it a little more of a validation set; reads are counted here.',
    command: 'ballast evaluate RUN --holdout',
  },
  {
    term: 'validation',
    also: ['validation set', 'dev set'],
    definition: 'Rows outside of training by which strengths, epochs and models are chosen.',
    why: 'It stands for new rows while choices are still open.',
    pitfall: 'The best of many candidates is partly luck: its validation score is too good.',
    command: 'ballast train SPEC',
  },
  {
    term: 'cross-validation',
    definition: 'Every row is validation once: as many trainings as folds, each without one of them.',
    why: 'With few rows one split is a coin; all of them together say more.',
    pitfall: 'Preprocessing that is fitted on all rows leaks; here it is fitted on each training part.',
    command: 'ballast train SPEC   # training.crossValidation.folds',
  },
  {
    term: 'strength',
    also: ['lambda', 'hyper-parameter'],
    definition: 'How much of a regularizer there is, on a scale where more is always stronger.',
    why: 'One direction for all of them lets "raise the regularization" be an operation.',
    pitfall:
      'Numbers of different regularizers do not compare, nor do those of other libraries that average differently.',
    command: 'ballast regularizers',
  },
  {
    term: 'confidence interval',
    also: ['interval', 'uncertainty of a score'],
    definition: 'A range that holds the true figure in 95 of 100 such evaluations.',
    why: 'A difference within it may be chance.',
    pitfall:
      'Two overlapping intervals can still differ clearly when both models answered the same rows: compare them paired.',
    command: 'ballast evaluate RUN --holdout --against RUN',
  },
  {
    term: 'seed',
    also: ['seed variance'],
    definition: 'The number that random draws start from: first weights, order of rows, dropout masks.',
    why: 'Another seed is another model; what a seed decides is noise of the training.',
    pitfall: 'Choosing the best seed is choosing luck.',
    command: 'ballast train SPEC   # training.repeats: 5',
  },
  {
    term: 'calibration',
    also: ['ece', 'expected calibration error', 'reliability'],
    definition:
      'Whether answers of 80 % confidence are right in 80 of 100 cases; the expected calibration error is the mean distance from that.',
    why: 'Decisions by cost or threshold need probabilities that can be taken at their word.',
    pitfall: 'A model that always answers the base rate is calibrated and useless: look at log loss and accuracy too.',
    command: 'ballast calibrate RUN',
  },
  {
    term: 'temperature scaling',
    also: ['temperature'],
    definition: 'All scores divided by one number, fitted on validation rows: above 1 makes the model less sure.',
    why: 'It mends overconfidence of a whole model with one parameter and changes no answer.',
    pitfall: 'It cannot mend a single class; and fitted on training rows it learns nothing.',
    command: 'ballast calibrate RUN --method temperature',
  },
  {
    term: 'conformal prediction',
    also: ['conformal', 'prediction sets'],
    definition: 'Sets of classes, or intervals, that hold the truth with a promised share, whatever the model.',
    why: 'The promise needs nothing but rows that come like the ones it was fitted on.',
    pitfall: 'It holds on average over rows, not for every group, and not after the data has shifted.',
    command: 'ballast calibrate RUN --coverage 0.9',
  },
  {
    term: 'aleatoric and epistemic uncertainty',
    also: ['aleatoric', 'epistemic', 'mutual information', 'entropy'],
    definition:
      'What no model could know, because the rows overlap; and what this model does not know, because it saw too little.',
    why: 'More data helps against the second only.',
    pitfall: "One network's softmax mixes both; members of an ensemble that disagree show the second.",
    command: 'ballast evaluate RUN --data FILE --uncertainty',
  },
  {
    term: 'domain shift',
    also: ['distribution shift', 'covariate shift', 'drift'],
    definition:
      'Rows in use come from another source than the training rows: other inputs, other shares of classes, other meanings.',
    why: 'A model can generalize perfectly to a world that is gone.',
    pitfall: 'Stronger penalties do not mend it; adaptation, augmentation towards the new rows, or new labels do.',
    command: 'ballast data check SPEC --production FILE',
  },
  {
    term: 'data leak',
    also: ['leak', 'leakage', 'target leak'],
    definition:
      'The answer, or the row itself, is among what a model learns from, in a way that new rows will not have.',
    why: 'Scores are then too good to be true, on validation and holdout alike.',
    pitfall: 'It hides in columns that are filled in after the fact, and in copies of rows across parts.',
    command: 'ballast data check SPEC',
  },
  {
    term: 'label noise',
    also: ['suspect labels', 'confident learning'],
    definition: 'Labels that are wrong, at random or in a pattern.',
    why: 'A network learns them by heart after it has learned what is true.',
    pitfall: 'Rows where classes overlap look like wrong labels: have people look before removing any.',
    command: 'ballast data check SPEC --labels',
  },
  {
    term: 'manifest',
    also: ['regularizer id', 'rg-'],
    definition:
      'Every regularizer that acted with its effective strength, as canonical JSON; its id is the start of its SHA-256.',
    why: 'It travels with the model, so that one can say years later what held it back.',
    pitfall: "Defaults that act unseen (an optimizer's own decay) belong to it; here they are in it.",
    command: 'ballast runs show RUN',
  },
  {
    term: 'ablation',
    definition: 'Training without one part at a time, to see what each part is worth.',
    why: 'Of five regularizers two may do all the work, and one may hurt.',
    pitfall: 'Parts that do the same can each be left out alone and not all together.',
    command: 'ballast train SPEC --ablate',
  },
  {
    term: 'adversarial example',
    also: ['robust accuracy', 'attack'],
    definition: 'An input changed by little, on purpose, so that the model answers wrongly.',
    why: 'Where someone gains by it, ordinary accuracy says nothing.',
    pitfall:
      'Robust accuracy is an upper bound: a stronger attack may find more; masked gradients make weak attacks fail.',
    command: 'ballast evaluate RUN --data FILE --adversarial pgd,epsilon=0.1',
  },
  {
    term: 'disparate impact',
    also: ['demographic parity', 'equalized odds', 'fairness'],
    definition: 'A group gets the favourable answer less than four fifths as often as the most favoured group.',
    why: 'It is where regulators begin to ask.',
    pitfall:
      'Equal shares can hide unequal errors: look at true and false positives as well; both cannot always be equal.',
    command: 'ballast evaluate RUN --holdout --fairness COLUMN',
  },
  {
    term: 'slice',
    also: ['subgroup', 'worst group'],
    definition: 'A part of the rows that a condition tells: one city, one device, ages below 30.',
    why: 'A mean hides where a model fails.',
    pitfall:
      'Of a thousand slices fifty are "significantly" bad by chance; a found slice needs other rows to confirm it.',
    command: 'ballast evaluate RUN --holdout --slices',
  },
  {
    term: 'catastrophic forgetting',
    also: ['forgetting', 'continual learning'],
    definition: 'Learning a new task overwrites what was learned of earlier ones.',
    why: 'Models that are updated in use lose what they are no longer shown.',
    pitfall: 'The score on the newest task does not show it.',
    command: 'ballast train SPEC   # training.tasks',
  },
  {
    term: 'flat minimum',
    also: ['sharpness', 'loss landscape'],
    definition: 'Weights around which the loss rises slowly in every direction.',
    why: 'Small changes of the weights, or of the data, then cost little; SAM and weight averages look for such places.',
    pitfall:
      'Sharpness depends on the scale of the weights: compare it only between networks of one kind, or scale-free.',
    command: 'ballast landscape RUN',
  },
];

/** What is taken for regularization and is not, or is the other way round. */
export const NEIGHBOURS: readonly { readonly term: string; readonly difference: string }[] = [
  {
    term: 'normalization of inputs',
    difference:
      'Puts columns on one scale so that training works; it holds nothing back. A penalty, though, treats columns alike only after it.',
  },
  {
    term: 'batch normalization',
    difference:
      'Made for training deep networks faster; the noise of its batches regularizes a little besides. It does not replace a penalty.',
  },
  {
    term: 'weight decay and L2',
    difference:
      'The same for plain gradient descent, not for Adam: L2 is in the loss and is rescaled with its gradient, decay acts on the weights directly.',
  },
  {
    term: 'early stopping and fewer epochs',
    difference: 'Stopping looks at validation and keeps the best epoch; fewer epochs is a guess.',
  },
  { term: 'feature selection', difference: 'L1 does it on the way; done before the split it leaks.' },
  { term: 'class weights', difference: 'Change what is asked for, not how much a model is held back.' },
  {
    term: 'hyper-parameter tuning',
    difference: 'Finds a strength; tuning hundreds of times on one validation set is a way of overfitting too.',
  },
  {
    term: 'calibration',
    difference: 'Mends probabilities after training, not answers; regularizers such as label smoothing change both.',
  },
  {
    term: 'compression',
    difference: 'Makes a model smaller; that it often regularizes is a side effect to be measured, not assumed.',
  },
];

/** What is asked most, and the command that shows the answer. */
export const QUESTIONS: readonly { readonly question: string; readonly answer: string; readonly command: string }[] = [
  {
    question: 'Do I need regularization at all?',
    answer:
      'With few rows for the size of the model, costly errors or a gap: yes. With millions of rows like those in use: perhaps not.',
    command: 'ballast advise DATA --target COLUMN',
  },
  {
    question: 'Which one first?',
    answer: 'Weight decay with early stopping: they cost nothing at inference and go with everything.',
    command: 'ballast init simple-penalty',
  },
  {
    question: 'Did it help?',
    answer: 'If the interval of the difference to the baseline on the same rows excludes 0.',
    command: 'ballast train SPEC',
  },
  {
    question: 'Which of mine is worth its place?',
    answer: 'The one without which the model is clearly worse.',
    command: 'ballast train SPEC --ablate',
  },
  {
    question: 'Why is my score low?',
    answer: 'Too strong, too weak, not converged, wrong labels, too few rows: each is an experiment away.',
    command: 'ballast diagnose RUN',
  },
  {
    question: "Do two of them get in each other's way?",
    answer: 'Some pairs do; the table says which and who found it, and a factorial measures it on your data.',
    command: 'ballast regularizers --interactions --spec SPEC',
  },
  {
    question: 'Can I trust the probabilities?',
    answer: 'After calibration, on rows like those it was fitted on.',
    command: 'ballast calibrate RUN',
  },
  {
    question: 'Can I get the very same model again?',
    answer: 'On the same kind of processor to the byte; elsewhere within a tolerance that is told.',
    command: 'ballast runs reproduce RUN',
  },
];
