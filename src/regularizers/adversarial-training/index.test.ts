import { describe, expect, it } from 'vitest';
import { openRuntimes, PICTURES, problem, SMALL_CNN, trained } from '../../../test/support/training-problem.js';
import { attack } from '../../evaluation/attacks/attack.js';
import { attackOptions } from '../../evaluation/attacks/options.js';
import { float32, int64, sizeOf } from '../../graph/tensor.js';
import { resolveEntry } from '../resolve.js';
import { stepsOf } from './index.js';

const optionsOf = (more: Record<string, unknown>) =>
  resolveEntry({ type: 'adversarial-training', ...more }, 'here').options as Parameters<typeof stepsOf>[0];

describe('the length of a step', () => {
  it.each([
    [{}, { steps: 7, ratio: 2.5 / 7 }],
    [
      { steps: 10, stepSize: 0.25 },
      { steps: 10, ratio: 0.25 },
    ],
    [{ method: 'fgsm' }, { steps: 1, ratio: 1.25 }],
    [
      { method: 'fgsm', randomStart: false },
      { steps: 1, ratio: 1 },
    ],
  ])('of %o is that of the paper', (given, expected) => {
    expect(stepsOf(optionsOf(given))).toEqual(expected);
  });
});

describe('training on the worst points', () => {
  it.each([
    ['dense layers', {}],
    ['convolutions', { inputs: PICTURES, model: SMALL_CNN }],
  ])('makes a network of %s more robust to the attack on the rows it was trained on', async (_title, setting) => {
    const { ffi } = await openRuntimes();
    const epsilon = 0.3;
    const common = { ...setting, rows: 120, training: { epochs: 30, batchSize: 20 } };
    const lossUnderAttack = async (regularizers: Record<string, unknown>[]): Promise<number> => {
      const given = problem({ ...common, regularizers });
      const { graph } = await trained(ffi, given);
      const rows = given.data.train.length;
      const inputs = Object.fromEntries(
        Object.entries(given.data.inputs).map(([name, { shape, data }]) => [
          name,
          float32([rows, ...shape.slice(1)], (data as Float32Array).slice(0, rows * sizeOf(shape.slice(1)))),
        ]),
      );
      const target = int64([rows], (given.data.target.data as BigInt64Array).slice(0, rows)).data;
      const found = await attack(
        ffi,
        { graph, output: 'output', inputs, target: Array.from(target, Number) },
        attackOptions.parse({ epsilon, steps: 10 }),
      );
      return found.loss.reduce((sum, value) => sum + value, 0) / rows;
    };
    const plain = await lossUnderAttack([]);
    const hardened = await lossUnderAttack([{ type: 'adversarial-training', strength: epsilon }]);
    expect(hardened).toBeLessThan(0.8 * plain);
  });

  it('is refused where no input can be perturbed', async () => {
    const { findConflicts } = await import('../resolve.js');
    const setting = {
      active: [resolveEntry({ type: 'adversarial-training' }, 'here')],
      task: 'classification' as const,
      parameters: [],
      operators: [],
      optimizer: 'adamw',
      inputs: [{ name: 'tokens', content: 'tokens' as const, shape: [8] }],
      rows: 10,
      epochs: 1,
      classes: ['a', 'b'],
      columns: [],
    };
    expect(findConflicts(setting)).toEqual([
      expect.objectContaining({ code: 'ADVERSARIAL_TRAINING_NEEDS_INPUT', severity: 'error' }),
    ]);
  });
});
