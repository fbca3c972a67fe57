import { derive } from '../../numeric/random.js';
import { estimate, resolveIntervals } from '../estimate.js';
import type { Figure } from '../figure.js';
import { rowMean } from '../row-mean.js';
import { type LossSurface, lengthOf, moved } from './surface.js';

/** How far the loss rises within a ball around the weights. */
export interface Sharpness {
  /** Radius of the ball. */
  readonly rho: number;
  /** `asam`: distances are relative to the size of each weight. */
  readonly kind: 'sam' | 'asam';
  /** After one step along the gradient to the edge of the ball: what SAM itself looks at. */
  readonly oneStep: number;
  /** At the worst point found: a lower bound of the true maximum. Over rows, at that point. */
  readonly worst: Figure;
  /** Gradients that were taken. */
  readonly gradients: number;
}

export interface SharpnessOptions {
  readonly rho: number;
  readonly adaptive: boolean;
  /** ASAM: added to the size of each weight. */
  readonly eta?: number;
  /** Steps of each climb. */
  readonly steps: number;
  readonly seed: number;
}

/**
 * max L(w + e) - L(w) over ||e|| <= rho (Foret et al. 2021), or over ||e / T|| <= rho with T = |w| + eta for weights and 1
 * for all else (ASAM, Kwon et al. 2021). One step: e = rho T^2 g / ||T g||. Then projected gradient ascent in u = e / T
 * with steps of length rho, halved where one leads down, from there and from a random point of the edge.
 */
export async function sharpness(
  surface: LossSurface,
  { rho, adaptive, eta = 0.01, steps, seed }: SharpnessOptions,
): Promise<Sharpness> {
  const { start } = surface;
  const scale = adaptive ? relativeScale(surface, eta) : new Float64Array(surface.dimension).fill(1);
  const center = await surface.loss(start);
  let gradients = 0;
  const along = async (point: Float32Array): Promise<Float64Array> => {
    gradients++;
    const gradient = await surface.gradient(point);
    const scaled = gradient.map((value, i) => value * scale[i]);
    return normalized(scaled);
  };
  const at = (u: Float64Array): Float32Array =>
    moved(
      start,
      u.map((value, i) => value * scale[i]),
      1,
    );
  let worst = center;
  const look = async (u: Float64Array): Promise<number> => {
    const found = await surface.loss(at(u));
    if (found.loss > worst.loss) worst = found;
    return found.loss - center.loss;
  };
  const edge = (await along(start)).map((value) => value * rho);
  const oneStep = await look(edge);
  const random = derive(seed, 'sharpness');
  const drawn = normalized(Float64Array.from({ length: surface.dimension }, () => random.normal()));
  for (const first of [edge, drawn.map((value) => value * rho)]) {
    let u: Float64Array = first;
    let length = rho;
    let reached = await look(u);
    for (let step = 0; step < steps; step++) {
      const direction = await along(at(u));
      const next = within(
        u.map((value, i) => value + length * direction[i]),
        rho,
      );
      const rise = await look(next);
      // A step that went too far is not taken, and the next one is half as long.
      if (rise > reached) [u, reached] = [next, rise];
      else length /= 2;
    }
  }
  const rises = worst.losses.map((loss, row) => loss - center.losses[row]);
  return { rho, kind: adaptive ? 'asam' : 'sam', oneStep, worst: rowFigure(surface, rises, seed), gradients };
}

/** The weighted mean of one number a row, with its interval over rows. */
export function rowFigure(surface: LossSurface, values: Float64Array, seed: number): Figure {
  const measured = rowMean(values, surface.weights);
  const range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
  const [figure] = estimate([{ measured, range }], surface.rows, resolveIntervals({ seed }));
  const { value } = measured;
  return figure ?? { value, interval: [value, value], method: 'one row: no interval' };
}

/** T of ASAM: |w| + eta for weights, 1 for biases, normalizations and embeddings, as Ballast's `sam` has it. */
function relativeScale({ parameters, start, dimension }: LossSurface, eta: number): Float64Array {
  const scale = new Float64Array(dimension).fill(1);
  let from = 0;
  for (const { role, shape } of parameters) {
    const to = from + shape.reduce((product, extent) => product * extent, 1);
    if (role === 'weight') for (let i = from; i < to; i++) scale[i] = Math.abs(start[i]) + eta;
    from = to;
  }
  return scale;
}

/** Of length 1; zero stays. */
export function normalized(vector: Float64Array): Float64Array {
  const length = lengthOf(vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

function within(u: Float64Array, rho: number): Float64Array {
  const length = lengthOf(u);
  return length <= rho ? u : u.map((value) => (value * rho) / length);
}
