import { describe, expect, it } from 'vitest';
import { fineTuningConflicts } from './fine-tuning.js';
import { resolveEntry } from './resolve.js';

describe('fine-tuning at a high rate', () => {
  const told = (
    optimizer: string,
    learningRate: number,
    entries: Record<string, unknown>[],
    pretrained = true,
  ): boolean =>
    fineTuningConflicts({
      active: entries.map((entry, i) => resolveEntry(entry, `regularizers[${i}]`)),
      task: 'classification',
      parameters: [],
      operators: [],
      optimizer,
      inputs: [],
      rows: 10,
      epochs: 3,
      classes: [],
      columns: [],
      start: { pretrained, learningRate },
    }).some(({ code }) => code === 'FINE_TUNING_RATE_WITHOUT_DECAY');

  it('is told where nothing holds the weights', () => {
    expect(told('sgd', 0.05, [])).toBe(true);
    expect(told('adamw', 1e-3, [{ type: 'dropout', strength: 0.3 }])).toBe(true);
    expect(told('adamw', 1e-3, [{ type: 'weight-decay', strength: 0 }])).toBe(true);
  });

  it('is not told at a low rate, with something that holds them, or from random weights', () => {
    expect(told('sgd', 0.01, [])).toBe(false);
    expect(told('sgd', 0.05, [{ type: 'l2-sp', strength: 0.1 }])).toBe(false);
    expect(told('adamw', 1e-3, [{ type: 'weight-decay', strength: 0.1 }])).toBe(false);
    expect(told('sgd', 0.05, [], false)).toBe(false);
  });
});
