import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { asMatrix, identityOf, isStructured } from '../matrix.js';
import { defineRegularizer } from '../regularizer.js';

/** Steps of the coupled iteration: enough for singular values down to a hundredth of the largest. */
const ITERATIONS = 18;
/** Share of ||A||_F that is added to the diagonal of the Gram matrix A: a root has no slope at zero. */
const SMOOTHING = 1e-4;

/**
 * The smoothed nuclear norm of m [rows, columns], tr((M M' + e I)^(1/2)) with e = {@link SMOOTHING} ||M M'||_F, by the
 * coupled Newton-Schulz iteration (Higham, 2008, section 6.7), which needs products only. It gives the inverse root as
 * well, with which the gradient is (M M' + e I)^(-1/2) M but for the part of e, whatever way the root was found.
 */
export function smoothNuclearNorm(b: GraphBuilder, m: Value): Value {
  const [rows, columns] = m.shape;
  const wide = rows <= columns;
  const n = Math.min(rows, columns);
  let parts: { readonly inverseRoot: Value; readonly raw: Value; readonly scale: Value } | undefined;
  const [norm] = b.composite(
    'nuclear-norm',
    [m],
    () => {
      const identity = identityOf(b, n, m.type);
      const raw = wide ? b.gemm(m, m, undefined, { transB: true }) : b.gemm(m, m, undefined, { transA: true });
      const scale = b.maximum(b.sqrt(b.reduceSum(b.mul(raw, raw))), 1e-20);
      // A / ||A|| + e I, whose eigenvalues lie in (0, 1 + e].
      const gram = b.add(b.div(raw, scale), b.mul(identity, SMOOTHING));
      let y = gram;
      let z: Value = identity;
      for (let i = 0; i < ITERATIONS; i++) {
        const t = b.mul(b.sub(b.mul(identity, 3), b.matMul(z, y)), 0.5);
        [y, z] = [b.matMul(y, t), b.matMul(t, z)];
      }
      const root = b.sqrt(scale);
      parts = { inverseRoot: b.div(z, root), raw, scale };
      return [b.mul(b.reduceSum(b.mul(y, identity)), root)];
    },
    ([g]) => {
      if (g === undefined || parts === undefined) return [undefined];
      const { inverseRoot, raw, scale } = parts;
      // e = SMOOTHING * ||A||_F moves with m as well: de = SMOOTHING * 2 A m / ||A||_F, times tr(root^-1) / 2.
      const trace = b.reduceSum(b.mul(inverseRoot, identityOf(b, n, m.type)));
      const inner = b.add(inverseRoot, b.mul(raw, b.mul(b.div(trace, scale), SMOOTHING)));
      return [b.mul(wide ? b.matMul(inner, m) : b.matMul(m, inner), g)];
    },
  );
  return norm;
}

export const nuclearNorm = defineRegularizer({
  type: 'nuclear-norm',
  title: 'Nuclear norm',
  technique: 'T4',
  summary: 'Adds lambda times the sum of the singular values of each weight matrix, so that layers tend to low rank.',
  strength: { unit: 'coefficient lambda', default: 1e-3, range: [1e-5, 1], scale: 'log', limits: [0, 1000] },
  options: z.strictObject({}),
  hooks: {
    objective: ({ b, strength }, _options, weights) => {
      const norms = weights
        .filter(({ parameter }) => isStructured(parameter))
        .map(({ parameter, value }) => smoothNuclearNorm(b, asMatrix(b, value, parameter)));
      return norms.length === 0 ? undefined : b.mul(norms.reduce(b.add), strength);
    },
  },
  cost: {
    training: `${3 * ITERATIONS} products of n x n matrices a layer and step, n the smaller of units and inputs`,
    inference: 'none; a layer of low rank can be factorized',
  },
  fails: [
    'Singular values become small, not exactly zero: the norm is smoothed, and plain gradient steps are taken.',
    'Layers of more than a few hundred units: the iteration costs more than the layer.',
  ],
  dataSize: 'Helps where the true map is of low rank and rows are few.',
  references: [
    'Fazel, Matrix Rank Minimization with Applications, 2002',
    'Higham, Functions of Matrices, SIAM 2008, section 6.7 (coupled Newton-Schulz)',
  ],
});
