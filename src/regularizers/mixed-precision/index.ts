import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import type { Finding } from '../finding.js';
import { defineRegularizer, type HostView } from '../regularizer.js';

const options = z.strictObject({
  format: z
    .enum(['bf16', 'fp16'])
    .default('bf16')
    .describe('bf16: 8 bits of precision over the range of float32; fp16: 11 bits, from 6e-8 to 65504'),
  lossScale: z
    .enum(['dynamic', 'none'])
    .default('dynamic')
    .describe(
      'fp16: gradients are scaled up before they are rounded; halved where they overflow, doubled in good times',
    ),
  initialScale: z.number().positive().default(65_536).describe('Loss scale to start with'),
  growthSteps: z.int().min(1).default(2000).describe('Steps without overflow after which the scale is doubled'),
});

type Options = z.infer<typeof options>;

const TYPE = { bf16: 'bfloat16', fp16: 'float16' } as const;

/** Own state: what is scaled by, and what was seen. */
const STATE = {
  scale: 1,
  calm: 0,
  overflows: 0,
  lost: 0,
  drift: 0,
} as const;

/** How fast the moving averages of what was seen follow the steps. */
const RATE = 0.05;
/** Told of beyond these. */
const MUCH_LOST = 0.01;
const MUCH_DRIFT = 0.02;

/** The nearest number of the format, as float32; beyond its range infinite, below it 0. Halves to even. */
export function rounded(b: GraphBuilder, x: Value, format: Options['format']): Value {
  return b.cast(b.cast(x, TYPE[format]), x.type);
}

/**
 * x in the format; its gradient, scaled up, is rounded likewise and scaled down again, as the backward pass of a mixed-
 * precision step would have it.
 */
export function inFormat(b: GraphBuilder, x: Value, format: Options['format'], scale: Operand): Value {
  return b.composite(
    `in ${format}`,
    [x],
    () => [rounded(b, x, format)],
    ([g]) => [g === undefined ? undefined : b.div(rounded(b, b.mul(g, scale), format), scale)],
  )[0];
}

function scales({ format, lossScale }: Options): boolean {
  return format === 'fp16' && lossScale === 'dynamic';
}

function findings({ own, step }: HostView, given: Options): Finding[] {
  const value = (name: keyof typeof STATE): number => own.get(name)![0];
  const found: Finding[] = [];
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const overflows = value('overflows');
  const { format } = given;
  if (overflows > Math.max(1, step / 100)) {
    found.push({
      code: 'MIXED_PRECISION_OVERFLOW',
      severity: 'warning',
      message: `${format}: gradients overflowed in ${overflows} of ${step} steps, which were skipped`,
      remedy: scales(given)
        ? 'Lower initialScale or the learning rate, clip gradients, or train in bf16'
        : 'Clip gradients, lower the learning rate, or train in bf16',
    });
  }
  if (value('lost') > MUCH_LOST) {
    found.push({
      code: 'MIXED_PRECISION_UNDERFLOW',
      severity: 'warning',
      message: `${format}: ${percent(value('lost'))} of the gradients that are not zero came out as zero`,
      remedy: scales(given) ? 'Raise initialScale, or train in bf16' : 'Set lossScale: dynamic, or train in bf16',
    });
  }
  if (value('drift') > MUCH_DRIFT) {
    found.push({
      code: 'MIXED_PRECISION_DRIFT',
      severity: 'warning',
      message: `${format}: answers differ from those in float32 by ${percent(value('drift'))} of their size`,
      remedy: 'Keep the layers around normalization and the last one in float32, or deploy in the other format (X24)',
    });
  }
  if (found.length > 0) return found;
  return [
    {
      code: 'MIXED_PRECISION_FIT',
      severity: 'info',
      message: `${format}: ${overflows} steps of ${step} overflowed, ${percent(value('lost'))} of the gradients were lost, answers drift by ${percent(value('drift'))}`,
      remedy: `Training and serving in ${format} should do`,
    },
  ];
}

