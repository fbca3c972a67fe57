/** What predictions of several members, trained on other rows or from other seeds, come to on the same rows. */
export interface BiasVariance {
  /** Mean over rows of the squared distance of the members' mean prediction from the target: bias, and noise. */
  readonly biasSquared: number;
  /** Mean over rows of the members' spread around their mean prediction. */
  readonly variance: number;
}

/**
 * The mean squared error of members, in two (Geman, Bienenstock and Doursat 1992). Of classes, over their probabilities:
 * the parts of the Brier score.
 *
 * @param predictions of each member, row-major
 * @param target of the same size
 * @param width numbers a row
 */
export function biasAndVariance(
  predictions: readonly ArrayLike<number>[],
  target: ArrayLike<number>,
  width: number,
): BiasVariance {
  const members = predictions.length;
  const rows = target.length / width;
  let [bias, spread] = [0, 0];
  for (let i = 0; i < target.length; i++) {
    let mean = 0;
    for (const member of predictions) mean += member[i] / members;
    bias += (mean - target[i]) ** 2;
    if (members > 1) for (const member of predictions) spread += (member[i] - mean) ** 2 / (members - 1);
  }
  return { biasSquared: bias / rows, variance: spread / rows };
}

/** A curve that spans less than this share of its size has no knee. */
const FLAT = 0.02;

/**
 * The knee of a curve that rises ever faster: the point farthest below the chord from its first to its last point, both
 * axes scaled to 1 (Satopää et al. 2011).
 *
 * @returns its place; undefined where the curve does not rise, or nowhere sags below its chord
 */
export function kneeOf(x: readonly number[], y: readonly number[]): number | undefined {
  const last = x.length - 1;
  if (last < 2) return undefined;
  const [width, height] = [x[last] - x[0], y[last] - y[0]];
  const size = Math.max(...y.map(Math.abs));
  if (!(width > 0) || !(height > FLAT * size)) return undefined;
  let knee: number | undefined;
  let deepest = 0.02;
  for (let i = 1; i < last; i++) {
    const below = (x[i] - x[0]) / width - (y[i] - y[0]) / height;
    if (below > deepest) [knee, deepest] = [i, below];
  }
  return knee;
}
