/**
 * Resampling along one axis as a matrix: output i of Resize is the sum over input positions j of weight[i][j] x[j], for
 * every coordinate transformation, rounding and interpolation of ONNX (operator Resize, opset 19 and later).
 */

export interface AxisResampling {
  readonly input: number;
  readonly output: number;
  readonly scale: number;
  /** Start and end of the region of interest (tf_crop_and_resize), relative to the axis. */
  readonly roi: readonly [number, number];
  readonly mode: 'nearest' | 'linear' | 'cubic';
  readonly coordinates: string;
  readonly rounding: string;
  readonly cubicCoefficient: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

/** Rows of weights, [output][input]; a row of zeros where the value is extrapolated. */
export function resamplingWeights(axis: AxisResampling): number[][] {
  return Array.from({ length: axis.output }, (_, i) => {
    const row = new Array<number>(axis.input).fill(0);
    const at = axis.scale === 1 && axis.coordinates !== 'tf_crop_and_resize' ? i : coordinate(axis, i);
    const outside = axis.coordinates === 'tf_crop_and_resize' && (at < 0 || at > axis.input - 1);
    if (outside) return row;
    for (const { index, weight } of taps(axis, at)) row[clamp(index, axis.input)] += weight;
    return row;
  });
}

interface Tap {
  index: number;
  weight: number;
}

const clamp = (index: number, extent: number): number => Math.min(Math.max(index, 0), extent - 1);

/** Where output position i lies on the input axis. */
function coordinate({ coordinates, scale, input, output, roi }: AxisResampling, i: number): number {
  switch (coordinates) {
    case 'asymmetric':
      return Math.fround(i / scale);
    case 'pytorch_half_pixel':
      return output > 1 ? Math.fround((i + 0.5) / scale - 0.5) : 0;
    case 'tf_half_pixel_for_nn':
      return Math.fround((i + 0.5) / scale);
    case 'align_corners':
      return output === 1 ? 0 : Math.fround((i * (input - 1)) / (output - 1));
    case 'tf_crop_and_resize':
      return output > 1
        ? roi[0] * (input - 1) + (i * (roi[1] - roi[0]) * (input - 1)) / (output - 1)
        : 0.5 * (roi[0] + roi[1]) * (input - 1);
    case 'half_pixel_symmetric': {
      const adjustment = output / (scale * input);
      return (input / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    default:
      return Math.fround((i + 0.5) / scale - 0.5);
  }
}

function taps(axis: AxisResampling, at: number): Tap[] {
  if (axis.mode === 'nearest') return [{ index: nearest(at, axis), weight: 1 }];
  if (axis.antialias) return smoothedTaps(axis, at);
  if (axis.mode === 'linear') {
    const inside = Math.min(Math.max(at, 0), axis.input - 1);
    const low = Math.floor(inside);
    return [
      { index: low, weight: 1 - (inside - low) },
      { index: low + 1, weight: inside - low },
    ];
  }
  const low = Math.floor(at);
  const four = [-1, 0, 1, 2].map((step) => ({
    index: low + step,
    weight: cubic(at - low - step, axis.cubicCoefficient),
  }));
  return axis.excludeOutside ? normalized(four.filter(({ index }) => index >= 0 && index < axis.input)) : four;
}

function nearest(at: number, { rounding }: AxisResampling): number {
  switch (rounding) {
    case 'floor':
      return Math.floor(at);
    case 'ceil':
      return Math.ceil(at);
    case 'round_prefer_ceil':
      return Math.floor(at + 0.5);
    default:
      return Math.ceil(at - 0.5);
  }
}

/** A filter as wide as an output position, so that nothing is skipped when the axis shrinks. */
function smoothedTaps(axis: AxisResampling, at: number): Tap[] {
  const { mode, scale, excludeOutside, cubicCoefficient, input } = axis;
  const shrink = Math.min(1, scale);
  const support = (mode === 'linear' ? 1 : 2) / shrink;
  const centre = at + 0.5;
  const from = Math.floor(centre - support + 0.5);
  const to = Math.floor(centre + support + 0.5);
  const list: Tap[] = [];
  for (let index = from; index < to; index++) {
    if (excludeOutside && (index < 0 || index >= input)) continue;
    const distance = (index - centre + 0.5) * shrink;
    const weight = mode === 'linear' ? Math.max(0, 1 - Math.abs(distance)) : cubic(distance, cubicCoefficient);
    list.push({ index, weight });
  }
  return normalized(list);
}

function normalized(list: readonly Tap[]): Tap[] {
  const total = list.reduce((sum, { weight }) => sum + weight, 0);
  return list.map(({ index, weight }) => ({ index, weight: weight / total }));
}

/** Keys' cubic convolution kernel. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}
