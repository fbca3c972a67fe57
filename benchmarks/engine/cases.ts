import type { DataType } from '../../src/graph/tensor.js';
import type { InputDescription } from '../../src/regularizers/regularizer.js';

/** A training step as both sides are told to build it: the spec's own words. */
export interface EngineCase {
  readonly name: string;
  /** The spec's `model` section. */
  readonly model: Readonly<Record<string, unknown>>;
  readonly input: InputDescription & { readonly type: DataType; readonly vocabulary?: number };
  /** Classes. */
  readonly outputs: number;
  readonly batchSize: number;
  readonly dropout: number;
  readonly optimizer: 'adamw' | 'sgd';
  /** Largest share of the peer's time, one thread. */
  readonly target?: number;
}

const pixels = (shape: readonly number[]): EngineCase['input'] => ({
  name: 'x',
  type: 'float32',
  shape,
  content: 'image',
});

const numbers = (width: number): EngineCase['input'] => ({
  name: 'x',
  type: 'float32',
  shape: [width],
  content: 'tabular',
});

export const CASES: readonly EngineCase[] = [
  {
    name: 'MLP 784-512-512-10, batch 128, dropout, AdamW',
    model: { type: 'mlp', hidden: [512, 512] },
    input: numbers(784),
    outputs: 10,
    batchSize: 128,
    dropout: 0.2,
    optimizer: 'adamw',
    target: 0.75,
  },
  {
    name: 'tabular 30-32-2, batch 32, AdamW',
    model: { type: 'mlp', hidden: [32] },
    input: numbers(30),
    outputs: 2,
    batchSize: 32,
    dropout: 0,
    optimizer: 'adamw',
    target: 0.25,
  },
  {
    name: 'transformer block d128, 4 heads, 64 tokens, batch 16, AdamW',
    model: { type: 'transformer', dimension: 128, heads: 4, layers: 1, feedForward: 512 },
    input: { name: 'x', type: 'int64', shape: [64], content: 'tokens', vocabulary: 100 },
    outputs: 100,
    batchSize: 16,
    dropout: 0,
    optimizer: 'adamw',
    target: 0.6,
  },
  {
    name: 'CNN 32-64 on 28x28, batch 64, SGD momentum',
    model: { type: 'cnn', layers: [{ conv: 32 }, { pool: 2 }, { conv: 64 }, { pool: 2 }, { dense: 128 }] },
    input: pixels([1, 28, 28]),
    outputs: 10,
    batchSize: 64,
    dropout: 0,
    optimizer: 'sgd',
    target: 0.85,
  },
  {
    name: 'CNN 64-128 on 3x32x32, batch 64, SGD momentum',
    model: { type: 'cnn', layers: [{ conv: 64 }, { pool: 2 }, { conv: 128 }, { pool: 2 }, { dense: 128 }] },
    input: pixels([3, 32, 32]),
    outputs: 10,
    batchSize: 64,
    dropout: 0,
    optimizer: 'sgd',
    target: 0.7,
  },
  {
    name: 'depthwise-separable 64-128 at 16x16, batch 64, SGD momentum',
    model: { type: 'cnn', layers: [{ conv: 64, stride: 2 }, { separable: 128 }, { globalPool: 'average' }] },
    input: pixels([3, 32, 32]),
    outputs: 10,
    batchSize: 64,
    dropout: 0,
    optimizer: 'sgd',
    target: 1.3,
  },
  {
    name: 'residual 64-128, stride 2, batch norm, on 3x32x32, batch 64, SGD momentum',
    model: {
      type: 'cnn',
      layers: [{ conv: 64, stride: 2 }, { residual: 64 }, { residual: 128, stride: 2 }, { globalPool: 'average' }],
    },
    input: pixels([3, 32, 32]),
    outputs: 10,
    batchSize: 64,
    dropout: 0,
    optimizer: 'sgd',
  },
];
