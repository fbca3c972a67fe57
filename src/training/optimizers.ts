import type { GraphBuilder, Value } from '../graph/builder.js';
import type { UpdateKernels } from './update/kernels.js';

/** Where a run stands when a scalar of the step is computed: both count from 1. */
export interface StepPosition {
  /** Steps including this one. */
  readonly step: number;
  readonly learningRate: number;
}

/**
 * An optimizer turns a gradient into a displacement: weights become `kept - displacement`, where `kept` is the old
 * weight after decoupled decay. Its slots are state of the weights' own shape; its scalars are computed on the host and
 * fed, so that no step recompiles.
 */
export interface Optimizer {
  readonly type: string;
  /** Names of the per-weight state tensors, all starting at zero. */
  readonly slots: readonly string[];
  /** Scalars of the graph beside the learning rate. */
  readonly scalars: Readonly<Record<string, (position: StepPosition) => number>>;
  step(b: GraphBuilder, inputs: OptimizerInputs): OptimizerStep;
  /** The same update by a kernel, in place and bit for bit: `kept` is the factor of the old weights. */
  update(kernels: UpdateKernels, weights: WeightsInPlace, position: StepPosition, kept: number): void;
}

/** Addresses of weights, of their slots in order and of their gradient. */
export interface WeightsInPlace {
  readonly parameter: number;
  readonly slots: readonly number[];
  readonly gradient: number;
  /** How many weights there are. */
  readonly length: number;
}

export interface OptimizerStep {
  readonly displacement: Value;
  readonly slots: readonly Value[];
  /**
   * What a unit of lasting gradient displaces a weight by: a scalar, or one a weight. A penalty whose step is taken after
   * the update has the optimum of the penalized loss only if it is scaled by this, as the gradient is.
   */
  readonly stepSize: () => Value;
}

export interface OptimizerInputs {
  readonly gradient: Value;
  readonly slots: readonly Value[];
  readonly learningRate: Value;
  readonly scalar: (name: string) => Value;
}

export interface SgdOptions {
  momentum: number;
  nesterov: boolean;
}

/** v = mu v + g; step = rate v, or rate (g + mu v) with Nesterov (PyTorch's torch.optim.SGD). */
export function sgd({ momentum, nesterov }: SgdOptions): Optimizer {
  if (momentum === 0) {
    return {
      type: 'sgd',
      slots: [],
      scalars: {},
      step: (b, { gradient, learningRate }) => ({
        displacement: b.mul(gradient, learningRate),
        slots: [],
        stepSize: () => learningRate,
      }),
      update: (kernels, { parameter, gradient, length }, { learningRate }, kept) =>
        kernels.descent(parameter, gradient, length, learningRate, kept),
    };
  }
  return {
    type: 'sgd',
    slots: ['momentum'],
    scalars: {},
    step(b, { gradient, slots: [velocity], learningRate }) {
      const next = b.add(b.mul(velocity, momentum), gradient);
      const direction = nesterov ? b.add(gradient, b.mul(next, momentum)) : next;
      return {
        displacement: b.mul(direction, learningRate),
        slots: [next],
        stepSize: () => b.mul(learningRate, 1 / (1 - momentum)),
      };
    },
    update(kernels, { parameter, slots: [velocity], gradient, length }, { learningRate }, kept) {
      const kernel = nesterov ? kernels.nesterov : kernels.momentum;
      kernel(parameter, velocity, gradient, length, momentum, learningRate, kept);
    },
  };
}

export interface AdamOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
}

/**
 * Adam (Kingma and Ba, 2015). The slots hold M = m / (1 - beta1) and V = v / (1 - beta2), which saves two passes over
 * the weights; bias corrections move into two scalars of the host:
 *
 *     step = c M / (sqrt(V) + e),   c = rate (1 - beta1) / (1 - beta1^t) * sqrt((1 - beta2^t) / (1 - beta2)),
 *                                   e = epsilon sqrt((1 - beta2^t) / (1 - beta2))
 *
 * which is rate * mHat / (sqrt(vHat) + epsilon). The step size of a weight is rate / (sqrt(vHat) + epsilon). AdamW is this optimizer with the `weight-decay` regularizer.
 */
export function adam(type: 'adam' | 'adamw', { beta1, beta2, epsilon }: AdamOptions): Optimizer {
  const correction = (step: number): number => Math.sqrt((1 - beta2 ** step) / (1 - beta2));
  const scalars = {
    adamRate: ({ step, learningRate }: StepPosition) =>
      ((learningRate * (1 - beta1)) / (1 - beta1 ** step)) * correction(step),
    adamEpsilon: ({ step }: StepPosition) => epsilon * correction(step),
    adamStepSize: ({ step, learningRate }: StepPosition) => learningRate * correction(step),
  };
  return {
    type,
    slots: ['firstMoment', 'secondMoment'],
    scalars,
    step(b, { gradient, slots: [m, v], scalar }) {
      const first = b.add(b.mul(m, beta1), gradient);
      const second = b.add(b.mul(v, beta2), b.mul(gradient, gradient));
      const root = b.add(b.sqrt(second), scalar('adamEpsilon'));
      return {
        displacement: b.div(b.mul(first, scalar('adamRate')), root),
        slots: [first, second],
        stepSize: () => b.div(scalar('adamStepSize'), root),
      };
    },
    update(kernels, { parameter, slots: [first, second], gradient, length }, position, kept) {
      const [rate, root] = [scalars.adamRate(position), scalars.adamEpsilon(position)];
      kernels.adam(parameter, first, second, gradient, length, beta1, beta2, rate, root, kept);
    },
  };
}
