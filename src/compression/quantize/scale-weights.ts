import { float32, type Tensor } from '../../graph/tensor.js';

/** Multiplies every value of a float32 initializer by a factor of its place. */
export function scaleWeights(initializers: Map<string, Tensor>, name: string, by: (index: number) => number): void {
  const tensor = initializers.get(name);
  if (tensor?.type !== 'float32') throw new Error(`"${name}" is no float32 initializer`);
  const { shape, data } = tensor;
  initializers.set(
    name,
    float32(
      shape,
      (data as Float32Array).map((value, i) => value * by(i)),
    ),
  );
}
