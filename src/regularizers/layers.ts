import type { Parameter } from './regularizer.js';

/** How many weighted layers these parameters make up. */
export function depthOf(parameters: readonly Parameter[]): number {
  return 1 + parameters.reduce((last, { layer = 0 }) => Math.max(last, layer), 0);
}
