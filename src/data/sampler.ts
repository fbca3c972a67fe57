import { BallastError } from '../errors.js';
import { derive } from '../numeric/random.js';

export interface SamplerOptions {
  /** Rows to draw from: positions in the encoded examples. */
  readonly rows: Int32Array | Uint32Array;
  readonly batchSize: number;
  readonly seed: number;
  /**
   * Class of each position (indexed by what is in `rows`): every class is then drawn equally often, an epoch being as
   * many draws as there are rows. Rows of rare classes come several times, those of frequent ones not in every epoch.
   */
  readonly balance?: ArrayLike<number | bigint>;
}

/**
 * Mini-batches of an epoch. Everything is a function of options and epoch alone, so that a run that resumes in the middle
 * of an epoch sees the same batches as one that was not interrupted; nothing has to be saved.
 */
export interface Sampler {
  /** Batches of an epoch; the last may be smaller. */
  readonly batches: number;
  /** The rows of an epoch in order. */
  order(epoch: number): Int32Array;
  /** One batch, a view on {@link order}. */
  batch(order: Int32Array, index: number): Int32Array;
}

/**
 * A sampler over rows.
 *
 *     const sampler = createSampler({ rows: split.train, batchSize: 128, seed: 1 });
 *     const order = sampler.order(epoch);
 *     for (let i = 0; i < sampler.batches; i++) step(sampler.batch(order, i));
 *
 * @throws BallastError DATA_NO_ROWS, DATA_BATCH_SIZE
 */
export function createSampler({ rows, batchSize, seed, balance }: SamplerOptions): Sampler {
  if (rows.length === 0) throw new BallastError('there is no row to draw batches from', { code: 'DATA_NO_ROWS' });
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new BallastError('a batch holds a whole number of rows, at least 1', {
      code: 'DATA_BATCH_SIZE',
      value: batchSize,
    });
  }
  const members = balance === undefined ? undefined : membersByClass(rows, balance);
  return {
    batches: Math.ceil(rows.length / batchSize),
    order: (epoch) =>
      members === undefined ? shuffled(rows, seed, epoch) : balanced(members, rows.length, seed, epoch),
    batch: (order, index) => order.subarray(index * batchSize, (index + 1) * batchSize),
  };
}

function shuffled(rows: ArrayLike<number>, seed: number, epoch: number): Int32Array {
  return derive(seed, 'sampler', epoch).shuffle(Int32Array.from(rows));
}

/**
 * Every class gets floor(draws / classes) draws and some one more, chosen at random. The rows of a class are dealt like
 * cards: in random order, shuffled anew when all have been dealt, so that their counts differ by at most one.
 */
function balanced(members: readonly Int32Array[], draws: number, seed: number, epoch: number): Int32Array {
  const random = derive(seed, 'balanced sampler', epoch);
  const order = new Int32Array(draws);
  const classes = random.permutation(members.length);
  let next = 0;
  classes.forEach((label, place) => {
    const cards = members[label].slice();
    const share = Math.floor(draws / classes.length) + (place < draws % classes.length ? 1 : 0);
    for (let dealt = 0; dealt < share; dealt++) {
      if (dealt % cards.length === 0) random.shuffle(cards);
      order[next++] = cards[dealt % cards.length];
    }
  });
  return random.shuffle(order);
}

function membersByClass(rows: ArrayLike<number>, labels: ArrayLike<number | bigint>): Int32Array[] {
  const members = new Map<number, number[]>();
  for (let i = 0; i < rows.length; i++) {
    const label = Number(labels[rows[i]]);
    const known = members.get(label);
    if (known === undefined) members.set(label, [rows[i]]);
    else known.push(rows[i]);
  }
  return [...members].sort(([a], [b]) => a - b).map(([, list]) => Int32Array.from(list));
}
