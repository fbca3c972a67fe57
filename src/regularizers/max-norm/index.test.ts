import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { farthest, float64 } from '../../../test/support/gradients.js';
import { FEATURES, openRuntimes, problem, trained } from '../../../test/support/training-problem.js';
import { scaleOntoBall } from './index.js';

interface Golden {
  readonly shape: number[];
  readonly unitAxis: number;
  readonly radius: number;
  readonly w: number[];
  readonly y: number[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/max-norm.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

describe('scaleOntoBall', () => {
  it.each(cases)('is torch.renorm of $shape by unit, radius $radius', async ({ shape, unitAxis, radius, w, y }) => {
    const axes = shape.map((_, axis) => axis).filter((axis) => axis !== unitAxis);
    const found = await computed({ w: float64(shape, w), strength: float64([], [1 / radius]) }, ({ b, inputs }) => ({
      y: scaleOntoBall(b, inputs.w, axes, inputs.strength),
    }));
    // torch.renorm divides by norm + 1e-7.
    expect(farthest(found.y, y)).toBeLessThan(1e-6);
  });
});

describe('max-norm', () => {
  it('keeps the weights into every unit within the radius', async () => {
    const { ffi } = await openRuntimes();
    const normsAt = async (regularizers: Record<string, unknown>[]): Promise<number[]> => {
      const { graph } = await trained(
        ffi,
        problem({
          inputs: FEATURES,
          model: { type: 'mlp', hidden: [8] },
          regularizers,
          training: { epochs: 20, optimizer: { type: 'adam', learningRate: 0.05 } },
        }),
      );
      return [...graph.initializers].flatMap(([name, { shape, data }]) => {
        if (!name.endsWith('.weight')) return [];
        const [inputs, units] = shape;
        const values = data as Float32Array;
        return Array.from({ length: units }, (_, unit) =>
          Math.hypot(...Array.from({ length: inputs }, (_, i) => values[i * units + unit])),
        );
      });
    };
    expect(Math.max(...(await normsAt([])))).toBeGreaterThan(1);
    const bounded = await normsAt([{ type: 'max-norm', radius: 0.7 }]);
    expect(Math.max(...bounded)).toBeLessThan(0.7 * (1 + 1e-5));
    expect(bounded.filter((norm) => norm > 0.7 * (1 - 1e-5)).length).toBeGreaterThan(0);
  });
});
