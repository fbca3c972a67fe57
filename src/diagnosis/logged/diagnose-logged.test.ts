import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diagnoseLogged } from './diagnose-logged.js';
import { pairSeries, type Series } from './pairs.js';
import { regularizersIn } from './regularizers.js';

const curve = (name: string, values: readonly number[]): Series => ({
  name,
  points: values.map((value, step) => ({ step, value })),
});
const range = (count: number, of: (i: number) => number): number[] => Array.from({ length: count }, (_, i) => of(i));

/** The names that each framework's autologging gives a training metric and its twin on held-back rows. */
const FRAMEWORKS: readonly (readonly [framework: string, train: string, validation: string, quantity: string])[] = [
  ['Keras', 'loss', 'val_loss', 'loss'],
  ['Keras', 'accuracy', 'val_accuracy', 'accuracy'],
  ['Lightning', 'train_loss', 'val_loss', 'loss'],
  ['Lightning', 'train_acc_epoch', 'val_acc', 'accuracy'],
  ['Lightning', 'train/loss', 'val/loss', 'loss'],
  ['scikit-learn', 'training_accuracy_score', 'accuracy_score_X_test', 'accuracy'],
  ['scikit-learn', 'training_score', 'RandomForestClassifier_score_X_test', 'score'],
  ['XGBoost', 'train-logloss', 'eval-logloss', 'logloss'],
  ['XGBoost', 'train-auc', 'validation_0-auc', 'auc'],
  ['Hugging Face', 'loss', 'eval_loss', 'loss'],
  ['Hugging Face', 'train_loss', 'eval_loss', 'loss'],
  ['Ballast', 'train.accuracy', 'validation.accuracy', 'accuracy'],
];

describe('names', () => {
  test.each(FRAMEWORKS)('of %s: %s and %s are one quantity', (_framework, train, validation, quantity) => {
    const [pair, ...rest] = pairSeries([curve(train, [1]), curve(validation, [2]), curve('learning_rate', [3])]);
    expect(rest).toEqual([]);
    expect(pair).toMatchObject({ quantity, train: { name: train }, validation: { name: validation } });
  });

  test('of any kind never throw', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (names) => {
        pairSeries(names.map((name) => curve(name, [1])));
        regularizersIn(Object.fromEntries(names.map((name) => [name, name])));
      }),
    );
  });
});

describe('regularizers', () => {
  test.each([
    ['weight_decay', '0.01', 'weight-decay', true, 'raise'],
    ['weight_decay', '0.0', 'weight-decay', false, 'raise'],
    ['model__C', '1.0', 'l2', true, 'lower'],
    ['reg_alpha', 'None', 'l1', false, 'raise'],
    ['lambda', '1', 'l2', true, 'raise'],
    ['hidden_dropout_prob', '0.1', 'dropout', true, 'raise'],
    ['label_smoothing_factor', '0.1', 'label-smoothing', true, 'raise'],
    ['optimizer/weight_decay', '1e-4', 'weight-decay', true, 'raise'],
    ['early_stopping_rounds', '10', 'early-stopping', true, 'lower'],
    ['max_depth', '6', 'tree-size', true, 'lower'],
  ] as const)('%s = %s', (parameter, value, technique, acts, stronger) => {
    expect(regularizersIn({ parameter: 'x', [parameter]: value })).toEqual([
      { parameter, value, technique, acts, stronger },
    ]);
  });
});

describe('the diagnosis of curves', () => {
  const parameters = { weight_decay: '0.01' };
  const ids = (series: readonly Series[], given: Record<string, string> = parameters): string[] =>
    diagnoseLogged({ series, parameters: given, manifest: false, limit: 0.03 }).findings.map(({ id }) => id);

  test('finds validation loss that rises while training loss falls', () => {
    const noise = (i: number): number => 0.01 * Math.sin(i * 12.9898);
    const train = curve(
      'loss',
      range(40, (i) => 1 / (1 + 0.3 * i)),
    );
    const validation = curve(
      'val_loss',
      range(40, (i) => 0.5 + 0.002 * (i - 12) ** 2 * (i > 12 ? 0.3 : 1) + noise(i)),
    );
    expect(ids([train, validation])).toEqual(['F2']);
  });

  test('finds a gap of scores', () => {
    expect(ids([curve('accuracy', [0.7, 0.99]), curve('val_accuracy', [0.7, 0.8])])).toEqual(['F2']);
  });

  test('finds training that ended too early', () => {
    const falling = range(40, (i) => 1 - 0.02 * i);
    expect(
      ids([
        curve('loss', falling),
        curve(
          'val_loss',
          falling.map((v) => v + 0.01),
        ),
      ]),
    ).toEqual(['not-converged']);
  });

  test('leaves a healthy run alone', () => {
    const train = curve(
      'loss',
      range(40, (i) => 0.3 + Math.exp(-i / 4)),
    );
    const validation = curve(
      'val_loss',
      range(40, (i) => 0.32 + Math.exp(-i / 4) + 0.003 * Math.sin(i * 78.233)),
    );
    expect(ids([train, validation])).toEqual([]);
  });

  test('flags what is not on record: regularizers, a held-back side, finite numbers', () => {
    expect(ids([curve('loss', [1, 0.5])], {})).toEqual(['F7', 'X10']);
    expect(ids([curve('loss', [1, Number.NaN])], { dropout: '0' })).toEqual(['diverged', 'F7']);
  });
});
