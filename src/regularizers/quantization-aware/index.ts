import { z } from 'zod';
import type { Graph, Node } from '../../graph/model.js';
import { float32 } from '../../graph/tensor.js';
import { defineRegularizer } from '../regularizer.js';
import { activationGrid, fakeQuantize, largestActivation, movedRange, weightGrid } from './fake-quantize.js';

const options = z.strictObject({
  bits: z.int().min(2).max(16).default(8).describe('Bits of a stored number; fewer are stronger'),
  activations: z.boolean().default(true).describe('Quantize activations too, at the sites of the network'),
  perChannel: z.boolean().default(true).describe('A scale for each output unit of a weight, or one a tensor'),
  rangeRate: z
    .number()
    .positive()
    .max(1)
    .default(0.01)
    .describe('How fast the ranges of activations follow the batches'),
});

const rangeName = (site: string): string => `range.${site}`;

export const quantizationAware = defineRegularizer({
  type: 'quantization-aware',
  title: 'Quantization-aware training',
  technique: 'T15',
  summary: 'Trains with weights and activations rounded as few-bit storage rounds them, so that quantizing costs less.',
  strength: {
    unit: '8 / bits',
    default: 1,
    range: [1, 4],
    scale: 'log',
    limits: [0, 8],
    inverse: { option: 'bits', toStrength: (bits) => 8 / bits, toOption: (strength) => Math.round(8 / strength) },
  },
  options,
  hooks: {
    state: ({ sites }, { activations }) =>
      activations
        ? sites.map(({ name }) => ({
            name: rangeName(name),
            shape: [2],
            initial: new Float32Array(2),
            writer: 'graph' as const,
          }))
        : [],
    weight: ({ b, strength }, { bits, perChannel }, { parameter, value }) => {
      if (parameter.role !== 'weight') return value;
      const grid = weightGrid(b, value, perChannel ? parameter.unitAxis : undefined, bits);
      return b.where(b.greater(strength, 0), fakeQuantize(b, value, grid), value);
    },
    forward: ({ b, strength, phase, own, next }, { bits, activations, rangeRate }, site) => {
      if (!activations) return site.value;
      const name = rangeName(site.name);
      const range = phase === 'training' ? movedRange(b, site.value, own(name), rangeRate) : own(name);
      if (phase === 'training') next(name, range);
      const [low, high] = b.split(range, [1, 1], 0);
      return b.where(
        b.greater(strength, 0),
        fakeQuantize(b, site.value, activationGrid(b, low, high, bits)),
        site.value,
      );
    },
    finish: ({ own, strength }, { bits, activations }, graph) => {
      const ranges = [...own].filter(([name]) => name.startsWith(rangeName('')));
      if (!activations || strength === 0) return Promise.resolve(graph);
      return Promise.resolve(
        ranges.reduce(
          (current, [name, range]) => withQuantized(current, name.slice(rangeName('').length), range, bits),
          graph,
        ),
      );
    },
  },
  forwardAtInference: true,
  conflicts: (_self, { operators }) =>
    operators.includes('BatchNormalization')
      ? [
          {
            code: 'QUANTIZATION_BEFORE_BATCH_NORM',
            severity: 'warning',
            message:
              'quantization-aware rounds weights before batch normalization scales them, and a deployed model rounds their product',
            remedy: 'Use no normalization or layer normalization, or expect the gap to int8 to be larger than measured',
          },
        ]
      : [],
  cost: {
    training: 'about six passes over the weights and seven over each activation at a site a step',
    inference: 'six passes over each activation at a site, until a compiler turns them into int8 kernels',
  },
  fails: [
    'Networks with room to spare: eight bits cost nothing there with or without it.',
    'Batch normalization: folded into the weights later, it changes what was rounded.',
    'Large learning rates at the end: weights jump between two roundings.',
  ],
  dataSize: 'Acts like noise of half a rounding step; as needed with many rows as with few.',
  references: [
    'Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018',
    'PyTorch torch.ao.quantization (FakeQuantize and MovingAverageMinMaxObserver, whose rate of 0.01 is the default)',
    'ONNX QuantizeLinear and DequantizeLinear (rounding halves to even)',
  ],
});

/** The graph with the activation at a site rounded, by the same operators as in training. */
function withQuantized(graph: Graph, site: string, range: Float32Array, bits: number): Graph {
  const largest = largestActivation(bits);
  const { scale, zeroPoint } = gridOf(range, largest);
  const name = (part: string): string => `${site}/quantized/${part}`;
  const initializers = new Map(graph.initializers);
  for (const [part, value] of [
    ['scale', scale],
    ['zeroPoint', zeroPoint],
    ['low', 0],
    ['high', largest],
  ] as const) {
    initializers.set(name(part), float32([], [value]));
  }
  const node = (opType: string, part: string, inputs: readonly string[]): Node => ({
    name: name(part),
    opType,
    domain: '',
    inputs,
    outputs: [name(part)],
    attributes: {},
  });
  const added = [
    node('Div', 'steps', [site, name('scale')]),
    node('Round', 'rounded', [name('steps')]),
    node('Add', 'shifted', [name('rounded'), name('zeroPoint')]),
    node('Clip', 'stored', [name('shifted'), name('low'), name('high')]),
    node('Sub', 'centered', [name('stored'), name('zeroPoint')]),
    node('Mul', 'value', [name('centered'), name('scale')]),
  ];
  const nodes = graph.nodes.flatMap((current) => {
    const inputs = current.inputs.map((input) => (input === site ? name('value') : input));
    const changed = { ...current, inputs };
    return current.outputs.includes(site) ? [changed, ...added] : [changed];
  });
  return { ...graph, initializers, nodes };
}

/** {@link activationGrid} of a range, in single precision. */
function gridOf([low, high]: Float32Array, largest: number): { scale: number; zeroPoint: number } {
  const least = Math.min(low, 0);
  const scale = Math.max(Math.fround(Math.fround(Math.max(high, 0) - least) / largest), Math.fround(1e-12));
  const steps = Math.fround(least / scale);
  const below = Math.floor(steps);
  const rounded = steps - below === 0.5 ? below + Math.abs(below % 2) : Math.round(steps);
  return { scale, zeroPoint: Math.min(largest, Math.max(0, -rounded)) };
}
