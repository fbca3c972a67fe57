import { z } from 'zod';
import { frontEndOptions } from './log-mel.js';

const activation = z.enum(['relu', 'gelu', 'tanh', 'elu', 'leaky-relu', 'softplus', 'hard-swish']).default('relu');
const normalization = z
  .enum(['none', 'batch', 'layer', 'group'])
  .default('none')
  .describe('Between the linear map and its activation; kept in the baseline');
const width = z.int().min(1).max(65_536);

const convolution = z.strictObject({
  conv: width.describe('Output channels'),
  kernel: z.int().min(1).max(31).default(3),
  stride: z.int().min(1).max(8).default(1),
  groups: z.int().min(1).default(1).describe('Groups of channels; as many as channels is depthwise'),
  normalization,
  activation,
});

const frontEnd = frontEndOptions
  .optional()
  .describe('Fixed transform of waveforms before the first layer; part of the exported model, which takes waveforms');

const layer = z.union([
  convolution,
  z.strictObject({
    residual: width.describe('Output channels of a block of two convolutions with a shortcut'),
    stride: z.int().min(1).max(8).default(1),
    normalization: normalization.default('batch'),
    activation,
  }),
  z.strictObject({
    separable: width.describe('Output channels of a depthwise 3x3 followed by a 1x1 convolution'),
    stride: z.int().min(1).max(8).default(1),
    normalization,
    activation,
  }),
  z.strictObject({
    pool: z.int().min(2).max(8).describe('Side of the pooling window'),
    kind: z.enum(['max', 'average']).default('max'),
  }),
  z.strictObject({ globalPool: z.enum(['average', 'max']) }),
  z.strictObject({ dense: width, normalization: z.enum(['none', 'batch', 'layer']).default('none'), activation }),
]);

/** The spec's `model` section. */
export const modelOptions = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('linear').describe('One linear map (regression)'), frontEnd }),
  z.strictObject({ type: z.literal('logistic').describe('One linear map to class scores'), frontEnd }),
  z.strictObject({
    type: z.literal('mlp').describe('Dense layers'),
    frontEnd,
    hidden: z.array(width).min(1).max(64).default([64, 64]),
    activation,
    normalization: z
      .enum(['none', 'batch', 'layer'])
      .default('none')
      .describe('Between the linear map and its activation'),
  }),
  z.strictObject({
    type: z.literal('cnn').describe('Convolutional network from declared layers'),
    frontEnd,
    layers: z
      .array(layer)
      .min(1)
      .max(256)
      .default([
        { conv: 32, kernel: 3, stride: 1, groups: 1, normalization: 'none', activation: 'relu' },
        { pool: 2, kind: 'max' },
        { conv: 64, kernel: 3, stride: 1, groups: 1, normalization: 'none', activation: 'relu' },
        { pool: 2, kind: 'max' },
        { dense: 128, normalization: 'none', activation: 'relu' },
      ]),
  }),
  z.strictObject({
    type: z.literal('transformer').describe('Encoder over tokens or a series, pre-normalized'),
    frontEnd,
    dimension: width.default(64),
    heads: z.int().min(1).max(64).default(4),
    layers: z.int().min(1).max(48).default(2),
    feedForward: width.optional().describe('Width of the inner layer; four times the dimension unless given'),
    activation: activation.default('gelu'),
  }),
  z.strictObject({
    type: z.literal('onnx').describe('Any ONNX network as a starting point'),
    path: z.string().min(1),
    output: z.string().optional().describe('Output to train on; the first unless given'),
    head: z
      .enum(['keep', 'new'])
      .default('keep')
      .describe(
        "new: the last weighted layer is drawn anew, with one output a class of the data, whatever the model's own",
      ),
    freeze: z.array(z.string()).default([]).describe('Prefixes of parameters that stay as they are'),
  }),
]);

export type ModelOptions = z.infer<typeof modelOptions>;
export type NativeModelOptions = Exclude<ModelOptions, { type: 'onnx' }>;
export type CnnLayer = z.infer<typeof layer>;
export type Activation = z.infer<typeof activation>;
