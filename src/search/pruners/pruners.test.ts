import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signedRankGreater } from '../../numeric/signed-rank.js';
import type { Pruner } from '../pruner.js';
import type { Trial } from '../trial.js';
import { ashaPruner, halvingPruner, hyperbandPruner } from './halving.js';
import { medianPruner } from './median.js';
import { wilcoxonPruner } from './wilcoxon.js';

const golden = JSON.parse(readFileSync(new URL('../goldens/scipy.json', import.meta.url), 'utf8')) as {
  signedRank: { differences: number[]; p: number }[];
};

/** A trial with the losses of its epochs. */
function trial(
  number: number,
  epochs: readonly (number | readonly number[])[],
  state: Trial['state'] = 'complete',
): Trial {
  return {
    number,
    point: {},
    state,
    reports: epochs.map((loss, i) => ({ step: i + 1, losses: [loss].flat() })),
    units: [],
  };
}

/** Runs trials one after the other, each with a loss that only depends on its quality and the epoch. */
function play(pruner: Pruner, qualities: readonly (readonly number[])[], epochs: number): Trial[] {
  const all: Trial[] = [];
  const paused = new Set<number>();
  const losses = (number: number, step: number): readonly number[] => qualities[number].map((q) => q + 1 / step);
  const run = (number: number): void => {
    let current: Trial = all[number] ?? { ...trial(number, [], 'running') };
    for (let step = current.reports.length + 1; step <= epochs; step++) {
      current = { ...current, reports: [...current.reports, { step, losses: losses(number, step) }] };
      all[number] = current;
      const verdict = pruner.decide(
        current,
        all.filter((other) => other.number !== number),
        'epoch',
      );
      if (verdict === 'prune') all[number] = { ...current, state: 'pruned' };
      if (verdict === 'pause') paused.add(number);
      if (verdict !== 'go-on') return;
    }
    all[number] = { ...current, state: 'complete', losses: losses(number, epochs) };
  };
  for (let number = 0; number < qualities.length; ) {
    const back = pruner.promote?.(
      all.filter((each) => paused.has(each.number)),
      all,
    );
    if (back === undefined) run(number++);
    else {
      paused.delete(back.number);
      run(back.number);
    }
  }
  return all;
}

const PRUNERS: readonly (readonly [string, Pruner])[] = [
  ['median', medianPruner()],
  ['successive halving', halvingPruner()],
  ['hyperband', hyperbandPruner({ epochs: 27 })],
  ['asha', ashaPruner()],
];

describe.each(PRUNERS)('%s', (_, pruner) => {
  const order = (count: number): number[][] => Array.from({ length: count }, (__, i) => [((i * 7) % count) / count]);

  test('spends fewer epochs than going all the way, and lets the best come to its end', () => {
    const trials = play(pruner, order(27), 27);
    const spent = trials.reduce((sum, { reports }) => sum + reports.length, 0);
    expect(spent).toBeLessThan(0.75 * 27 * 27);
    expect(trials[0].state).toBe('complete');
  });

  test('does so with two objectives too: what is on the front goes on', () => {
    // Quality on a circle is the front; the rest is behind it.
    const qualities = Array.from({ length: 24 }, (__, i) => {
      const angle = ((i % 6) / 5) * (Math.PI / 2);
      const far = i < 6 ? 0 : 0.3 + i / 24;
      return [far - Math.cos(angle), far - Math.sin(angle)];
    });
    const trials = play(pruner, qualities, 27);
    for (const front of trials.slice(0, 6)) expect(front.state).toBe('complete');
    expect(trials.slice(6).filter(({ state }) => state !== 'complete').length).toBeGreaterThan(6);
  });

  test('never ends a trial that none is better than, whatever was seen', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 9 }), {
          maxLength: 20,
        }),
        (seen) => {
          const others = seen.map((epochs, number) => trial(number + 1, epochs));
          for (let epochs = 1; epochs <= 9; epochs++) {
            expect(pruner.decide(trial(0, Array(epochs).fill(-1), 'running'), others, 'epoch')).toBe('go-on');
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('asha', () => {
  test('calls back what stopped before it was seen to be among the best', () => {
    const pruner = ashaPruner({ least: 1, factor: 2 });
    const first = trial(0, [0.1], 'running');
    expect(pruner.decide(trial(1, [0.2], 'running'), [first], 'epoch')).toBe('pause');
    const paused = [trial(1, [0.2], 'running')];
    expect(pruner.promote?.(paused, [first, ...paused])).toBeUndefined();
    const worse = [trial(2, [0.5]), trial(3, [0.6])];
    expect(pruner.promote?.(paused, [first, ...paused, ...worse])?.number).toBe(1);
  });
});

describe('median', () => {
  test('leaves alone what has too few to be compared with, and the warm-up', () => {
    const others = [1, 2, 3].map((number) => trial(number, [0, 0, 0]));
    const bad = trial(0, [1, 1, 1], 'running');
    expect(medianPruner({ startUp: 4 }).decide(bad, others, 'epoch')).toBe('go-on');
    expect(medianPruner({ startUp: 3, warmUp: 3 }).decide(bad, others, 'epoch')).toBe('go-on');
    expect(medianPruner({ startUp: 3, warmUp: 2 }).decide(bad, others, 'epoch')).toBe('prune');
  });

  test('passes over figures that no epoch knows of', () => {
    const others = [1, 2, 3].map((number) => trial(number, [[0, Number.NaN]]));
    const decide = (loss: number) =>
      medianPruner({ startUp: 3 }).decide(trial(0, [[loss, Number.NaN]], 'running'), others, 'epoch');
    expect([decide(-1), decide(1)]).toEqual(['go-on', 'prune']);
  });
});

describe('wilcoxon', () => {
  test('has the p-values of scipy', () => {
    for (const { differences, p } of golden.signedRank) expect(signedRankGreater(differences)).toBeCloseTo(p, 12);
  });

  test('shares ranks among ties, and is near its exact value where it approximates', () => {
    // Signs of (1, 1, 2): sums of ranks 1.5, 1.5, 3.
    expect(signedRankGreater([1, -1, 2])).toBeCloseTo(3 / 8, 12);
    const many = Array.from({ length: 51 }, (_, i) => (i + 1) * (i % 3 === 0 ? -1 : 1));
    expect(signedRankGreater(many)).toBeCloseTo(signedRankGreater(many.slice(0, 50)), 1);
    expect(signedRankGreater([0, 0])).toBe(1);
  });

  test('compares folds in pairs: hard folds are no one’s fault', () => {
    const units = (losses: readonly number[]) => losses.map((loss) => [loss]);
    const best: Trial = { ...trial(1, []), losses: [0.3], units: units([0.1, 0.5, 0.2, 0.4, 0.3]) };
    const decide = (losses: readonly number[]) =>
      wilcoxonPruner().decide({ ...trial(0, [], 'running'), units: units(losses) }, [best], 'unit');
    expect(decide([0.12, 0.52])).toBe('go-on');
    expect(decide([0.12, 0.52, 0.22, 0.42])).toBe('prune');
    expect(decide([0.12, 0.48, 0.22, 0.38])).toBe('go-on');
  });
});
