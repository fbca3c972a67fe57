import type { OperatorCase } from './case.js';
import { elementwiseCases } from './elementwise-cases.js';
import { goldenCases } from './goldens.js';
import { layerCases } from './layer-cases.js';
import { productCases } from './product-cases.js';
import { reductionCases } from './reduction-cases.js';
import { shapeCases } from './shape-cases.js';

/** Every case of every operator. */
export const operatorCases: readonly OperatorCase[] = [
  ...elementwiseCases,
  ...productCases,
  ...reductionCases,
  ...shapeCases,
  ...layerCases,
  ...goldenCases,
];
