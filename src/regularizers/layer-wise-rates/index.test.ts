import { describe, expect, it } from 'vitest';
import { type GoldenNetwork, goldenProblem, readGolden } from '../../../test/support/golden-network.js';
import { trained } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { layerRate } from './index.js';

interface Golden extends GoldenNetwork {
  readonly steps: number;
  readonly rate: number;
  readonly factor: number;
  readonly decay: number;
  readonly runs: Readonly<Record<'adamw' | 'sgd', Readonly<Record<string, number[]>>>>;
}

const golden = readGolden<Golden>(import.meta.url, 'layer-wise-rates');

describe('layerRate', () => {
  const at = (layer: number, block = 1): number =>
    layerRate({ epochs: 0, totalEpochs: 1, strength: 0.2, layer, depth: 6 }, block);

  it('falls by a constant factor from the last layer to the first', () => {
    [0.8 ** 5, 0.8 ** 4, 0.8 ** 3, 0.8 ** 2, 0.8, 1].forEach((rate, layer) => {
      expect(at(layer)).toBeCloseTo(rate, 12);
    });
  });

  it('is shared by the layers of a block', () => {
    const blocks = [3, 2, 2, 1, 1, 0];
    blocks.forEach((above, layer) => {
      expect(at(layer, 2)).toBeCloseTo(0.8 ** above, 12);
    });
  });
});

describe("layer-wise-rates against PyTorch's parameter groups", () => {
  it.each(['adamw', 'sgd'] as const)('%s', async (type) => {
    const { steps, rate, factor, decay, runs } = golden;
    const regularizers = [
      { type: 'layer-wise-rates', strength: 1 - factor },
      ...(type === 'adamw' ? [{ type: 'weight-decay', strength: decay }] : []),
    ];
    const given = goldenProblem(golden, {
      regularizers,
      training: { epochs: steps, optimizer: { type, learningRate: rate } },
    });
    const { graph } = await trained(await openRuntime(), given);
    for (const [name, expected] of Object.entries(runs[type])) {
      const found = graph.initializers.get(name)!.data as Float32Array;
      expected.forEach((value, i) => {
        expect(Math.abs(found[i] - value)).toBeLessThan(2e-5);
      });
    }
  });
});
