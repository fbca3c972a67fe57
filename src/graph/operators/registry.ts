import * as activation from './activation.js';
import * as convolution from './convolution.js';
import * as einsum from './einsum.js';
import * as elementwise from './elementwise.js';
import * as indexing from './indexing.js';
import * as linear from './linear.js';
import * as loss from './loss.js';
import * as normalization from './normalization.js';
import type { Operator } from './operator.js';
import * as padding from './padding.js';
import * as passing from './passing.js';
import * as pooling from './pooling.js';
import * as rearrange from './rearrange.js';
import * as recurrent from './recurrent.js';
import * as reduction from './reduction.js';
import * as resize from './resize.js';
import * as shape from './shape.js';

/** Operators of ONNX Runtime's own domain; all others are in the default one. */
const RUNTIME_OPERATORS = new Set(['FusedMatMul', 'QuickGelu', 'FastGelu', 'BiasGelu']);

const families: Readonly<Record<string, Readonly<Record<string, Operator>>>> = {
  arithmetic: elementwise,
  activation,
  'matrix product': { ...linear, ...einsum },
  convolution,
  pooling,
  normalization,
  loss,
  reduction,
  shape: { ...shape, ...passing },
  indexing: { ...indexing, ...padding },
  rearrangement: { ...rearrange, ...resize },
  recurrent,
};

const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  Object.values(families).flatMap((family) => Object.entries(family)),
);

const domainOf = (opType: string): string => (RUNTIME_OPERATORS.has(opType) ? 'com.microsoft' : '');

/** The rule of an operator, or undefined. */
export function operatorOf(opType: string, domain = ''): Operator | undefined {
  return (domain === 'ai.onnx' ? '' : domain) === domainOf(opType) ? OPERATORS.get(opType) : undefined;
}

export interface ListedOperator {
  readonly opType: string;
  readonly domain: string;
  readonly family: string;
  readonly operator: Operator;
}

/** Every operator with a rule, by family: what docs/operators.md is generated from. */
export function listOperators(): ListedOperator[] {
  return Object.entries(families).flatMap(([family, operators]) =>
    Object.entries(operators).map(([opType, operator]) => ({ opType, domain: domainOf(opType), family, operator })),
  );
}

/** Why some operators can have no rule. */
const NO_RULE: Readonly<Record<string, string>> = {
  Loop: 'repeats a subgraph',
  Scan: 'repeats a subgraph',
  If: 'has no branch to take',
  ...Object.fromEntries(
    ['NonMaxSuppression', 'Unique', 'Compress', 'StringSplit'].map((opType) => [
      opType,
      'gives a result whose shape depends on data',
    ]),
  ),
};

/** What an error says of an operator without a rule. */
export function whyWithoutRule(opType: string, domain: string): string {
  const reason = domain === '' ? NO_RULE[opType] : undefined;
  const name = domain === '' ? opType : `${domain}.${opType}`;
  return reason === undefined ? `operator ${name} has no rule` : `operator ${name} ${reason}, so that it has no rule`;
}
