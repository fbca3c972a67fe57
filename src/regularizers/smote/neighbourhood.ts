import { median, standardDeviation } from '../../numeric/index.js';
import { nearest } from '../synthetic-rows/nearest.js';
import { type Layout, type Matrix, take } from '../synthetic-rows/real-rows.js';

/**
 * Factors of the features before distances are taken: 1 for numbers; for categories and marks what makes one that differs
 * count as the median standard deviation of the class's numbers does (SMOTE-NC: Chawla et al. 2002, section 6.1).
 */
export function distanceScale({ numbers, categories, flags }: Layout, { rows, width, data }: Matrix): Float64Array {
  const deviations = numbers.map((j) =>
    standardDeviation(
      Float64Array.from({ length: rows }, (_, row) => data[row * width + j]),
      0,
    ),
  );
  const usual = deviations.length === 0 ? 1 : median(deviations);
  const scale = new Float64Array(width).fill(1);
  for (const features of categories) for (const j of features) scale[j] = usual / Math.SQRT2;
  for (const j of flags) scale[j] = usual;
  return scale;
}

/** Whether at least half of the neighbours, but not all (that is noise), are of other classes (Han et al. 2005). */
function isInDanger(others: number, neighbours: number): boolean {
  return others >= neighbours / 2 && others < neighbours;
}

/**
 * Those of a class's rows whose neighbours among all rows put them in danger: positions in `members`.
 *
 * @param around rows among which neighbours are looked for, by their positions in `all`
 */
export async function inDanger(
  all: Matrix,
  members: Int32Array,
  around: Int32Array,
  classOf: ArrayLike<number>,
  neighbours: number,
  scale: Float64Array,
): Promise<Int32Array> {
  const wanted = Math.min(neighbours, around.length - 1);
  const places = new Map(Array.from(around, (row, place) => [row, place]));
  const found = await nearest(
    take(all, members),
    take(all, around),
    wanted,
    scale,
    (i) => places.get(members[i]) ?? -1,
  );
  const danger: number[] = [];
  members.forEach((row, i) => {
    let others = 0;
    for (let k = 0; k < wanted; k++) if (classOf[around[found[i * wanted + k]]] !== classOf[row]) others++;
    if (isInDanger(others, wanted)) danger.push(i);
  });
  return Int32Array.from(danger);
}
