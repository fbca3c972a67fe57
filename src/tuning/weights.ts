import { createHash } from 'node:crypto';
import type { Graph } from '../graph/model.js';
import { readArchitecture } from '../training/architecture.js';
import type { WeightSummary } from './run-result.js';

const BINS = 41;
/** Parameters listed one by one; a deep network's report names the largest. */
const LISTED = 12;

/** Norm, sparsity and histogram of all weights together, then of the largest parameters. */
export function summarizeWeights(graph: Graph): WeightSummary[] {
  const weights = readArchitecture(graph).parameters.filter(({ role }) => role === 'weight' || role === 'embedding');
  const data = (name: string): Float32Array => graph.initializers.get(name)?.data as Float32Array;
  const largest = [...weights].sort((a, b) => data(b.name).length - data(a.name).length).slice(0, LISTED);
  return [
    summarize(
      'all weights',
      weights.map(({ name }) => data(name)),
    ),
    ...weights.filter((parameter) => largest.includes(parameter)).map(({ name }) => summarize(name, [data(name)])),
  ];
}

function summarize(name: string, arrays: readonly Float32Array[]): WeightSummary {
  let count = 0;
  let zeros = 0;
  let squares = 0;
  let largest = 0;
  for (const array of arrays) {
    count += array.length;
    for (const value of array) {
      if (value === 0) zeros++;
      squares += value * value;
      largest = Math.max(largest, Math.abs(value));
    }
  }
  const width = (2 * largest) / BINS;
  const counts = new Array<number>(BINS).fill(0);
  if (width > 0) {
    for (const array of arrays) {
      for (const value of array) counts[Math.min(BINS - 1, Math.floor((value + largest) / width))]++;
    }
  }
  return {
    name,
    count,
    sparsity: count === 0 ? 0 : zeros / count,
    norm: Math.sqrt(squares),
    ...(width > 0
      ? { histogram: { edges: Array.from({ length: BINS + 1 }, (_, i) => i * width - largest), counts } }
      : {}),
  };
}

/** SHA-256 over all trained values (parameters and running statistics), in graph order. */
export function parameterHash(graph: Graph): string {
  const { parameters, buffers } = readArchitecture(graph);
  const hash = createHash('sha256');
  for (const { name } of [...parameters, ...buffers]) {
    const data = graph.initializers.get(name)?.data as Float32Array;
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
