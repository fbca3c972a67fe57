import type { Conflict } from './regularizer.js';

const WEIGHTED = new Set(['MatMul', 'Gemm', 'Conv', 'ConvTranspose', 'FusedMatMul']);

/** Whether a normalization follows a weighted layer at once (a bias may stand between): the scale of its weights is then undone. */
function rescalesWeights(operators: readonly string[]): boolean {
  return operators.some((operator, i) => {
    if (!WEIGHTED.has(operator)) return false;
    const next = operators[i + 1] === 'Add' ? operators[i + 2] : operators[i + 1];
    return next?.endsWith('Normalization') === true;
  });
}

/** The warning of regularizers that bound or shrink the scale of weights. */
export function undoneByNormalization(type: string, operators: readonly string[]): Conflict[] {
  if (!rescalesWeights(operators)) return [];
  return [
    {
      code: `${type.toUpperCase().replaceAll('-', '_')}_BEFORE_NORMALIZATION`,
      severity: 'warning',
      message: `a normalization follows weights at once and undoes what ${type} does to their scale`,
      remedy: `Leave ${type} out, or the normalization`,
    },
  ];
}
