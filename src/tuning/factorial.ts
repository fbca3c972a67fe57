import { BallastError } from '../errors.js';
import type { Figure } from '../evaluation/figure.js';
import { findMetric } from '../evaluation/metrics/index.js';
import { meanOverSeeds, pairedOverSeeds } from '../evaluation/paired.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { Active } from '../regularizers/regularizer.js';
import type { PreparedData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import { primaryMetric } from './judge.js';
import { leftOut, planRuns } from './plan.js';
import { problemOf, trainRun } from './train-run.js';

/** Two regularizers in a 2 x 2 factorial: neither, each alone, both. Quality is the primary metric, > 0 is better. */
export interface PairEffect {
  readonly first: string;
  readonly second: string;
  readonly metric: string;
  /** Quality gained over neither. */
  readonly firstAlone: Figure;
  readonly secondAlone: Figure;
  readonly both: Figure;
  /** both - (firstAlone + secondAlone): below 0, the two together are worth less than their sum. */
  readonly interaction: Figure;
  readonly verdict: 'clash' | 'synergy' | 'no clear interaction';
}

export interface FactorialOptions {
  readonly runtime: Runtime;
  readonly data: PreparedData;
  /** Seeds seed, seed + 1, ...; two at least, for an interval. */
  readonly seeds: number;
  readonly signal?: AbortSignal;
  readonly onRun?: (label: string, index: number, count: number) => void;
}

/**
 * Measures every pair of a spec's regularizers: trains without any, with each alone and with each pair, under several
 * seeds, and compares on the validation rows. Nothing is recorded. 1 + n + n (n - 1) / 2 runs a seed.
 *
 * @throws BallastError FACTORIAL_NEEDS_PAIR, INTERRUPTED
 */
export async function factorial(resolved: ResolvedSpec, options: FactorialOptions): Promise<PairEffect[]> {
  const { spec, regularizers } = resolved;
  const { seeds, runtime, data, signal } = options;
  if (regularizers.length < 2) {
    throw new BallastError('an interaction needs two regularizers, and the spec has fewer', {
      code: 'FACTORIAL_NEEDS_PAIR',
      place: `${resolved.path ?? 'spec'} regularizers`,
      remedy: 'Declare the two or more that are to be measured',
    });
  }
  const metric = primaryMetric(spec);
  const sign = findMetric(metric).metric.direction === 'higher' ? 1 : -1;
  const [plan] = planRuns(spec, data);
  const pairs = regularizers.flatMap((_, i) =>
    regularizers.slice(i + 1).map((__, k): [number, number] => [i, i + 1 + k]),
  );
  const cells: number[][] = [[], ...regularizers.map((_, i) => [i]), ...pairs];
  /** Quality by cell, then by seed. */
  const quality = new Map<string, number[]>();
  let done = 0;
  for (let seed = spec.training.seed; seed < spec.training.seed + seeds; seed++) {
    for (const cell of cells) {
      const label = cell.length === 0 ? 'neither' : cell.map((index) => leftOut(spec, index)).join(' + ');
      options.onRun?.(`${label}, seed ${seed}`, ++done, cells.length * seeds);
      const active: readonly Active[] = cell.map((index) => regularizers[index]);
      const { problem } = await problemOf({ ...resolved, regularizers: active }, data, {
        ...plan,
        role: 'model',
        seed,
      });
      const result = await trainRun(problem, {
        runtime,
        signal,
        resume: undefined,
        onEvent: () => Promise.resolve(),
      });
      if (result.outcome === 'cancelled') {
        throw new BallastError('interrupted; nothing was recorded', { code: 'INTERRUPTED', kind: 'cancelled' });
      }
      const values = problem.metrics(problem.data.validation, result.outputs.validation);
      const key = cell.join(' ');
      quality.set(key, [...(quality.get(key) ?? []), sign * values[metric]]);
    }
  }
  const of = (...cell: number[]): number[] => quality.get(cell.join(' '))!;
  return pairs.map(([i, j]) => {
    const gained = (values: readonly number[]): Figure => required(pairedOverSeeds(values, of()));
    const interaction = required(meanOverSeeds(of(i, j).map((both, s) => both - of(i)[s] - of(j)[s] + of()[s])));
    const [low, high] = interaction.interval;
    return {
      first: leftOut(spec, i),
      second: leftOut(spec, j),
      metric,
      firstAlone: gained(of(i)),
      secondAlone: gained(of(j)),
      both: gained(of(i, j)),
      interaction,
      verdict: high < 0 ? 'clash' : low > 0 ? 'synergy' : 'no clear interaction',
    };
  });
}

function required(figure: Figure | undefined): Figure {
  if (figure === undefined) {
    throw new BallastError('an interval over seeds needs two of them at least', {
      code: 'FACTORIAL_SEEDS',
      remedy: 'Raise --seeds to 2 or more',
    });
  }
  return figure;
}
