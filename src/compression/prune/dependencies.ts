import { neededNames } from '../../graph/format/subgraphs.js';
import type { Graph, Node } from '../../graph/model.js';
import type { Tensor } from '../../graph/tensor.js';
import { constantsOf } from '../graph/uses.js';
import { ELEMENTWISE } from './rules/elementwise.js';
import { PRODUCTS } from './rules/products.js';
import { REARRANGING } from './rules/rearranging.js';
import { type Rule, type RuleContext, staying } from './rules/rule.js';
import { type Axes, type Axis, Units } from './units.js';

const RULES: Readonly<Record<string, Rule>> = { ...ELEMENTWISE, ...PRODUCTS, ...REARRANGING };

/** What may be removed of a graph, and what has to go with what. */
export interface Dependencies {
  readonly units: Units;
  /** Axes of each value and initializer. */
  readonly axes: ReadonlyMap<string, Axes>;
  /** Axes of initializers that hold what a node makes (`NAME:AXIS`), not what it takes. */
  readonly makers: ReadonlySet<string>;
  /** Operators without a rule, at which everything stays. */
  readonly unknown: readonly string[];
}

/**
 * {@link analyse}, with the choice for every reshape that splits an axis into three or more which lets more be removed: its
 * first axis, or its second.
 */
export function dependenciesOf(graph: Graph, shapes: ReadonlyMap<string, readonly number[]>): Dependencies {
  const first = analyse(graph, shapes, new Set());
  const splits = graph.nodes.filter(
    ({ opType, outputs: [output] }) => opType === 'Reshape' && removableAxes(first, output) === 0,
  );
  if (splits.length === 0) return first;
  const second = analyse(graph, shapes, new Set(splits));
  const better = splits.filter(({ outputs: [output] }) => removableAxes(second, output) > 0);
  return better.length === 0 ? first : analyse(graph, shapes, new Set(better));
}

function removableAxes({ axes, units }: Dependencies, name: string): number {
  return (axes.get(name) ?? []).filter((axis) => axis?.some((unit) => units.removable(unit))).length;
}

/**
 * Finds what has to be removed together: walks the graph once and joins axes of values and weights, index by index, by a
 * rule for each operator. Inputs and outputs of the graph stay as they are, and so does whatever an operator without a
 * rule sees.
 *
 * @param shapes of all values on some rows
 * @param loseSecond reshapes whose second axis may lose some
 */
function analyse(
  graph: Graph,
  shapes: ReadonlyMap<string, readonly number[]>,
  loseSecond: ReadonlySet<Node>,
): Dependencies {
  const units = new Units();
  const axes = new Map<string, Axes>();
  const makers = new Set<string>();
  const unknown = new Set<string>();
  const constants = constantsOf(graph);
  for (const { name } of graph.inputs) axes.set(name, staying(shapes.get(name)?.length ?? 0));
  const axesOf = (name: string): Axes => {
    const known = axes.get(name);
    if (known !== undefined) return known;
    const made = initialAxes(constants.get(name), units, shapes.get(name)?.length ?? 0);
    axes.set(name, made);
    return made;
  };
  for (const node of graph.nodes) {
    const context = contextOf(node, { units, shapes, constants, axesOf, makers, loseSecond });
    const rule = node.domain === '' ? RULES[node.opType] : undefined;
    const shaped = [...node.inputs, ...node.outputs].every((name) => name === '' || shapes.has(name));
    const results = rule === undefined || !shaped ? undefined : rule(context);
    if (results === undefined) {
      unknown.add(node.domain === '' ? node.opType : `${node.domain}.${node.opType}`);
      for (const name of neededNames(node)) for (const axis of axesOf(name)) units.fix(axis);
    }
    node.outputs.forEach((name, i) => {
      if (name !== '') axes.set(name, results?.[i] ?? staying(shapes.get(name)?.length ?? 0));
    });
  }
  for (const { name } of graph.outputs) for (const axis of axesOf(name)) units.fix(axis);
  return { units, axes, makers, unknown: [...unknown] };
}

/** Each axis of a constant of floats by itself; numbers that are positions or sizes stay. */
function initialAxes(value: Tensor | undefined, units: Units, rank: number): Axis[] {
  if (value === undefined || !value.type.startsWith('float')) return staying(rank);
  return value.shape.map((extent) => units.axis(extent));
}

interface Known {
  readonly units: Units;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly constants: Graph['initializers'];
  readonly axesOf: (name: string) => Axes;
  readonly makers: Set<string>;
  readonly loseSecond: ReadonlySet<Node>;
}

function contextOf(node: Node, { units, shapes, constants, axesOf, makers, loseSecond }: Known): RuleContext {
  const nameOf = (index: number): string => node.inputs[index] ?? '';
  return {
    node,
    units,
    losing: loseSecond.has(node) ? 1 : 0,
    axes: (index) => (nameOf(index) === '' ? [] : axesOf(nameOf(index))),
    shape: (index) => shapes.get(nameOf(index)) ?? [],
    outputShape: (index) => shapes.get(node.outputs[index] ?? '') ?? [],
    constant: (index) => constants.get(nameOf(index)),
    makes: (index, axis) => {
      makers.add(`${nameOf(index)}:${axis}`);
    },
  };
}
