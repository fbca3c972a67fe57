import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { asMatrix, identityOf, isStructured } from '../matrix.js';
import { defineRegularizer } from '../regularizer.js';

/** ||M M' - I||_F^2 for the smaller of the two Gram matrices of m [rows, columns]. */
export function orthogonalityDefect(b: GraphBuilder, m: Value): Value {
  const [rows, columns] = m.shape;
  const gram = rows <= columns ? b.gemm(m, m, undefined, { transB: true }) : b.gemm(m, m, undefined, { transA: true });
  const defect = b.sub(gram, identityOf(b, Math.min(rows, columns), m.type));
  return b.reduceSum(b.mul(defect, defect));
}

export const orthogonality = defineRegularizer({
  type: 'orthogonality',
  title: 'Soft orthogonality',
  technique: 'T4',
  summary:
    "Adds lambda times the squared distance of each layer's Gram matrix from the identity, so that units do not repeat each other.",
  strength: { unit: 'coefficient lambda', default: 1e-3, range: [1e-6, 1], scale: 'log', limits: [0, 1000] },
  options: z.strictObject({}),
  hooks: {
    objective: ({ b, strength }, _options, weights) => {
      const defects = weights
        .filter(({ parameter }) => isStructured(parameter))
        .map(({ parameter, value }) => orthogonalityDefect(b, asMatrix(b, value, parameter)));
      return defects.length === 0 ? undefined : b.mul(defects.reduce(b.add), strength);
    },
  },
  cost: {
    training: 'two products of a weight matrix with itself a step: n^2 m multiplications for n units of m inputs',
    inference: 'none',
  },
  fails: [
    'It also pulls every singular value to 1, which fights weight decay and the output layer.',
    'Layers of a few thousand units: the Gram matrix costs as much as the layer at a small batch.',
  ],
  dataSize: 'A conditioning of the network more than a bound on capacity: little depends on the number of rows.',
  references: [
    'Bansal, Chen and Wang, Can We Gain More from Orthogonality Regularizations?, NeurIPS 2018 (SO)',
    'Brock et al., Neural Photo Editing with Introspective Adversarial Networks, ICLR 2017',
  ],
});
