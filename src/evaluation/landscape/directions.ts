import { sizeOf } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import type { LossSurface, SurfaceParameter } from './surface.js';

/**
 * A random direction on the scale of the network (Li et al., Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018):
 * normal numbers, each filter (the weights of one output unit, the vector of one embedding) scaled to the length of the
 * network's own, so that surfaces of networks whose layers are scaled differently can be compared. Biases and
 * normalizations do not move, as with `biasbn` in their code.
 *
 * @returns one number a parameter
 */
export function filterNormalized(
  { parameters, start, dimension }: Pick<LossSurface, 'parameters' | 'start' | 'dimension'>,
  seed: number,
  label: number,
): Float64Array {
  const random = derive(seed, 'direction', label);
  const direction = new Float64Array(dimension);
  let from = 0;
  for (const parameter of parameters) {
    const size = sizeOf(parameter.shape);
    if (parameter.role === 'weight' || parameter.role === 'embedding') {
      for (let i = from; i < from + size; i++) direction[i] = random.normal();
      scaleFilters(direction.subarray(from, from + size), start.subarray(from, from + size), parameter);
    }
    from += size;
  }
  return direction;
}

/** Brings each filter to the length that it has in `like`. */
function scaleFilters(direction: Float64Array, like: Float32Array, { shape, role, unitAxis }: SurfaceParameter): void {
  const axis = role === 'embedding' ? 0 : (unitAxis ?? 0);
  const units = shape[axis];
  const inner = sizeOf(shape.slice(axis + 1));
  const unitOf = (i: number): number => Math.floor(i / inner) % units;
  const squares = { own: new Float64Array(units), like: new Float64Array(units) };
  direction.forEach((value, i) => {
    squares.own[unitOf(i)] += value * value;
    squares.like[unitOf(i)] += like[i] * like[i];
  });
  direction.forEach((value, i) => {
    const unit = unitOf(i);
    direction[i] = squares.own[unit] === 0 ? 0 : value * Math.sqrt(squares.like[unit] / squares.own[unit]);
  });
}
