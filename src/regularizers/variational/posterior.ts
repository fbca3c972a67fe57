import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import type { Layer } from '../context.js';

/**
 * The divergence of N(mu, sigma^2) from the prior N(0, prior^2), summed over weights, in nats:
 *
 *     KL = sum log(prior / sigma) + (sigma^2 + mu^2) / (2 prior^2) - 1/2
 *
 * @param logSigma log(sigma)
 */
export function divergence(b: GraphBuilder, mu: Value, logSigma: Value, prior: number): Value {
  const variance = b.exp(b.mul(logSigma, 2));
  const squares = b.mul(b.add(variance, b.mul(mu, mu)), 1 / (2 * prior * prior));
  const each = b.sub(squares, logSigma);
  return b.reduceSum(b.add(each, Math.log(prior) - 0.5));
}

/** Below this variance of an output its root bends too sharply for float32: where all inputs are 0. */
const NO_VARIANCE = 1e-10;

/**
 * The output of a layer whose weights are N(mu, sigma^2), drawn directly (Kingma, Salimans and Welling 2015): mean x mu, variance
 * x^2 sigma^2, a number of its own for every row and unit.
 *
 * @param noise standard normal, of the output's shape
 */
export function drawnOutput(
  b: GraphBuilder,
  { input, output, product }: Pick<Layer, 'input' | 'output' | 'product'>,
  sigma: Value,
  noise: Operand,
): Value {
  const variance = product(b.mul(input, input), b.mul(sigma, sigma));
  return b.add(output, b.mul(b.sqrt(b.add(variance, NO_VARIANCE)), noise));
}
