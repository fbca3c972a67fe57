import { gzipSync } from 'node:zlib';
import type { Model } from '../../graph/model.js';
import { float32, type Tensor } from '../../graph/tensor.js';
import { constantsOf } from '../graph/uses.js';

/** Operators whose constant second input is a weight. */
const WEIGHTED = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Names of the weights of a model: constants of floats that products are made with. */
function weightsOf({ graph }: Model): string[] {
  const constants = constantsOf(graph);
  const names = graph.nodes
    .filter(({ opType }) => WEIGHTED.has(opType))
    .map(({ inputs }) => inputs[1])
    .filter((name) => constants.get(name)?.type === 'float32');
  return [...new Set(names)];
}

/** A model whose smallest weights, of all together, are 0: a share of them. */
export function zeroSmallest(model: Model, share: number): Model {
  const names = weightsOf(model);
  const magnitudes = new Float32Array(names.reduce((sum, name) => sum + tensorOf(model, name).data.length, 0));
  let at = 0;
  for (const name of names) for (const value of tensorOf(model, name).data) magnitudes[at++] = Math.abs(value);
  magnitudes.sort();
  const limit = magnitudes[Math.min(magnitudes.length - 1, Math.floor(share * magnitudes.length))] ?? 0;
  const zeroed = names.map((name): [string, Tensor] => {
    const { shape, data } = tensorOf(model, name);
    return [
      name,
      float32(
        shape,
        data.map((value) => (Math.abs(value) < limit ? 0 : value)),
      ),
    ];
  });
  const initializers = new Map<string, Tensor>([...model.graph.initializers, ...zeroed]);
  return { ...model, graph: { ...model.graph, initializers } };
}

/** Share of the weights that are 0. */
export function sparsityOf(model: Model): number {
  let zeros = 0;
  let total = 0;
  for (const name of weightsOf(model)) {
    const { data } = tensorOf(model, name);
    total += data.length;
    for (const value of data) if (value === 0) zeros++;
  }
  return total === 0 ? 0 : zeros / total;
}

/** Bytes of a file as gzip packs it: what zeros save. */
export function packedBytes(file: Uint8Array): number {
  return gzipSync(file, { level: 9 }).length;
}

function tensorOf({ graph }: Model, name: string): Tensor<Float32Array> {
  return graph.initializers.get(name) as Tensor<Float32Array>;
}
