import { BallastError } from '../../errors.js';
import type { LabelWorkStore } from '../../store/index.js';
import { confidenceOf, type ObservationStore, type StoredObservation } from '../../store/index.js';
import { drawBySize } from './draw.js';
import { strangeness } from './strangeness.js';

export const SAMPLE_METHODS = ['mix', 'uncertainty', 'drift', 'random'] as const;
export type SampleMethod = (typeof SAMPLE_METHODS)[number];

export interface DrawnLabels {
  /** Under which number the store keeps it. */
  readonly sample: number;
  readonly model: string;
  readonly method: SampleMethod;
  /** Predictions without a label that it was drawn from. */
  readonly population: number;
  readonly rows: readonly {
    readonly observation: StoredObservation;
    /** Of being drawn; its inverse is the row's weight. */
    readonly probability: number;
  }[];
}

/** Predictions that a sample is drawn from at most: the newest. */
const MOST_ROWS = 50_000;
/** Share of the draw that goes by chance whatever the method: no weight becomes larger than 5 times that of a random sample. */
const BY_CHANCE = 0.2;

/**
 * Draws predictions without a label to be labelled: where the model is unsure, where rows are unlike the earlier ones, by chance, or a
 * mix of all; each with the probability that it had, so that estimates from the labels stay unbiased.
 *
 * @throws BallastError `LABELS_NOTHING_TO_DRAW`, `LABELS_WITHOUT_SCORES`
 */
export async function drawLabels(
  store: ObservationStore & LabelWorkStore,
  model: string,
  options: {
    readonly method: SampleMethod;
    readonly count: number;
    readonly from?: number;
    readonly version?: string;
    readonly seed: number;
  },
): Promise<DrawnLabels> {
  const { method, count, from, version, seed } = options;
  const open = await store.observationsBetween(model, {
    labelled: false,
    limit: MOST_ROWS,
    ...(from === undefined ? {} : { from }),
    ...(version === undefined ? {} : { version }),
  });
  const population = open.filter(({ role, status }) => role !== 'shadow' && status === 'ok');
  if (population.length === 0) {
    throw new BallastError('there is no prediction without a label', {
      code: 'LABELS_NOTHING_TO_DRAW',
      kind: 'not-found',
      place: model,
      remedy: 'ballast labels missing MODEL shows what was answered and what is labelled',
    });
  }
  const drawn = drawBySize(sizesOf(population, method), count, seed).map(({ place, probability }) => ({
    observation: population[place],
    probability,
  }));
  const sample = await store.recordSample({
    ...{ model, at: Date.now(), method, population: population.length },
    rows: drawn.map(({ observation: { id }, probability }) => ({ id, probability })),
  });
  return { sample, model, method, population: population.length, rows: drawn };
}

function sizesOf(rows: readonly StoredObservation[], method: SampleMethod): number[] {
  const unsure = (): number[] | undefined => {
    const confidences = rows.map(({ scores }) => confidenceOf(scores));
    return confidences.includes(undefined) ? undefined : confidences.map((confidence) => 1 - (confidence ?? 0));
  };
  if (method === 'random') return rows.map(() => 1);
  if (method === 'drift') return withChance(strangeness(rows));
  const sizes = unsure();
  if (method === 'mix') {
    const [unlike, uncertain] = [withChance(strangeness(rows)), sizes === undefined ? undefined : withChance(sizes)];
    return unlike.map((size, i) => 1 + size + (uncertain?.[i] ?? size));
  }
  if (sizes === undefined) {
    throw new BallastError('some answers have no probabilities, which uncertainty is taken from', {
      code: 'LABELS_WITHOUT_SCORES',
      remedy: 'Draw with --by drift or --by random',
    });
  }
  return withChance(sizes);
}

/** Sizes scaled to a mean of 1, a share of it the same for all. */
function withChance(sizes: readonly number[]): number[] {
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  return sizes.map((size) => (mean > 0 ? BY_CHANCE + ((1 - BY_CHANCE) * size) / mean : 1));
}
