import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { monitorValidation } from './index.js';

interface Golden {
  readonly patience: number;
  readonly minDelta: number;
  readonly higherIsBetter: boolean;
  readonly values: readonly number[];
  readonly stopped: number | null;
  readonly bestEpoch: number;
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/early-stopping.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

interface Options {
  readonly patience: number;
  readonly minDelta?: number;
  readonly higherIsBetter?: boolean;
}

function follow(
  { patience, minDelta = 0, higherIsBetter = false }: Options,
  values: readonly number[],
): { stopped: number | null; bestEpoch: number } {
  const monitor = monitorValidation({ patience, minDelta, restoreBest: true });
  let bestEpoch = 0;
  for (const [i, value] of values.entries()) {
    const verdict = monitor.observe(i + 1, value, higherIsBetter);
    if (verdict.best) bestEpoch = i + 1;
    if (verdict.stop) return { stopped: i + 1, bestEpoch };
  }
  return { stopped: null, bestEpoch };
}

describe('monitorValidation', () => {
  it("decides as Keras' EarlyStopping on 60 curves", () => {
    for (const { values, stopped, bestEpoch, ...options } of cases) {
      expect(follow(options, values)).toEqual({ stopped, bestEpoch });
    }
    expect(cases.filter(({ stopped }) => stopped !== null).length).toBeGreaterThan(15);
  });

  it('takes an undefined metric for no improvement, from the first epoch on', () => {
    const { NaN: undefinedMetric } = Number;
    expect(follow({ patience: 3 }, [undefinedMetric, undefinedMetric, undefinedMetric])).toEqual({
      stopped: 3,
      bestEpoch: 0,
    });
    expect(follow({ patience: 3 }, [undefinedMetric, 2, undefinedMetric, 1, 1])).toEqual({
      stopped: null,
      bestEpoch: 4,
    });
  });

  it('goes on as if nothing had happened after its state was saved and restored', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 3, noNaN: false }), { minLength: 2, maxLength: 30 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(0, 0.1),
        fc.nat(),
        (values, patience, minDelta, cut) => {
          const options = { patience, minDelta, restoreBest: true };
          const whole = monitorValidation(options);
          let other = monitorValidation(options);
          values.forEach((value, i) => {
            if (i === cut % values.length) {
              const state = other.state();
              other = monitorValidation(options);
              other.restore(state);
            }
            expect(other.observe(i + 1, value, false)).toEqual(whole.observe(i + 1, value, false));
          });
        },
      ),
    );
  });
});
