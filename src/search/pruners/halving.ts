import type { Pruner } from '../pruner.js';
import { bestUpTo, isAmong } from '../standing.js';
import type { Trial } from '../trial.js';

export interface HalvingOptions {
  /** Epochs at the first rung. */
  readonly least?: number;
  /** Of so many trials at a rung one goes on, and rungs are so many times apart. */
  readonly factor?: number;
}

/** Epochs at which trials are held against each other: least, least x factor, least x factor^2, ... */
function rungsUpTo(step: number, { least, factor }: Required<HalvingOptions>): number[] {
  const rungs: number[] = [];
  for (let rung = least; rung <= step; rung *= factor) rungs.push(Math.round(rung));
  return rungs;
}

/** Whether a trial is among the best 1 / factor of those that came as far as a rung. */
function passes(trial: Trial, others: readonly Trial[], rung: number, factor: number): boolean {
  const own = bestUpTo(trial, rung);
  if (own === undefined) return false;
  const theirs = others.flatMap((other) => {
    const best = other.number === trial.number || other.state === 'failed' ? undefined : bestUpTo(other, rung);
    return best === undefined ? [] : [best];
  });
  return isAmong(own, theirs, Math.max(1, Math.floor((theirs.length + 1) / factor)));
}

/**
 * Successive halving as trials come (Li et al. 2020, the stopping variant): at each rung a trial goes on where it is
 * among the best 1 / factor of all that have reached it by then, and is pruned otherwise. No trial waits for another.
 */
export function halvingPruner(options: HalvingOptions = {}): Pruner {
  const { least = 1, factor = 3 } = options;
  return {
    decide(trial, others, after) {
      const step = trial.reports.at(-1)?.step ?? 0;
      if (after !== 'epoch' || !rungsUpTo(step, { least, factor }).includes(step)) return 'go-on';
      return passes(trial, others, step, factor) ? 'go-on' : 'prune';
    },
  };
}

/**
 * ASHA with promotion (Li et al. 2020): a trial that is not among the best 1 / factor at a rung pauses there with its
 * checkpoint. As others come in worse it may be among them after all: it is then promoted, and goes on where it stopped.
 */
export function ashaPruner(options: HalvingOptions = {}): Pruner {
  const { least = 1, factor = 3 } = options;
  const halving = halvingPruner({ least, factor });
  return {
    decide: (trial, others, after) => (halving.decide(trial, others, after) === 'prune' ? 'pause' : 'go-on'),
    promote(paused, all) {
      // Those that came furthest first: they are what a sweep is after.
      const waiting = [...paused].sort((a, b) => stepOf(b) - stepOf(a) || a.number - b.number);
      return waiting.find((trial) => passes(trial, all, stepOf(trial), factor));
    },
  };
}

function stepOf({ reports }: Trial): number {
  return reports.at(-1)?.step ?? 0;
}

/**
 * Hyperband (Li et al. 2018): brackets of successive halving that begin later and later, so that trials which are slow
 * to show what they are worth get their time in some. Trial numbers are dealt to brackets in proportion to their budgets;
 * a trial is held against those of its own bracket.
 *
 * @param epochs of a trial that goes all the way
 */
export function hyperbandPruner({
  least = 1,
  factor = 3,
  epochs,
}: HalvingOptions & { readonly epochs: number }): Pruner {
  const count = 1 + Math.max(0, Math.floor(Math.log(epochs / least) / Math.log(factor) + 1e-9));
  // Bracket s begins at least * factor^s and needs (count / (count - s)) * factor^(count - 1 - s) trials.
  const sizes = Array.from({ length: count }, (_, s) => Math.ceil((count / (count - s)) * factor ** (count - 1 - s)));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const bracketOf = (number: number): number => {
    // Spread evenly: the golden ratio's multiples do not bunch up.
    let place = ((number * 0.6180339887498949) % 1) * total;
    for (const [bracket, size] of sizes.entries()) {
      if (place < size) return bracket;
      place -= size;
    }
    return count - 1;
  };
  const pruners = sizes.map((_, s) => halvingPruner({ least: least * factor ** s, factor }));
  return {
    decide(trial, others, after) {
      const bracket = bracketOf(trial.number);
      const rivals = others.filter(({ number }) => bracketOf(number) === bracket);
      return pruners[bracket].decide(trial, rivals, after);
    },
  };
}
