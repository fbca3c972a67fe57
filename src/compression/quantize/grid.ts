import { float32, type Tensor, tensor } from '../../graph/tensor.js';
import type { Range } from './ranges.js';

/** Scale and zero point of an activation of unsigned 8 bits: x = (q - zeroPoint) * scale. */
export interface ActivationGrid {
  readonly scale: number;
  readonly zeroPoint: number;
}

/**
 * @param symmetric the zero point in the middle, 128
 */
export function activationGrid({ low, high }: Range, symmetric: boolean): ActivationGrid {
  if (high === low) return { scale: 1, zeroPoint: symmetric ? 128 : 0 };
  if (symmetric) return { scale: Math.fround(Math.max(-low, high) / 127), zeroPoint: 128 };
  const scale = Math.fround((high - low) / 255);
  return { scale, zeroPoint: Math.min(255, Math.max(0, Math.round(-low / scale))) };
}

/** A weight of signed 8 bits, symmetric: w = q * scale, of the whole tensor or of each slice along an axis. */
export interface QuantizedWeight {
  readonly values: Tensor<Int8Array>;
  /** float32, [] or [channels]. */
  readonly scale: Tensor<Float32Array>;
  readonly axis: number | undefined;
}

export interface WeightOptions {
  /** Output channels lie along it; undefined = one scale for all. */
  readonly axis: number | undefined;
  /** 127; 63 where the processor's 8-bit products of 16 bits would overflow. */
  readonly largest: number;
}

/** Rounds a weight to the nearest. Channels of zeros get the scale 1. */
export function quantizeWeight(weight: Tensor, { axis, largest }: WeightOptions): QuantizedWeight {
  const data = weight.data as Float32Array;
  const { channels, at } = channelsOf(weight.shape, axis);
  const reach = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) reach[at(i)] = Math.max(reach[at(i)], Math.abs(data[i]));
  const scale = Float32Array.from(reach, (value) => (value === 0 ? 1 : value / largest));
  const values = Int8Array.from(data, (value, i) => clamp(roundHalfEven(value / scale[at(i)]), largest));
  return {
    values: tensor('int8', weight.shape, values),
    scale: float32(axis === undefined ? [] : [channels], scale),
    axis,
  };
}

/** The weight that the quantized one stands for. */
export function dequantized({ values, scale, axis }: QuantizedWeight): Tensor<Float32Array> {
  const { at } = channelsOf(values.shape, axis);
  return float32(
    values.shape,
    Float32Array.from(values.data, (value, i) => value * scale.data[at(i)]),
  );
}

/** Slices of a tensor along an axis: how many, and in which an element lies. */
function channelsOf(
  shape: readonly number[],
  axis: number | undefined,
): { channels: number; at: (index: number) => number } {
  if (axis === undefined) return { channels: 1, at: () => 0 };
  const channels = shape[axis];
  const inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  return { channels, at: (index) => Math.floor(index / inner) % channels };
}

/** As ONNX rounds: halves to even. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

const clamp = (value: number, largest: number): number => Math.min(largest, Math.max(-largest, value));