export const mixedPrecision = defineRegularizer({
  type: 'mixed-precision',
  title: 'Mixed precision, emulated',
  technique: 'T29',
  summary:
    'Rounds weights, activations and gradients to bf16 or fp16 while training, and tells of overflow, lost gradients and drift.',
  strength: { unit: 'on or off', default: 1, range: [1, 1], scale: 'linear', limits: [0, 1], switch: true },
  options,
  hooks: {
    state: (_context, given) =>
      Object.entries(STATE).map(([name, initial]) => ({
        name,
        shape: [],
        initial: Float32Array.of(name === 'scale' && scales(given) ? given.initialScale : initial),
        writer: 'graph' as const,
      })),
    // Its gradient is rounded once, where it is stored: rounded here already, what is lost could not be told there.
    weight: ({ b }, { format }, { value }) =>
      b.composite(
        `weight in ${format}`,
        [value],
        () => [rounded(b, value, format)],
        ([g]) => [g],
      )[0],
    forward: ({ b, own }, { format }, site) => inFormat(b, site.value, format, own('scale')),
    objective: ({ b, own, next, network }, _options, weights, view) => {
      // What the answers would be in float32, by the master weights: how far the format is from it.
      b.detached(() => {
        const exact = network(view.batch.inputs, {
          parameters: new Map(weights.map(({ parameter, value }) => [parameter.name, value])),
        }).logits;
        const off = b.reduceMean(b.abs(b.sub(view.logits, exact)));
        const drift = b.div(off, b.maximum(b.reduceMean(b.abs(exact)), 1e-6));
        next('drift', b.add(own('drift'), b.mul(b.sub(b.minimum(drift, 1), own('drift')), RATE)));
      });
      return undefined;
    },
    gradients: ({ b, own, next }, given, gradients) => {
      const sums = gradients.map(({ gradient }) => b.reduceSum(b.mul(gradient, 0)));
      // 0 * x is 0, but for infinite x and NaN.
      const sound = b.cast(b.equal(sums.reduce(b.add), 0), 'float32');
      const scale = own('scale');
      const zero = (value: Value): Value => b.reduceSum(b.cast(b.equal(value, 0), 'float32'));
      const inRange = gradients.map(({ gradient }) => b.where(b.greater(sound, 0), gradient, 0));
      const stored = inRange.map((gradient) => rounded(b, b.mul(gradient, scale), given.format));
      const total = gradients.reduce(
        (sum, { gradient }) => sum + gradient.shape.reduce((n, extent) => n * extent, 1),
        0,
      );
      const before = inRange.map(zero).reduce(b.add);
      const after = stored.map(zero).reduce(b.add);
      const lost = b.div(b.sub(after, before), b.maximum(b.sub(total, before), 1));
      next('lost', b.add(own('lost'), b.mul(b.sub(lost, own('lost')), RATE)));
      next('overflows', b.add(own('overflows'), b.sub(1, sound)));
      if (scales(given)) {
        const calm = b.mul(b.add(own('calm'), 1), sound);
        const grows = b.cast(b.greaterOrEqual(calm, given.growthSteps), 'float32');
        // Halved at an overflow, doubled after enough calm steps: 0.5 + 0.5 s + s g, s and g being 0 or 1.
        next('scale', b.mul(scale, b.add(b.add(b.mul(sound, 0.5), 0.5), grows)));
        next('calm', b.mul(calm, b.sub(1, grows)));
      }
      return stored.map((gradient) => b.div(gradient, scale));
    },
    findings,
  },
  cost: {
    training:
      'two casts of every weight, activation and gradient a step, and a forward pass in float32 to compare with: emulation is slower than what it emulates',
    inference: 'none; weights lie on the numbers of the format',
  },
  fails: [
    'It saves no time here: the processor computes in float32, and this tells what another device would do.',
    'fp16 without loss scaling: small gradients are lost.',
    'Values inside normalizations and sums stay in float32, as they do on accelerators.',
  ],
  dataSize: 'No effect by itself: rounding of 2^-9 (bf16) is far below the noise of a batch.',
  references: [
    'Micikevicius et al., Mixed Precision Training, ICLR 2018',
    'Kalamkar et al., A Study of BFLOAT16 for Deep Learning Training, 2019',
    'PyTorch torch.amp.GradScaler (its initial scale, growth and backoff are the defaults)',
  ],
});
