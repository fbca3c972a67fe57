import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import { describeStep } from '../../../test/support/stepper.js';
import { type Inputs, problem } from '../../../test/support/training-problem.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { sgd } from '../../training/optimizers.js';
import { ownContext } from '../../training/step-graph.js';
import { resolveEntry } from '../resolve.js';
import { curvesThrough, readAt, warpedClock } from './curves.js';
import { seriesAugmentation } from './index.js';
import { labelConflicts } from './label-validity.js';

interface Golden {
  readonly length: number;
  readonly knots: readonly (readonly number[])[];
  readonly curves: readonly (readonly number[])[];
  readonly clock: readonly (readonly number[])[];
  readonly series: readonly (readonly (readonly number[])[])[];
  readonly read: readonly (readonly (readonly number[])[])[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/curves.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

const worst = (found: readonly number[], expected: readonly number[]): number => {
  expect(found.length).toBe(expected.length);
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
};

describe.each(cases.map((golden) => ({ length: golden.length, golden })))('length $length', ({ golden }) => {
  const { length, knots, curves, clock, series, read } = golden;

  it('draws the splines of SciPy through the knots', async () => {
    const { y } = await computed({ k: float32([2, knots[0].length], knots.flat()) }, ({ b, inputs }) => ({
      y: curvesThrough(b, inputs.k, length),
    }));
    expect(worst(y, curves.flat())).toBeLessThan(1e-5);
  });

  it('runs the clock of their speeds from the first step to the last', async () => {
    const { y } = await computed({ s: float32([2, length], curves.flat()) }, ({ b, inputs }) => ({
      y: warpedClock(b, inputs.s, 0.1),
    }));
    expect(worst(y, clock.flat())).toBeLessThan(2e-5 * length);
    expect(y[0]).toBe(0);
    y.forEach((at, i) => {
      if (i % length > 0) expect(at).toBeGreaterThan(y[i - 1]);
    });
  });

  it('reads what NumPy interpolates', async () => {
    const channels = series[0][0].length;
    const { y } = await computed(
      { x: float32([2, length, channels], series.flat(2)), p: float32([2, length], clock.flat()) },
      ({ b, inputs }) => {
        const found = readAt(b, b.transpose(inputs.x, [0, 2, 1]), inputs.p);
        return { y: b.transpose(found, [0, 2, 1]) };
      },
    );
    expect(worst(y, read.flat(2))).toBeLessThan(1e-4);
  });
});

const [ROWS, LENGTH, CHANNELS] = [400, 30, 2];
const INPUTS: Inputs = [{ name: 'x', content: 'series', type: 'float32', shape: [LENGTH, CHANNELS] }];
const NONE = { jitter: 0, scaling: 0, magnitudeWarp: 0, timeWarp: 0, slice: 0 };
const WAVES = Array.from({ length: ROWS * LENGTH * CHANNELS }, (_, i) => {
  const [row, step, channel] = [Math.floor(i / (LENGTH * CHANNELS)), Math.floor(i / CHANNELS) % LENGTH, i % CHANNELS];
  return Math.sin(0.3 * step + row + channel) * (1 + channel);
});

/** Series after augmentation with these options. */
async function augmented(
  options: Record<string, unknown>,
  { strength = 1, table = WAVES }: { strength?: number; table?: readonly number[] } = {},
): Promise<number[]> {
  const entry = resolveEntry({ type: 'series-augmentation', ...options }, 'here');
  const given = entry.options as Parameters<NonNullable<typeof seriesAugmentation.hooks.batch>>[1];
  const { y } = await computed(
    {
      x: float32([ROWS, LENGTH, CHANNELS], table),
      s: float32([], [strength]),
      t: float32([ROWS, 1], new Float32Array(ROWS)),
    },
    (computation) => {
      const { inputs } = computation;
      const context = stepContext(computation, inputs.s, { inputs: INPUTS, batchSize: ROWS });
      const result = seriesAugmentation.hooks.batch!(context, given, { inputs: { x: inputs.x }, target: inputs.t });
      expect(result.target).toBe(inputs.t);
      return { y: result.inputs.x };
    },
  );
  return y;
}

/** Values of one row and channel. */
const line = (values: readonly number[], row: number, channel: number): number[] =>
  Array.from({ length: LENGTH }, (_, step) => values[(row * LENGTH + step) * CHANNELS + channel]);

describe('series-augmentation', () => {
  it('jitters by the declared deviation', async () => {
    const zeros = WAVES.map(() => 0);
    const noise = await augmented({ ...NONE, jitter: 0.4, odds: 1 }, { strength: 0.5, table: zeros });
    const deviation = Math.sqrt(noise.reduce((sum, v) => sum + v * v, 0) / noise.length);
    // Cut at three deviations the variance is 0.9733 of the whole.
    expect(Math.abs(deviation / (0.2 * Math.sqrt(0.9733)) - 1)).toBeLessThan(5 / Math.sqrt(2 * noise.length));
    expect(noise.every((v) => Math.abs(v) <= 0.6 + 1e-6)).toBe(true);
  });

  it('scales a channel of a row by one factor, rows by others, and leaves half of the rows alone', async () => {
    const found = await augmented({ ...NONE, scaling: 0.1 });
    const factors: number[] = [];
    for (let row = 0; row < ROWS; row++) {
      const of = Array.from({ length: CHANNELS }, (_, channel) => {
        const [now, before] = [line(found, row, channel), line(WAVES, row, channel)];
        const factor = now[3] / before[3];
        expect(
          worst(
            now,
            before.map((v) => v * factor),
          ),
        ).toBeLessThan(1e-4);
        return factor;
      });
      const touched = of.map((factor) => Math.abs(factor - 1) > 1e-5);
      expect(touched[0]).toBe(touched[1]);
      factors.push(touched[0] ? of[0] : 1);
    }
    const hit = factors.filter((factor) => factor !== 1).length;
    expect(Math.abs(hit / ROWS - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / ROWS));
    expect(factors.every((factor) => factor >= 0.7 - 1e-6 && factor <= 1.3 + 1e-6)).toBe(true);
    expect(new Set(factors).size).toBeGreaterThan(hit / 2);
  });

  it('bends a series smoothly, within three deviations', async () => {
    const ones = WAVES.map(() => 1);
    const curves = await augmented({ ...NONE, magnitudeWarp: 0.2, odds: 1 }, { table: ones });
    for (let row = 0; row < ROWS; row++) {
      const curve = line(curves, row, 0);
      expect(curve.every((v) => v >= 0.4 - 1e-6 && v <= 1.6 + 1e-6)).toBe(true);
    }
    expect(line(curves, 0, 0)).not.toEqual(line(curves, 1, 0));
    expect(line(curves, 0, 0)).not.toEqual(line(curves, 0, 1));
  });

  it('warps time between fixed ends: no value that is not between two neighbours, all channels alike', async () => {
    const ramp = WAVES.map((_, i) => Math.floor(i / CHANNELS) % LENGTH);
    const found = await augmented({ ...NONE, timeWarp: 0.5, odds: 1 }, { table: ramp });
    for (let row = 0; row < ROWS; row++) {
      const at = line(found, row, 0);
      expect(at).toEqual(line(found, row, 1));
      expect(at[0]).toBe(0);
      expect(at[LENGTH - 1]).toBeCloseTo(LENGTH - 1, 3);
      expect(at.every((value, step) => step === 0 || value > at[step - 1])).toBe(true);
    }
  });

  it('cuts a window of 90 % out and stretches it', async () => {
    const ramp = WAVES.map((_, i) => Math.floor(i / CHANNELS) % LENGTH);
    const found = await augmented({ ...NONE, slice: 0.1, odds: 1 }, { table: ramp });
    const starts = Array.from({ length: ROWS }, (_, row) => {
      const at = line(found, row, 0);
      expect(at.every((value, step) => step === 0 || Math.abs(value - at[step - 1] - 0.9) < 1e-3)).toBe(true);
      return at[0];
    });
    const widest = 0.1 * (LENGTH - 1);
    expect(starts.every((start) => start >= 0 && start <= widest + 1e-4)).toBe(true);
    expect(Math.abs(starts.reduce((sum, v) => sum + v, 0) / ROWS / widest - 0.5)).toBeLessThan(
      5 * Math.sqrt(1 / 12 / ROWS),
    );
  });

  it('stays within the bound that it states, whatever the options', async () => {
    const stream = derive(1, 'bounds');
    for (let i = 0; i < 5; i++) {
      const amounts = {
        jitter: stream.uniform(0, 1),
        scaling: stream.uniform(0, 0.3),
        magnitudeWarp: stream.uniform(0, 0.3),
        timeWarp: stream.uniform(0, 0.5),
        slice: stream.uniform(0, 0.5),
      };
      const strength = stream.uniform(0.1, 1);
      const found = await augmented({ ...amounts, odds: 1 }, { strength });
      for (let row = 0; row < ROWS; row++) {
        for (let channel = 0; channel < CHANNELS; channel++) {
          const most = Math.max(...line(WAVES, row, channel).map(Math.abs));
          const bound =
            most * (1 + 3 * strength * amounts.scaling) * (1 + 3 * strength * amounts.magnitudeWarp) +
            3 * strength * amounts.jitter;
          expect(Math.max(...line(found, row, channel).map(Math.abs))).toBeLessThanOrEqual(bound * (1 + 1e-5));
        }
      }
    }
  });

  it('is the identity where it is fed 0', async () => {
    expect(worst(await augmented({ odds: 1 }, { strength: 0 }), WAVES)).toBeLessThan(1e-6);
  });
});

describe('labels', () => {
  const all = { magnitude: ['scaling'], time: ['timeWarp', 'slice'] };
  const none = { magnitude: [], time: [] };
  const classes = (...names: string[]) => ({ task: 'classification', classes: names }) as const;

  it('are not those of a number that follows the series', () => {
    const regression = { task: 'regression', classes: [] } as const;
    const found = labelConflicts(regression, all, []);
    expect(found.map(({ severity, code }) => [severity, code])).toEqual([
      ['error', 'AUGMENTATION_CHANGES_LABELS'],
      ['error', 'AUGMENTATION_CHANGES_LABELS'],
    ]);
    expect(found[1].remedy).toBe(
      'Set timeWarp and slice to 0; or, where labels do stay right, state it: labelsSurvive: [time]',
    );
    expect(labelConflicts(regression, none, [])).toEqual([]);
    expect(labelConflicts(regression, all, ['magnitude', 'time'])).toEqual([]);
  });

  it('are doubted where the names of classes say so', () => {
    expect(labelConflicts(classes('high', 'low'), all, [])).toHaveLength(1);
    expect(labelConflicts(classes('Slow walk', 'fast walk'), all, [])).toHaveLength(1);
    expect(labelConflicts(classes('sleep', 'stairs'), all, [])).toEqual([]);
  });

  it('are asked about before a run', () => {
    const given = problem({ inputs: INPUTS, regularizers: [{ type: 'series-augmentation' }], task: 'regression' });
    const [active] = given.regularizers;
    const setting = ownContext(describeStep(given, sgd({ momentum: 0, nesterov: false })), [active]);
    expect(active.regularizer.conflicts?.(active, setting)).toHaveLength(2);
  });
});
