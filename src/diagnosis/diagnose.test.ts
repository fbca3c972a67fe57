import { describe, expect, test } from 'vitest';
import { diagnose, isHealthy } from './diagnose.js';
import type { Evidence, Probe } from './evidence.js';
import { figure, healthy, judged, probe, training } from './healthy.fixture.js';

const ids = (change: Partial<Evidence>): string[] => diagnose({ ...healthy, ...change }).map(({ id }) => id);
const worse = figure(-0.03, 0.01);
const better = figure(0.03, 0.01);
const unclear = figure(0.01, 0.02);
const clearGap = { ...training, gap: figure(0.08, 0.02) };

describe('diagnose', () => {
  test('a healthy model has no findings, whatever was tried in vain', () => {
    expect(ids({})).toEqual([]);
    expect(ids({ probes: [probe('weaker', unclear), probe('stronger', worse), probe('longer', unclear)] })).toEqual([]);
  });

  test('weaker strengths that help both parts are over-regularization', () => {
    expect(ids({ probes: [probe('weaker', better)] })).toEqual(['F1']);
    // The training rows are fitted no better: it was not the penalty.
    expect(ids({ probes: [probe('weaker', better, { train: 0.8 })] })).toEqual([]);
  });

  test('compression that clearly lost more than it may is a collapse, with a training that knows what is to come', () => {
    const of = (value: number, half: number, ...steps: string[]) => ({
      compression: { lost: figure(value, half), steps },
    });
    expect(ids(of(0.05, 0.02, 'static-int8'))).toEqual(['F3']);
    expect(ids(of(0.05, 0.06, 'static-int8'))).toEqual([]);
    expect(ids(of(0.005, 0.001, 'static-int8'))).toEqual([]);
    const [rounded] = diagnose({ ...healthy, ...of(0.05, 0.02, 'static-int8') });
    expect(rounded.patch?.[0].value).toMatchObject({ type: 'quantization-aware' });
    const [pruned] = diagnose({ ...healthy, ...of(0.05, 0.02, 'prune 50 %', 'static-int8') });
    expect(pruned.patch?.[0].value).toMatchObject({ type: 'pruning', structure: 'channels' });
  });

  test('compression that rare classes paid for is told, and what all lost alike is not', () => {
    const one = (name: string, rows: number, value: number, half: number) => ({
      class: name,
      rows,
      lost: figure(value, half),
    });
    const of = (...classes: ReturnType<typeof one>[]) => ({
      compression: { lost: figure(0.004, 0.003), steps: ['static-int8'], classes },
    });
    expect(ids(of(one('common', 900, 0.001, 0.002), one('rare', 100, 0.08, 0.05)))).toEqual(['X13']);
    // One of two alike is not rare.
    expect(ids(of(one('first', 510, 0.001, 0.002), one('second', 490, 0.08, 0.05)))).toEqual([]);
    expect(ids(of(one('common', 900, 0.001, 0.002), one('rare', 100, 0.08, 0.09)))).toEqual([]);
    expect(ids(of(one('common', 900, 0.08, 0.01), one('rare', 100, 0.08, 0.05)))).toEqual([]);
    expect(ids(of(one('common', 900, 0.08, 0.01), one('rare', 100, 0, 0.01)))).toEqual([]);
    expect(ids(of())).toEqual([]);
  });

  test('a change that does not help under a second seed is luck', () => {
    expect(ids({ probes: [probe('weaker', better, { again: { change: worse } })] })).toEqual([]);
    expect(ids({ probes: [{ ...probe('weaker', better), again: undefined } as never] })).toEqual([]);
  });

  test('a change that is clear and too small to matter is none', () => {
    expect(ids({ probes: [probe('weaker', figure(0.002, 0.001))] })).toEqual([]);
  });

  test('the log loss decides where the primary metric is open, and not against it', () => {
    const logLoss = figure(-0.1, 0.02);
    const again = { change: unclear, logLoss };
    expect(ids({ training: clearGap, probes: [probe('stronger', unclear, { logLoss, again })] })).toEqual(['F2']);
    expect(ids({ training: clearGap, probes: [probe('stronger', worse, { logLoss, again })] })).toEqual([]);
    const [found] = diagnose({
      ...healthy,
      training: clearGap,
      probes: [probe('stronger', unclear, { logLoss, again })],
    });
    expect(found.expected).toEqual({ metric: 'logLoss', delta: -0.1, interval: logLoss.interval });
  });

  test('the largest of several clear gains is proposed', () => {
    const patch = [{ op: 'replace', path: '/regularizers/0/strength', value: 7 }] as const;
    const [found] = diagnose({
      ...healthy,
      training: clearGap,
      probes: [probe('stronger', figure(0.02, 0.01)), probe('stronger', better, { patch })],
    });
    expect(found).toMatchObject({ id: 'F2', patch, expected: { metric: 'accuracy', delta: 0.03 } });
  });

  test('of errors, lower is better', () => {
    const regression = { task: 'regression', metric: 'rmse', direction: 'lower' } as const;
    const train = { ...training.train, metrics: { rmse: figure(2, 0.1) } };
    const base = { ...regression, training: { ...training, train } };
    const lower = probe('weaker', figure(-0.3, 0.1), { before: { primary: 3 }, train: 1.5 });
    expect(ids({ ...base, probes: [lower] })).toEqual(['F1']);
    expect(ids({ ...base, probes: [{ ...lower, train: 2.5 }] })).toEqual([]);
  });

  test('fewer rows that are clearly worse, and no strength that helps: more data', () => {
    const probes = [probe('stronger', worse), probe('half the data', worse)];
    expect(ids({ training: clearGap, probes })).toEqual(['more-data']);
    // Worth knowing, and nothing is wrong.
    expect(isHealthy(diagnose({ ...healthy, training: clearGap, probes }))).toBe(true);
    expect(isHealthy(diagnose({ ...healthy, probes: [probe('weaker', better)] }))).toBe(false);
    expect(ids({ training: clearGap, probes: [probe('half the data', unclear)] })).toEqual([]);
    expect(ids({ training: clearGap, probes: [probe('stronger', better), probe('half the data', worse)] })).toEqual([
      'F2',
    ]);
  });

  test('training that is not done, at the wrong rate, or diverged is no matter of strengths', () => {
    expect(ids({ probes: [probe('longer', better)] })).toEqual(['not-converged']);
    expect(ids({ probes: [probe('faster', better)] })).toEqual(['learning-rate']);
    const findings = [{ code: 'TRAINING_DIVERGED', message: 'the loss is NaN' }];
    expect(ids({ training: { ...training, outcome: 'diverged', findings } })).toEqual(['diverged']);
  });

  test('overconfidence is miscalibration, within the limit is not', () => {
    const validation = judged(0.9, { sharper: 3, rows: 3000 });
    const temperature = { value: 3, logLoss: figure(-0.1, 0.02) };
    expect(ids({ validation, temperature })).toEqual(['F4']);
    expect(ids({ validation, temperature, limits: { ece: 0.2, gap: 0.03 } })).toEqual([]);
  });

  test('seeds that lie apart clearly and far', () => {
    const seeds = [{ seed: 2, value: 0.82, difference: figure(-0.08, 0.03) }];
    expect(ids({ seeds })).toEqual(['F6']);
    expect(ids({ seeds: [{ ...seeds[0], difference: figure(-0.08, 0.1) }] })).toEqual([]);
    expect(ids({ seeds: [{ ...seeds[0], difference: figure(-0.02, 0.01) }] })).toEqual([]);
  });

  test.each([
    ['uncertainty that does not tell errors', { uncertainty: figure(0.52, 0.06) }, 'X15'],
    ['a model without a manifest', { manifest: false }, 'X10'],
    ['wrong labels', { labelNoise: { rate: 0.2, low: 0.15, rows: 500 } }, 'suspect-labels'],
    ['a leak', { data: [{ code: 'TARGET_LEAK', severity: 'error', message: 'x tells y' }] }, 'leak'],
    [
      'a layer that pruning emptied',
      { training: { ...training, findings: [{ code: 'PRUNING_LAYER_COLLAPSE', message: 'layer 2 is empty' }] } },
      'X3',
    ],
    [
      'overflow at low precision',
      { training: { ...training, findings: [{ code: 'MIXED_PRECISION_OVERFLOW', message: 'inf' }] } },
      'X24',
    ],
  ] as const)('%s is found', (_title, change, id) => {
    expect(ids(change as Partial<Evidence>)).toEqual([id]);
  });

  test('equal rows in two parts are a leak where a training without them is clearly worse', () => {
    const data = [{ code: 'EQUAL_ROWS_ACROSS_PARTS', severity: 'error', message: '80 rows' }];
    expect(ids({ data })).toEqual([]);
    expect(ids({ data, probes: [probe('without copies', unclear)] })).toEqual([]);
    expect(ids({ data, probes: [probe('without copies', worse)] })).toEqual(['leak']);
  });

  test('causes stand before what may follow from them, however sure the others are', () => {
    const data = [{ code: 'TARGET_LEAK', severity: 'error', message: 'x tells y' }];
    const probes = [probe('weaker', figure(0.3, 0.001)), probe('slower', figure(0.02, 0.015))];
    expect(ids({ data, probes })).toEqual(['leak', 'learning-rate', 'F1']);
  });

  test('a log loss that is small already is not worth a change, however clear', () => {
    const logLoss = { metric: 'logLoss', direction: 'lower' } as const;
    const tiny = probe('longer', figure(-0.0027, 0.001), { before: { primary: 0.005, logLoss: 0.005 } });
    expect(ids({ ...logLoss, probes: [tiny] })).toEqual([]);
  });

  test('a sparse penalty alone to blame is named', () => {
    const sparse = { index: 0, type: 'l1', strength: 0.1, adjustable: true, range: [1e-6, 1e-1] } as const;
    expect(ids({ training: { ...training, regularizers: [sparse] }, probes: [probe('weaker', better)] })).toEqual([
      'F1',
      'X17',
    ]);
  });

  test('fine-tuning with nothing to hold the weights', () => {
    const fineTuned = { ...clearGap, fineTuned: true, regularizers: [] };
    expect(ids({ training: fineTuned })).toEqual(['X23']);
    expect(ids({ training: { ...fineTuned, regularizers: training.regularizers } })).toEqual([]);
  });

  test('X5: fine-tuning that made probabilities less true, where they matter', () => {
    const overconfident = { validation: judged(0.8, { sharper: 3 }) };
    const inverse = { before: 1, after: 0.4, difference: figure(-0.6, 0.4) };
    const transfer = { before: 0.001, after: 0.1, change: figure(0.099, 0.2), inverse };
    expect(ids({ ...overconfident, transfer })).toContain('X5');
    expect(ids({ ...overconfident })).not.toContain('X5');
    // It costs log loss, whatever a calibration error in bins says.
    expect(ids({ transfer })).toEqual(['X5']);
    // Too little to matter, however sure; not sure that it is another temperature; less than before.
    expect(ids({ transfer: { ...transfer, change: figure(0.008, 0.001) } })).toEqual([]);
    expect(ids({ transfer: { ...transfer, inverse: { ...inverse, difference: figure(-0.6, 0.7) } } })).toEqual([]);
    expect(ids({ transfer: { ...transfer, change: figure(-0.1, 0.02) } })).toEqual([]);
    const slower = probe('slower', better, { patch: [{ op: 'replace', path: '/x', value: 1 }] });
    const [x5] = diagnose({ ...healthy, ...overconfident, transfer, probes: [slower] }).filter(({ id }) => id === 'X5');
    expect(x5).toMatchObject({ patch: slower.patch, expected: { metric: 'accuracy' } });
  });

  test('X8: false positives that go with the augmentation, under both seeds', () => {
    const fall = (value: number, half = 0.01, before = 0.1) => [
      { class: 'yes', rows: 500, before, lost: figure(value, half) },
    ];
    const less = (more: Partial<Probe>) => probe('less augmentation', unclear, more);
    const confirmed = { again: { change: unclear, falsePositives: fall(0.02) } };
    expect(ids({ probes: [less({ falsePositives: fall(0.04), ...confirmed })] })).toEqual(['X8']);
    expect(ids({ probes: [less({ falsePositives: fall(0.04, 0.05), ...confirmed })] })).toEqual([]);
    expect(ids({ probes: [less({ falsePositives: fall(0.04) })] })).toEqual([]);
    const refuted = { again: { change: unclear, falsePositives: fall(-0.01) } };
    expect(ids({ probes: [less({ falsePositives: fall(0.04), ...refuted })] })).toEqual([]);
    // A fifth of what there is, and half a point.
    expect(ids({ probes: [less({ falsePositives: fall(0.03, 0.01, 0.4), ...confirmed })] })).toEqual([]);
    expect(ids({ probes: [less({ falsePositives: fall(0.004, 0.001, 0.01), ...confirmed })] })).toEqual([]);
    // Paid for by misses: another threshold.
    expect(ids({ probes: [less({ change: worse, falsePositives: fall(0.04), ...confirmed })] })).toEqual([]);
  });

  test('X14: where the same weights are better undisturbed, or dropping and batch normalization each without the other', () => {
    const undisturbed = probe('undisturbed statistics', better);
    expect(ids({ probes: [undisturbed] })).toEqual(['X14']);
    expect(ids({ probes: [probe('undisturbed statistics', unclear)] })).toEqual([]);
    const [alone] = diagnose({ ...healthy, probes: [undisturbed] });
    expect([alone.patch, alone.expected]).toEqual([null, null]);
    const [mended] = diagnose({ ...healthy, probes: [undisturbed, probe('without dropping', better)] });
    expect(mended.patch).toEqual(probe('without dropping', better).patch);
    expect(mended.evidence).toHaveLength(2);
    const [apart, without] = [probe('other normalization', better), probe('without dropping', better)];
    expect(ids({ probes: [apart, without] })).toEqual(['X14']);
    expect(ids({ probes: [apart, probe('without dropping', unclear)] })).toEqual([]);
    expect(ids({ probes: [probe('other normalization', unclear), without] })).toEqual([]);
  });

  test('as sure of rows of another kind as of its own', () => {
    const outside = { rows: 500, auroc: figure(0.52, 0.03), confidence: 0.93, ownConfidence: 0.95, classes: 2 };
    expect(ids({ outside })).toEqual(['overconfident-outside']);
    expect(ids({ outside: { ...outside, auroc: figure(0.9, 0.02) } })).toEqual([]);
    expect(ids({ outside: { ...outside, auroc: figure(0.6, 0.08) } })).toEqual([]);
    // As unsure here as there.
    expect(ids({ outside: { ...outside, confidence: 0.6, ownConfidence: 0.6 } })).toEqual([]);
  });
});
