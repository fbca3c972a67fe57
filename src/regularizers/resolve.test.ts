import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEntry } from '../../test/support/regularizer-cases.js';
import { listRegularizers } from './registry.js';
import type { Setting } from './regularizer.js';
import { findConflicts, inOrder, resolveEntry } from './resolve.js';

const SETTING: Setting = {
  active: [],
  task: 'classification',
  parameters: [{ name: 'w', role: 'weight', shape: [3, 2] }],
  operators: ['Gemm', 'Relu', 'Dropout', 'Gemm'],
  optimizer: 'sgd',
  inputs: [
    { name: 'x', content: 'tabular', shape: [3] },
    { name: 'y', content: 'image', shape: [1, 8, 8] },
  ],
  rows: 100,
  epochs: 10,
  classes: ['a', 'b'],
  columns: [],
};

function codes(entries: readonly Record<string, unknown>[], setting: Partial<Setting> = {}): string[] {
  const active = entries.map((entry) => resolveEntry(entry, 'here'));
  return findConflicts({ ...SETTING, ...setting, active }).map(({ code }) => code);
}

const dropout = { type: 'dropout', strength: 0.2 };
const mixup = { type: 'mixup', strength: 0.2 };
const l2 = { type: 'l2', strength: 0.1 };
const decay = { type: 'weight-decay', strength: 0.1 };
const elastic = { type: 'elastic-net', strength: 0.1 };
const smoothing = { type: 'label-smoothing', strength: 0.1 };
const depth = { type: 'stochastic-depth', strength: 0.2 };
const DENSE_NORM: Setting['sites'] = [
  { name: 'first', kind: 'hidden', beforeBatchNorm: true },
  { name: 'last', kind: 'hidden' },
];
const MAPS: NonNullable<Setting['sites']> = [
  { name: 'conv', kind: 'hidden', map: true, beforeBatchNorm: true },
  { name: 'branch', kind: 'branch', map: true, beforeBatchNorm: true },
  { name: 'dense', kind: 'hidden' },
];

describe('findConflicts', () => {
  it.each<[string, Record<string, unknown>[], Partial<Setting>, string[]]>([
    ['dropout before batch norm', [dropout], { sites: DENSE_NORM }, ['DROPOUT_BEFORE_BATCH_NORM']],
    ['dropout before batch norm elsewhere', [{ ...dropout, mode: 'spatial' }], { sites: DENSE_NORM }, []],
    ['dropout of weights before batch norm', [{ ...dropout, mode: 'connect' }], { sites: DENSE_NORM }, []],
    [
      'spatial dropout before batch norm',
      [{ ...dropout, mode: 'spatial' }],
      { sites: MAPS },
      ['DROPOUT_BEFORE_BATCH_NORM'],
    ],
    ['dropout of elements where only maps come before batch norm', [dropout], { sites: MAPS }, []],
    ['stochastic depth before batch norm', [depth], { sites: MAPS }, ['STOCHASTIC_DEPTH_BEFORE_BATCH_NORM']],
    [
      'stochastic depth after the last batch norm',
      [depth],
      { sites: MAPS.map(({ name, kind }) => ({ name, kind })) },
      [],
    ],
    ['dropout after the last batch norm', [dropout], { sites: [{ name: 'last', kind: 'hidden' }] }, []],
    ['l2 with AdamW', [l2], { optimizer: 'adamw' }, ['L2_WITH_ADAPTIVE_OPTIMIZER']],
    ['l2 with Adam', [l2], { optimizer: 'adam' }, ['L2_WITH_ADAPTIVE_OPTIMIZER']],
    ['l2 with SGD', [l2], {}, []],
    ['l2 with weight decay', [l2, decay], {}, ['L2_WITH_WEIGHT_DECAY']],
    ['l2 with weight decay of strength 0', [l2, { ...decay, strength: 0 }], {}, []],
    ['weight decay with AdamW', [decay], { optimizer: 'adamw' }, []],
    ['elastic net with l1', [elastic, { type: 'l1' }], {}, ['ELASTIC_NET_WITH_PARTS']],
    ['elastic net with l1 of strength 0', [elastic, { type: 'l1', strength: 0 }], {}, []],
    ['elastic net with weight decay', [elastic, decay], {}, ['ELASTIC_NET_WITH_WEIGHT_DECAY']],
    ['mixup with label smoothing', [mixup, smoothing], {}, ['LABEL_SMOOTHING_WITH_MIXUP']],
    ['mixup with strong dropout', [mixup, { ...dropout, strength: 0.6 }], {}, ['STRONG_DROPOUT_WITH_MIXUP']],
    ['mixup with dropout', [mixup, dropout], {}, []],
    ['mixup of tokens', [mixup], { inputs: [{ name: 't', content: 'tokens', shape: [5] }] }, ['MIXUP_NEEDS_INPUT']],
    [
      'mixup of tokens and columns',
      [mixup],
      { inputs: [SETTING.inputs[0], { name: 't', content: 'tokens', shape: [5] }] },
      ['MIXUP_NEEDS_CONTINUOUS_INPUTS'],
    ],
    ['label smoothing of a regression', [smoothing], { task: 'regression' }, ['LABEL_SMOOTHING_NEEDS_CLASSES']],
    [
      'image augmentation without images',
      [{ type: 'image-augmentation' }],
      { inputs: [SETTING.inputs[0]] },
      ['IMAGE_AUGMENTATION_NEEDS_INPUT'],
    ],
    [
      'tabular augmentation without columns',
      [{ type: 'tabular-augmentation' }],
      { inputs: [SETTING.inputs[1]] },
      ['TABULAR_AUGMENTATION_NEEDS_INPUT'],
    ],
    ['nothing', [], {}, []],
  ])('judges %s', (_title, entries, setting, expected) => {
    expect(codes(entries, setting)).toEqual(expected);
  });

  it('never throws, says what to do, and is silent about strength 0', () => {
    const entry = fc.constantFrom(...listRegularizers()).chain((regularizer) => {
      const [low, high] = regularizer.strength.range;
      return fc.record({
        active: fc.constant(resolveEntry(defaultEntry(regularizer), 'here')),
        strength: fc.oneof(fc.constant(0), fc.double({ min: low, max: high, noNaN: true })),
      });
    });
    const setting = fc.record({
      task: fc.constantFrom('classification' as const, 'regression' as const),
      optimizer: fc.constantFrom('sgd', 'adam', 'adamw', 'lion'),
      operators: fc.array(
        fc.constantFrom('Conv', 'Gemm', 'BatchNormalization', 'LayerNormalization', 'Dropout', 'Relu', 'Unknown'),
      ),
      inputs: fc.array(
        fc.record({
          name: fc.string(),
          content: fc.constantFrom(
            'tabular' as const,
            'image' as const,
            'audio' as const,
            'series' as const,
            'tokens' as const,
          ),
          shape: fc.array(fc.nat(5), { maxLength: 4 }),
        }),
      ),
      parameters: fc.constant([]),
      rows: fc.nat(),
      epochs: fc.nat(),
      classes: fc.constant([]),
      columns: fc.constant([]),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), setting, (entries, given) => {
        const active = entries.map(({ active: one, strength }) => ({ ...one, strength }));
        for (const conflict of findConflicts({ ...given, active })) {
          expect(conflict.code).toMatch(/^[A-Z0-9_]+$/);
          expect(conflict.remedy.length).toBeGreaterThan(10);
          expect(['error', 'warning']).toContain(conflict.severity);
        }
        expect(findConflicts({ ...given, active: active.map((one) => ({ ...one, strength: 0 })) })).toEqual([]);
      }),
    );
  });
});

