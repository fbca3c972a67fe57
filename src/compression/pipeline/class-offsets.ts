import { calibrationRows } from '../../evaluation/calibrators/report.js';
import type { PredictionInput } from '../../evaluation/input.js';

/** Fewer rows of a class do not tell where its scores lie. */
const FEWEST_ROWS = 20;

/**
 * What is added to the scores of each class so that none is recalled less than the original's worst class, on rows that neither was
 * trained on: a small network is as accurate as a large one by giving rare classes up first. A class is raised just as far as the
 * wanted share of its rows needs, the lowest first, each once.
 *
 * @returns an offset a class; undefined where no class fell below, where rows are weighted, too few or without scores, and where the
 * other classes would lose more than is won
 */
export function classOffsets(original: PredictionInput, compressed: PredictionInput): readonly number[] | undefined {
  if (original.task !== 'classification' || compressed.task !== 'classification') return undefined;
  if (compressed.weights !== undefined || (compressed.logits ?? compressed.probabilities) === undefined)
    return undefined;
  const [before, after] = [calibrationRows(original), calibrationRows(compressed)];
  const zero = new Array<number>(after.classes).fill(0);
  const [wanted, start] = [recalls(before, zero), recalls(after, zero)];
  if (wanted.length === 0) return undefined;
  const least = worst(wanted);
  const offsets = [...zero];
  for (const _ of zero) {
    const low = recalls(after, offsets)
      .filter(({ code, recall }) => recall < least && offsets[code] === 0)
      .sort((a, b) => a.recall - b.recall)[0];
    if (low === undefined) break;
    offsets[low.code] = Math.max(0, -lowQuantile(margins(after, offsets, low.code), 1 - least));
  }
  const end = recalls(after, offsets);
  return worst(end) > worst(start) && mean(end) >= mean(start) ? offsets : undefined;
}

type Rows = Pick<ReturnType<typeof calibrationRows>, 'rows' | 'classes' | 'scores' | 'target'>;

interface Recall {
  readonly code: number;
  readonly recall: number;
}

/** Of the classes with rows enough. */
function recalls(all: Rows, offsets: readonly number[]): Recall[] {
  return offsets.flatMap((_, code) => {
    const own = margins(all, offsets, code);
    return own.length < FEWEST_ROWS ? [] : [{ code, recall: own.filter((margin) => margin > 0).length / own.length }];
  });
}

/** By how much the score of a class leads, or trails, the best other, for each row of the class. */
function margins({ rows, classes, scores, target }: Rows, offsets: readonly number[], code: number): number[] {
  const found: number[] = [];
  for (let row = 0; row < rows; row++) {
    if (target[row] !== code) continue;
    let other = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) {
      if (k !== code) other = Math.max(other, scores[row * classes + k] + offsets[k]);
    }
    found.push(scores[row * classes + code] + offsets[code] - other);
  }
  return found;
}

const worst = (all: readonly Recall[]): number => Math.min(...all.map(({ recall }) => recall));
const mean = (all: readonly Recall[]): number => all.reduce((sum, { recall }) => sum + recall, 0) / all.length;

/**
 * The value that a share of other values of the kind lies below: at (n + 1) q of the sorted ones (Weibull's positions), since the
 * share of new values below the k-th of n is k / (n + 1) on average.
 */
function lowQuantile(values: readonly number[], q: number): number {
  const ascending = values.toSorted((a, b) => a - b);
  const place = Math.min(ascending.length, Math.max(1, (ascending.length + 1) * q)) - 1;
  const below = Math.floor(place);
  const above = Math.min(ascending.length - 1, below + 1);
  return ascending[below] + (place - below) * (ascending[above] - ascending[below]);
}
