import type { Graph } from '../../graph/model.js';
import type { Tensor } from '../../graph/tensor.js';

/** Operators with weights of their own, of which the last makes the answer. */
const WEIGHTED = new Set(['Gemm', 'MatMul', 'FusedMatMul']);

/** The value that the last weighted layer before the first output takes; undefined where there is none. */
export function penultimate(graph: Graph): string | undefined {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const [output] = graph.outputs;
  const seen = new Set<string>();
  // Nearest first.
  const queue = output === undefined ? [] : [output.name];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const node = makers.get(name);
    if (node === undefined || seen.has(name)) continue;
    seen.add(name);
    const made = node.inputs.find((input) => makers.has(input) && !graph.initializers.has(input));
    if (WEIGHTED.has(node.opType) && node.inputs.some((input) => graph.initializers.has(input)) && made !== undefined) {
      return made;
    }
    queue.push(...node.inputs);
  }
  return undefined;
}

/** Values a row of a layer: of feature maps [rows, channels, height, width] its channels, of sequences [rows, steps, width] its width. */
export const layerWidth = ([, ...inner]: readonly number[]): number => (inner.length === 2 ? inner[1] : inner[0]) ?? 1;

/**
 * The values of each row, a column each: of feature maps each channel's mean, of sequences the mean over the steps.
 *
 * @param value float32, [rows, ...]
 * @param most columns at most: the first ones
 */
export function layerValues({ shape, data }: Tensor, most = Number.POSITIVE_INFINITY): Float32Array[] {
  const [rows, ...inner] = shape;
  const isMap = inner.length > 2;
  const width = layerWidth(shape);
  const each = inner.reduce((product, extent) => product * extent, 1);
  // Over which the mean is taken: height and width, or steps.
  const repeats = each / width;
  const values = data as Float32Array;
  return Array.from({ length: Math.min(width, most) }, (_, feature) => {
    const column = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let i = 0; i < repeats; i++) {
        sum += values[row * each + (isMap ? feature * repeats + i : i * width + feature)] ?? Number.NaN;
      }
      column[row] = sum / repeats;
    }
    return column;
  });
}