describe('resolveEntry', () => {
  it.each<[Record<string, unknown>, string, string]>([
    [{ type: 'l3' }, 'REGULARIZER_UNKNOWN', 'here'],
    [{ type: 3 }, 'REGULARIZER_UNKNOWN', 'here'],
    [{}, 'REGULARIZER_UNKNOWN', 'here'],
    [{ type: 'dropout', mode: 'columns' }, 'REGULARIZER_OPTION', 'here.mode'],
    [{ type: 'dropout', strength: 1 }, 'REGULARIZER_OPTION', 'here.strength'],
    [{ type: 'l1', include: [] }, 'REGULARIZER_OPTION', 'here.include'],
    [{ type: 'early-stopping', patience: 0 }, 'REGULARIZER_OPTION', 'here.patience'],
    [{ type: 'early-stopping', strength: 0.2 }, 'REGULARIZER_OPTION', 'here'],
    [{ type: 'l1', schedule: { over: 0 } }, 'REGULARIZER_OPTION', 'here.schedule.over'],
  ])('refuses %j', (entry, code, place) => {
    expect(() => resolveEntry(entry, 'here')).toThrow(expect.objectContaining({ code, place }));
  });

  it('names the known ones', () => {
    expect(() => resolveEntry({ type: 'droput' }, 'here')).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('dropout, early-stopping, elastic-net') as string }),
    );
  });
});

describe('inOrder', () => {
  it('is the order of the registry whatever is given, and keeps everything', () => {
    const all = listRegularizers().map((regularizer) => resolveEntry(defaultEntry(regularizer), 'here'));
    const order = listRegularizers().map(({ type }) => type);
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 1 }), (given) => {
        const sorted = inOrder(given).map(({ regularizer }) => regularizer.type);
        expect(sorted).toEqual(order.filter((type) => given.some(({ regularizer }) => regularizer.type === type)));
      }),
    );
  });
});

describe('regularizers from outside the registry', () => {
  it('have an order that does not depend on the spec either', () => {
    const [base] = listRegularizers();
    const own = ['second', 'first'].map((type) => ({
      regularizer: { ...base, type },
      strength: 1,
      schedule: undefined,
      options: {},
    }));
    const types = (given: typeof own): string[] => inOrder(given).map(({ regularizer }) => regularizer.type);
    expect(types(own)).toEqual(['first', 'second']);
    expect(types(own.toReversed())).toEqual(['first', 'second']);
  });
});
