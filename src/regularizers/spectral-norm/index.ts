import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { derive } from '../../numeric/random.js';
import { asMatrix, isStructured } from '../matrix.js';
import { defineRegularizer, type Parameter } from '../regularizer.js';

/**
 * The largest singular value of m [rows, columns] by one step of power iteration from u [rows]; u and v are held fast, so
 * that its gradient is u v'.
 */
export function spectralNormOf(b: GraphBuilder, m: Value, u: Value): { sigma: Value; u: Value } {
  const [rows, columns] = m.shape;
  const unit = (x: Value): Value => b.div(x, b.maximum(b.sqrt(b.reduceSum(b.mul(x, x))), 1e-12));
  const vectors = b.detached(() => {
    const v = unit(b.matMul(b.reshape(u, [1, rows]), m));
    return { v, u: unit(b.matMul(m, b.reshape(v, [columns, 1]))) };
  });
  const image = b.matMul(m, b.reshape(vectors.v, [columns, 1]));
  return { sigma: b.reduceSum(b.mul(image, vectors.u)), u: b.detached(() => b.reshape(vectors.u, [rows])) };
}

const inverse = (value: number): number => Number((1 / value).toPrecision(12));

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
    range: [inverse(10), 1],
    scale: 'log',
    limits: [0, 1e6],
    inverse: { option: 'bound', toStrength: inverse, toOption: inverse },
  },
  options: z.strictObject({
    bound: z.number().gt(0).default(1).describe('Largest singular value that a layer may have; smaller is stronger'),
  }),
  hooks: {
    state: ({ parameters, seed }) =>
      parameters.filter(isStructured).map((parameter) => {
        const rows = parameter.shape[parameter.unitAxis ?? 0];
        const stream = derive(seed, 'spectral-norm', parameter.name);
        const initial = Float32Array.from({ length: rows }, () => stream.normal());
        const norm = Math.hypot(...initial) || 1;
        return {
          name: label(parameter),
          shape: [rows],
          initial: initial.map((value) => value / norm),
          writer: 'graph' as const,
        };
      }),
    weight: ({ b, strength, own, next, phase }, _options, { parameter, value }) => {
      if (!isStructured(parameter)) return value;
      const { sigma, u } = spectralNormOf(b, asMatrix(b, value, parameter), own(label(parameter)));
      if (phase === 'training') next(label(parameter), u);
      return b.mul(value, b.reciprocal(b.maximum(b.mul(sigma, strength), 1)));
    },
  },
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
    'PyTorch torch.nn.utils.parametrizations.spectral_norm',
  ],
});
