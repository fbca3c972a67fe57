import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { defineRegularizer, type InputDescription, type Parameter } from '../regularizer.js';
import { differences, type Line, linesOfInputs, linesOfPositions, transposed } from './lines.js';

interface Options {
  readonly order: 1 | 2;
  readonly norm: 'l1' | 'l2';
  readonly along: 'inputs' | 'positions';
}

/**
 * One step of Loris and Verhoeven (2011) for a penalty lambda * sum |D w|, D the differences along the lines: with y what
 * the optimizer proposes and one dual number u a difference,
 *
 *     u <- clip(u + s D(y - h D'u), -lambda, lambda)
 *     w <- y - h D'u
 *
 * Its resting point is the optimum of loss plus penalty, where differences are 0 or their u is at a bound. With a step h a
 * weight (Adam) D' is scaled by it; s = 1 / (max(h) ||D D'||) keeps it contracting.
 */
function dualStep(
  b: GraphBuilder,
  {
    proposed,
    duals,
    lines,
    order,
    strength,
    step,
  }: {
    readonly proposed: Value;
    readonly duals: readonly Value[];
    readonly lines: readonly Line[];
    readonly order: number;
    readonly strength: Value;
    readonly step: Operand;
  },
): { weights: Value; duals: readonly Value[] } {
  const pull = (values: readonly Value[]): Value => {
    const sum = values.map((u, i) => transposed(b, u, lines[i], order, proposed.shape)).reduce(b.add);
    return b.sub(proposed, b.mul(sum, step));
  };
  const largest = typeof step === 'number' || step.shape.length === 0 ? step : b.reduceMax(step);
  // ||D D'|| of differences is below 4 each time they are taken.
  const pace = b.reciprocal(b.maximum(b.mul(largest, 4 ** order * lines.length), 1e-30));
  const before = pull(duals);
  const bound = b.neg(strength);
  const moved = duals.map((u, i) =>
    b.maximum(b.minimum(b.add(u, b.mul(differences(b, before, lines[i], order), pace)), strength), bound),
  );
  return { weights: pull(moved), duals: moved };
}

const linesOf = ({ along, order }: Options, parameter: Parameter, inputs: readonly InputDescription[]): Line[] =>
  (along === 'inputs' ? linesOfInputs : linesOfPositions)(parameter, inputs, order);

/** A stored weight as [rows, units], and back. */
const turned = (b: GraphBuilder, { role, unitAxis }: Parameter, value: Value): Value =>
  role === 'weight' && unitAxis === 0 ? b.transpose(value, [1, 0]) : value;

export const fusedLasso = defineRegularizer<Options>({
  type: 'fused-lasso',
  title: 'Fused lasso and trend penalty',
  technique: 'T4',
  summary:
    'Penalizes differences between weights of neighbouring inputs or positions, so that they become piecewise constant, piecewise linear or smooth.',
  strength: { unit: 'coefficient lambda', default: 0.01, range: [1e-4, 10], scale: 'log', limits: [0, 1e6] },
  options: z.strictObject({
    order: z
      .literal([1, 2])
      .default(1)
      .describe('1: differences, piecewise constant weights; 2: differences of differences, piecewise linear ones'),
    norm: z
      .enum(['l1', 'l2'])
      .default('l1')
      .describe('l1: differences become 0 (fused lasso, trend filtering); l2: they become small (smoothing)'),
    along: z
      .enum(['inputs', 'positions'])
      .default('inputs')
      .describe(
        "inputs: the first dense layer's weights along features, time or both directions of an image; positions: embeddings of positions along a sequence",
      ),
  }),
  wholeTensors: true,
  hooks: {
    state: ({ parameters, inputs }, options) =>
      options.norm === 'l2'
        ? []
        : parameters.flatMap((parameter) =>
            linesOf(options, parameter, inputs).map(({ label, before, length, after }) => {
              const units = parameter.shape[parameter.unitAxis ?? 1];
              const shape = [before, length - options.order, after * units];
              const size = shape.reduce((product, extent) => product * extent, 1);
              return { name: `u.${label}`, shape, initial: new Float32Array(size), writer: 'graph' as const };
            }),
          ),
    objective: ({ b, strength, inputs }, options, weights) => {
      if (options.norm === 'l1') return undefined;
      const sums = weights.flatMap(({ parameter, value }) =>
        linesOf(options, parameter, inputs).map((line) => {
          const difference = differences(b, turned(b, parameter, value), line, options.order);
          return b.reduceSum(b.mul(difference, difference));
        }),
      );
      return sums.length === 0 ? undefined : b.mul(sums.reduce(b.add), b.mul(strength, 0.5));
    },
    proximal: ({ b, strength, stepSize, inputs, own, next }, options, { parameter }, proposed) => {
      const lines = options.norm === 'l2' ? [] : linesOf(options, parameter, inputs);
      if (lines.length === 0) return proposed;
      const { weights, duals } = dualStep(b, {
        proposed: turned(b, parameter, proposed),
        duals: lines.map(({ label }) => own(`u.${label}`)),
        lines,
        order: options.order,
        strength,
        step: stepSize.shape.length === 0 ? stepSize : turned(b, parameter, stepSize),
      });
      lines.forEach(({ label }, i) => {
        next(`u.${label}`, duals[i]);
      });
      return turned(b, parameter, weights);
    },
  },
  proximalFor: ({ norm }) => norm !== 'l2',
  cost: {
    training: 'about twelve passes over the weights of the first layer a step, and one number a difference in memory',
    inference: 'none',
  },
  fails: [
    'Inputs without an order, or in the wrong one: neighbours are pulled together for nothing.',
    'Differences come to rest at 0 within rounding, not exactly: round them before counting segments.',
    'Features on different scales: a difference of weights means something only between standardised neighbours.',
  ],
  dataSize: 'Strongest where ordered inputs outnumber rows: spectra, series, pixels.',
  references: [
    'Tibshirani et al., Sparsity and Smoothness via the Fused Lasso, JRSS B 2005',
    'Kim, Koh, Boyd and Gorinevsky, l1 Trend Filtering, SIAM Review 2009 (order 2)',
    'Eilers and Marx, Flexible Smoothing with B-splines and Penalties, Statistical Science 1996 (norm l2)',
    'Loris and Verhoeven, On a Generalization of the Iterative Soft-Thresholding Algorithm, Inverse Problems 2011 (the step)',
  ],
});
