import * as elementwise from './elementwise.js';
import * as linear from './linear.js';
import type { Operator } from './operator.js';
import * as reduction from './reduction.js';
import * as shape from './shape.js';

/** Operators of ONNX Runtime's own domain; all others are in the default one. */
const RUNTIME_OPERATORS = new Set(['FusedMatMul']);

const families: Readonly<Record<string, Readonly<Record<string, Operator>>>> = {
  elementwise,
  linear,
  reduction,
  shape,
};

const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  Object.values(families).flatMap((family) => Object.entries(family)),
);

/** The rule of an operator, or undefined. */
export function operatorOf(opType: string, domain = ''): Operator | undefined {
  const home = RUNTIME_OPERATORS.has(opType) ? 'com.microsoft' : '';
  return domain === home || (domain === 'ai.onnx' && home === '') ? OPERATORS.get(opType) : undefined;
}

/** Every operator with a rule, by family: what docs/operators.md is generated from. */
export function listOperators(): { opType: string; family: string; operator: Operator }[] {
  return Object.entries(families).flatMap(([family, operators]) =>
    Object.entries(operators).map(([opType, operator]) => ({ opType, family, operator })),
  );
}
