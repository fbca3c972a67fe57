import type { Parameters } from './stepper.js';

/** From this step on, the truncation error of second-order differences would show. */
const COARSE = 1e-3;

/** Gradient by central differences, element by element: of second order, or of fourth where `step` is coarse. */
export async function finiteDifferenceGradients(
  at: Parameters,
  value: (parameters: Parameters) => Promise<number>,
  step: number,
): Promise<Parameters> {
  const result = new Map<string, Float64Array>();
  for (const [name, values] of at) {
    const gradient = new Float64Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const moved = async (by: number): Promise<number> => {
        const other = values.slice();
        other[i] += by;
        return value(new Map([...at, [name, other]]));
      };
      const near = (await moved(step)) - (await moved(-step));
      if (step < COARSE) gradient[i] = near / (2 * step);
      else {
        const far = (await moved(2 * step)) - (await moved(-2 * step));
        gradient[i] = (8 * near - far) / (12 * step);
      }
    }
    result.set(name, gradient);
  }
  return result;
}
