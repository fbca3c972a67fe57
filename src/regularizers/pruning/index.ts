import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { sizeOf } from '../../graph/tensor.js';
import type { Finding } from '../finding.js';
import { penalizedRoles } from '../options.js';
import { defineRegularizer, type HostView, penalizes } from '../regularizer.js';
import { cubicSparsity, type Prunable, writeMasks } from './masks.js';

const options = z.strictObject({
  criterion: z
    .enum(['magnitude', 'movement'])
    .default('magnitude')
    .describe('magnitude: the smallest weights go; movement: those that training moves towards 0, by learned scores'),
  scope: z
    .enum(['global', 'layer'])
    .default('global')
    .describe('Whether the share is of all weights together or of each layer'),
  structure: z
    .enum(['weights', 'channels'])
    .default('weights')
    .describe('Single weights, or whole output units (neurons, channels) but those of the last layer'),
  start: z.number().min(0).max(1).default(0.1).describe('Share of the epochs before pruning starts'),
  end: z.number().min(0).max(1).default(0.7).describe('Share of the epochs at which the final sparsity is reached'),
  every: z.int().min(1).default(10).describe('Steps between two choices of what is pruned'),
  include: penalizedRoles,
});

type Options = z.infer<typeof options>;

/** Layers that lose more than this are told of. */
const NEARLY_ALL = 0.99;

/**
 * w * mask. With scores, their gradient is that of the masked weight times the weight, as if they were the mask (straight
 * through, Sanh et al.).
 */
export function maskedWeight(b: GraphBuilder, w: Value, mask: Value, scores?: Value): Value {
  const masked = (): Value => b.mul(w, mask);
  if (scores === undefined) return masked();
  return b.composite(
    'masked weight',
    [w, scores],
    () => [masked()],
    ([g]) => (g === undefined ? [undefined, undefined] : [b.mul(g, mask), b.mul(g, w)]),
  )[0];
}

const maskName = (name: string): string => `mask.${name}`;
const scoreName = (name: string): string => `scores.${name}`;

/** Chooses anew what is pruned; of whole units, those of the last layer are the answers themselves and stay. */
function choose(host: HostView, given: Options): void {
  const { totalEpochs, epochs, strength, own } = host;
  const { start, end } = given;
  const sparsity = cubicSparsity(epochs, { start: start * totalEpochs, end: end * totalEpochs, final: strength });
  const tensors = prunable(host, given);
  const worthOf = (name: string, data: Float32Array): Float32Array =>
    given.criterion === 'movement' ? own.get(scoreName(name))! : data.map(Math.abs);
  writeMasks(
    tensors.map(
      ({ name, shape, unitAxis, data, mask }): Prunable => ({ shape, unitAxis, worth: worthOf(name, data), mask }),
    ),
    sparsity,
    given,
  );
}

/** Weights that have a mask, in the order of the layers. */
function masked({ parameters, own }: HostView) {
  return [...parameters].flatMap(([name, parameter]) => {
    const mask = own.get(maskName(name));
    return mask === undefined ? [] : [{ name, mask, ...parameter }];
  });
}

/** Those that may lose something: of whole units, all that have units but the last layer. */
function prunable(host: HostView, { structure }: Pick<Options, 'structure'>) {
  const all = masked(host);
  return structure === 'weights' ? all : all.filter(({ unitAxis }) => unitAxis !== undefined).slice(0, -1);
}

/** Units of a tensor, and how many of them are zero as a whole. */
function zeroUnits({ shape, unitAxis = 0, mask }: Pick<Prunable, 'shape' | 'unitAxis' | 'mask'>) {
  const units = shape[unitAxis];
  const inner = sizeOf(shape.slice(unitAxis + 1));
  const alive = new Set<number>();
  mask.forEach((kept, i) => {
    if (kept !== 0) alive.add(Math.floor(i / inner) % units);
  });
  return { units, zeros: units - alive.size };
}

function sparsityOf(mask: Float32Array): number {
  return 1 - mask.reduce((sum, value) => sum + value, 0) / mask.length;
}

/** What is counted, how much of it is zero, and what to do about it. */
function countOf(host: HostView, { structure }: Options) {
  if (structure === 'channels') {
    const layers = prunable(host, { structure }).map(zeroUnits);
    return {
      total: layers.reduce((sum, { units }) => sum + units, 0),
      zeros: layers.reduce((sum, { zeros }) => sum + zeros, 0),
      what: 'units before the last layer',
      whyShort:
        'One unit of each layer stays, and weights of an earlier epoch are less sparse: remove early-stopping, or lower end',
      whatNext: 'Zero units save time once they are cut out of the graph: the runtime computes with them until then',
    };
  }
  const layers = masked(host);
  return {
    total: layers.reduce((sum, { mask }) => sum + mask.length, 0),
    zeros: layers.reduce((sum, { mask }) => sum + sparsityOf(mask) * mask.length, 0),
    what: 'weights',
    whyShort: 'Weights of an earlier epoch are less sparse: remove early-stopping, or lower end',
    whatNext: 'Zeros save time only where the runtime can use them: prefer structure: channels for that',
  };
}

