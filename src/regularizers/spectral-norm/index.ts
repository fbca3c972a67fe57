import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { sizeOf } from '../../graph/tensor.js';
import { derive, type Random } from '../../numeric/random.js';
import { asMatrix, isStructured } from '../matrix.js';
import { reciprocalOf } from '../options.js';
import { defineRegularizer, type Parameter } from '../regularizer.js';
import { undoneByNormalization } from '../rescaled.js';

/**
 * The largest singular value of m [rows, columns] by power iteration from u [rows]: v = m'u / ||m'u||, u = mv / ||mv||,
 * sigma = u'mv. u and v are held fast, so that its gradient is u v'.
 */
export function spectralNormOf(b: GraphBuilder, m: Value, u: Value, iterations = 1): { sigma: Value; u: Value } {
  const [rows, columns] = m.shape;
  const unit = (x: Value): Value => b.div(x, b.maximum(b.sqrt(b.reduceSum(b.mul(x, x))), 1e-12));
  const vectors = b.detached(() => {
    let left = b.reshape(u, [1, rows]);
    let right = left;
    for (let i = 0; i < iterations; i++) {
      right = b.reshape(unit(b.matMul(left, m)), [columns, 1]);
      left = b.reshape(unit(b.matMul(m, right)), [1, rows]);
    }
    return { left, right };
  });
  const sigma = b.reduceSum(b.matMul(vectors.left, b.matMul(m, vectors.right)));
  return { sigma, u: b.detached(() => b.reshape(vectors.left, [rows])) };
}

/** Iterations before the first step, as in PyTorch's parametrization. */
const WARM_UP = 15;

/** About the first left singular vector [units] of a stored weight: where the iteration of the first step starts. */
function leadingVector(data: Float32Array, { shape, unitAxis = 0 }: Parameter, stream: Random): Float32Array {
  const units = shape[unitAxis];
  // An element's unit is (i / inner) mod units, and its column whatever is left of i.
  const inner = sizeOf(shape.slice(unitAxis + 1));
  const columns = data.length / units;
  let u = unitLength(Float64Array.from({ length: units }, () => stream.normal()));
  for (let round = 0; round < WARM_UP; round++) {
    const v = new Float64Array(columns);
    const next = new Float64Array(units);
    const visit = (each: (i: number, unit: number, column: number) => void): void => {
      for (let i = 0; i < data.length; i++) {
        const unit = Math.floor(i / inner) % units;
        each(i, unit, Math.floor(i / (inner * units)) * inner + (i % inner));
      }
    };
    visit((i, unit, column) => {
      v[column] += data[i] * u[unit];
    });
    visit((i, unit, column) => {
      next[unit] += data[i] * v[column];
    });
    u = unitLength(next);
  }
  return Float32Array.from(u);
}

function unitLength(vector: Float64Array): Float64Array {
  const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return norm > 0 ? vector.map((value) => value / norm) : vector.fill(1 / Math.sqrt(vector.length));
}

const label = ({ name }: Parameter): string => `u.${name}`;

export const spectralNorm = defineRegularizer({
  type: 'spectral-norm',
  title: 'Spectral normalization',
  technique: 'T4',
  summary:
    'Divides each weight matrix by its largest singular value where that exceeds a bound, so that no layer stretches its input by more.',
  strength: {
    unit: '1 / bound',
    default: 1,
    range: [0.1, 1],
    scale: 'log',
    limits: [0, 1e6],
    inverse: reciprocalOf('bound'),
  },
  options: z.strictObject({
    bound: z.number().gt(0).default(1).describe('Largest singular value that a layer may have; smaller is stronger'),
  }),
  hooks: {
    state: ({ parameters, initial }) =>
      parameters.filter(isStructured).map((parameter) => ({
        name: label(parameter),
        shape: [parameter.shape[parameter.unitAxis ?? 0]],
        initial: leadingVector(initial.get(parameter.name)!.data, parameter, derive('spectral-norm', parameter.name)),
        writer: 'graph' as const,
      })),
    weight: ({ b, strength, own, next, phase }, _options, { parameter, value }) => {
      if (!isStructured(parameter)) return value;
      // One iteration a step follows slow weights; what is exported keeps the bound.
      const iterations = phase === 'training' ? 1 : WARM_UP;
      const { sigma, u } = spectralNormOf(b, asMatrix(b, value, parameter), own(label(parameter)), iterations);
      if (phase === 'training') next(label(parameter), u);
      return b.mul(value, b.reciprocal(b.maximum(b.mul(sigma, strength), 1)));
    },
  },
  conflicts: (_self, { operators }) => undoneByNormalization('spectral-norm', operators),
  cost: {
    training: 'two products of each weight matrix with a vector a step, and one pass over the weights',
    inference: 'none: the bounded weights are stored',
  },
  fails: [
    'A bound of 1 on every layer with ReLU shrinks signals: deep networks underfit; raise the bound or use normalization.',
    'Convolutions are bounded as matrices [channels, inputs], not as operators on feature maps: their true norm may be larger.',
    'Before a normalization the scale of weights has no effect.',
  ],
  dataSize: 'Bounds how much an input can move the output at any size; buys robustness more than accuracy.',
  references: [
    'Miyato et al., Spectral Normalization for Generative Adversarial Networks, ICLR 2018 (one power iteration a step, kept between steps)',
    'Gouk et al., Regularisation of Neural Networks by Enforcing Lipschitz Continuity, Machine Learning 2021 (the bound)',
    'PyTorch torch.nn.utils.spectral_norm (the same iteration) and its parametrization (15 iterations before the first step)',
  ],
});
