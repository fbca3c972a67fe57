import { neededNames } from '../../graph/format/subgraphs.js';
import type { Graph, Node } from '../../graph/model.js';
import { toNumbers } from '../../graph/operators/operator.js';
import type { Tensor } from '../../graph/tensor.js';
import { constantsOf } from '../graph/uses.js';
import { Lengths } from './lengths.js';
import { ELEMENTWISE } from './rules/elementwise.js';
import { PRODUCTS } from './rules/products.js';
import { REARRANGING } from './rules/rearranging.js';
import { RECURRENT } from './rules/recurrent.js';
import { type Rule, type RuleContext, staying } from './rules/rule.js';
import type { Sizes } from './shapes.js';
import { type Axes, type Axis, Units } from './units.js';

const RULES: Readonly<Record<string, Rule>> = { ...ELEMENTWISE, ...PRODUCTS, ...REARRANGING, ...RECURRENT };

/** What may be removed of a graph, and what has to go with what. */
export interface Dependencies {
  readonly units: Units;
  /** Axes of each value and initializer. */
  readonly axes: ReadonlyMap<string, Axes>;
  /** Units along axes of weights that hold what a node makes, not what it takes. */
  readonly makers: ReadonlySet<number>;
  readonly sizes: Sizes;
  /** Operators without a rule, at which everything stays. */
  readonly unknown: readonly string[];
  /** Reshapes that split an axis at a choice. */
  readonly choosing: readonly Node[];
}

/** How often other choices are tried; each reshape has three at most. */
const MOST_TRIES = 6;

/**
 * {@link analyse}, with the choice for every reshape that splits an axis which lets more be removed: the first axis that it is
 * split into, or else the second, or the third. Those change first whose choice is read by position (query, key and value in
 * one): others may be held by them alone.
 */
export function dependenciesOf(graph: Graph, sizes: Sizes): Dependencies {
  const losing = new Map<Node, number>();
  let found = analyse(graph, sizes, losing);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const fixed = found.choosing.filter(
      (node) => removableAxes(found, node.outputs[0]) === 0 && (losing.get(node) ?? 0) < 2,
    );
    if (fixed.length === 0) break;
    const read = fixed.filter(({ outputs: [output] }) =>
      found.axes.get(output)?.some((axis) => found.units.wasRead(axis)),
    );
    for (const node of read.length > 0 ? read : fixed) losing.set(node, (losing.get(node) ?? 0) + 1);
    found = analyse(graph, sizes, losing);
  }
  return found;
}

function removableAxes({ axes, units }: Dependencies, name: string): number {
  return (axes.get(name) ?? []).filter((axis) => axis?.some((unit) => units.removable(unit))).length;
}

/**
 * Finds what has to be removed together: walks the graph once and joins axes of values and weights, index by index, by a
 * rule for each operator. Inputs and outputs of the graph stay as they are, and so does whatever an operator without a
 * rule sees.
 *
 * @param losing which of the axes that a reshape splits one into may lose some, where that is not the first
 */
function analyse(graph: Graph, sizes: Sizes, losing: ReadonlyMap<Node, number>): Dependencies {
  const { shapes } = sizes;
  const units = new Units();
  const axes = new Map<string, Axes>();
  const makers = new Set<number>();
  const unknown = new Set<string>();
  const constants = constantsOf(graph);
  const choosing: Node[] = [];
  const lengths = new Lengths(units, sizes);
  for (const { name } of graph.inputs) axes.set(name, staying(shapes.get(name)?.length ?? 0));
  const axesOf = (name: string): Axes => {
    const known = axes.get(name);
    if (known !== undefined) return known;
    const made = initialAxes(constants.get(name), units, shapes.get(name)?.length ?? 0);
    axes.set(name, made);
    return made;
  };
  for (const node of graph.nodes) {
    const context = contextOf(node, { units, sizes, constants, axesOf, makers, losing, choosing });
    const rule = node.domain === '' ? RULES[node.opType] : undefined;
    const shaped = [...node.inputs, ...node.outputs].every((name) => name === '' || shapes.has(name));
    const results = rule === undefined || !shaped ? undefined : rule(context);
    if (results === undefined) {
      unknown.add(node.domain === '' ? node.opType : `${node.domain}.${node.opType}`);
      for (const name of neededNames(node)) for (const axis of axesOf(name)) units.fix(axis);
    }
    lengths.follow(node, axesOf);
    node.outputs.forEach((name, i) => {
      if (name !== '') axes.set(name, results?.[i] ?? staying(shapes.get(name)?.length ?? 0));
    });
  }
  for (const { name } of graph.outputs) for (const axis of axesOf(name)) units.fix(axis);
  return { units, axes, makers, sizes, unknown: [...unknown], choosing };
}

/** Each axis of a constant of floats by itself; numbers that are positions or sizes stay. */
function initialAxes(value: Tensor | undefined, units: Units, rank: number): Axis[] {
  if (value === undefined || !value.type.startsWith('float')) return staying(rank);
  return value.shape.map((extent) => units.axis(extent));
}

interface Known {
  readonly units: Units;
  readonly sizes: Sizes;
  readonly constants: Graph['initializers'];
  readonly axesOf: (name: string) => Axes;
  readonly makers: Set<number>;
  readonly losing: ReadonlyMap<Node, number>;
  readonly choosing: Node[];
}

function contextOf(
  node: Node,
  { units, sizes: { shapes, integers }, constants, axesOf, makers, losing, choosing }: Known,
): RuleContext {
  const nameOf = (index: number): string => node.inputs[index] ?? '';
  return {
    node,
    units,
    losing: losing.get(node) ?? 0,
    chooses: () => {
      choosing.push(node);
    },
    axes: (index) => (nameOf(index) === '' ? [] : axesOf(nameOf(index))),
    shape: (index) => shapes.get(nameOf(index)) ?? [],
    outputShape: (index) => shapes.get(node.outputs[index] ?? '') ?? [],
    constant: (index) => constants.get(nameOf(index)),
    integers: (index) => {
      const value = integers.get(nameOf(index));
      return value === undefined ? undefined : toNumbers(value);
    },
    makes: (index, axis) => {
      for (const unit of axesOf(nameOf(index))[axis] ?? []) makers.add(unit);
    },
  };
}