/** What came of it: how much is zero, and layers of which next to nothing is left. */
function findings(host: HostView, given: Options): Finding[] {
  const { total, zeros, what, whyShort, whatNext } = countOf(host, given);
  const reached = zeros / Math.max(1, total);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  // Of few units the nearest whole number may be further off than two in a hundred.
  const short = reached < host.strength - Math.max(0.02, 0.5 / Math.max(1, total));
  const gone = masked(host).filter(({ mask }) => sparsityOf(mask) > NEARLY_ALL);
  return [
    {
      code: short ? 'PRUNING_UNFINISHED' : 'PRUNED',
      severity: short ? 'warning' : 'info',
      message: `pruning: ${percent(reached)} of ${total} ${what} are zero, and ${percent(host.strength)} were wanted`,
      remedy: short ? whyShort : whatNext,
    },
    ...gone.map(
      ({ name, mask }): Finding => ({
        code: 'PRUNING_LAYER_COLLAPSE',
        severity: 'warning',
        message: `pruning: ${percent(sparsityOf(mask))} of ${name} is zero`,
        remedy: 'Lower the strength, or prune each layer by the same share (scope: layer)',
      }),
    ),
  ];
}

export const pruning = defineRegularizer({
  type: 'pruning',
  title: 'Pruning while training',
  technique: 'T14',
  summary:
    'Masks a growing share of the weights, or of whole units, while the rest trains on: what is exported is exactly zero there.',
  strength: { unit: 'final sparsity', default: 0.8, range: [0.2, 0.98], scale: 'linear', limits: [0, 1], open: true },
  options,
  hooks: {
    state: ({ parameters }, { include }) =>
      parameters
        .filter((parameter) => penalizes(parameter, include))
        .map(({ name, shape }) => ({
          name: maskName(name),
          shape,
          initial: new Float32Array(sizeOf(shape)).fill(1),
          writer: 'host' as const,
        })),
    parameters: ({ parameters }, { include, criterion }) =>
      criterion === 'magnitude'
        ? []
        : parameters
            .filter((parameter) => penalizes(parameter, include))
            .map(({ name, shape }) => ({ name: scoreName(name), shape, initial: new Float32Array(sizeOf(shape)) })),
    weight: ({ b, own, phase }, { include, criterion }, { parameter, value }) => {
      if (!penalizes(parameter, include)) return value;
      const { name } = parameter;
      const trains = criterion === 'movement' && phase === 'training';
      return maskedWeight(b, value, own(maskName(name)), trains ? own(scoreName(name)) : undefined);
    },
    afterStep: (host, given) => {
      if (host.step % given.every === 0) choose(host, given);
    },
    afterEachEpoch: choose,
    findings,
  },
  conflicts: ({ options: { start, end } }) =>
    start > end
      ? [
          {
            code: 'PRUNING_SCHEDULE',
            severity: 'error',
            message: `pruning starts at ${start} of the epochs and ends before, at ${end}`,
            remedy: 'Set start below end',
          },
        ]
      : [],
  cost: {
    training:
      'one pass over the weights a step, two more and a selection among them every `every` steps; movement: one more gradient',
    inference: 'none; zeros save bytes when packed, and time where whole units go',
  },
  fails: [
    'No training after the last weights went (end near 1): quality is lost that epochs would bring back (X3).',
    'Small networks: there is little to spare.',
    'Single zeros do not make the runtime faster (X22): prune channels for that.',
    'Movement on a network trained from random weights: its scores suit fine-tuning.',
    'Rare classes lose first: look at the figures by class (X13).',
  ],
  dataSize:
    'Acts as a capacity limit: helps a little with few rows, and costs little where the network is larger than the data need.',
  references: [
    'Zhu and Gupta, To Prune, or Not to Prune, 2018 (cubic schedule; masks chosen anew from all weights)',
    'Sanh, Wolf and Rush, Movement Pruning, NeurIPS 2020 (and huggingface/block_movement_pruning)',
    'Li et al., Pruning Filters for Efficient ConvNets, ICLR 2017 (units by the sum of absolute weights)',
    'PyTorch torch.nn.utils.prune',
  ],
});
