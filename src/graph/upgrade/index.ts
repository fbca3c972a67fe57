import { BallastError } from '../../errors.js';
import { IR_VERSION, OPSET } from '../builder.js';
import { freshNames } from '../format/fresh-names.js';
import { allGraphs, definedNames, mapSubgraphs } from '../format/subgraphs.js';
import type { Graph, Model, Node } from '../model.js';
import type { DataType, Tensor } from '../tensor.js';
import { cannotUpgrade, TOO_NEW, UPGRADE_RULES, type UpgradeContext } from './rules.js';

/** The oldest and the newest opset whose models are understood. */
export const OLDEST_OPSET = 7;
export const NEWEST_OPSET = 28;

/**
 * Rewrites a model of any opset from {@link OLDEST_OPSET} to {@link NEWEST_OPSET} for the opset that Ballast builds
 * graphs in, {@link OPSET}: attributes that became inputs, operators that were renamed, semantics that changed. What it
 * computes stays the same; names of inputs, outputs and initializers stay.
 *
 * @throws BallastError GRAPH_OPSET for an opset out of range, or a node that has no counterpart (named)
 */
export function upgrade(model: Model): Model {
  const opset = model.opsets.get('') ?? OPSET;
  if (opset < OLDEST_OPSET || opset > NEWEST_OPSET) {
    throw new BallastError(`the model is of opset ${opset}`, {
      code: 'GRAPH_OPSET',
      remedy: `Convert it to an opset from ${OLDEST_OPSET} to ${NEWEST_OPSET}; 21 is best`,
    });
  }
  const used = new Set<string>();
  for (const graph of allGraphs(model.graph)) for (const name of definedNames(graph)) used.add(name);
  const fresh = freshNames(used);
  const constants = new Map<string, Tensor>();
  const graph = upgradeGraph(model.graph, {
    opset,
    fresh,
    constant(data) {
      const name = fresh('upgrade');
      constants.set(name, data);
      return name;
    },
    typeOf: () => undefined,
    rankOf: () => undefined,
    tensorOf: () => undefined,
  });
  return {
    ...model,
    irVersion: Math.max(model.irVersion, IR_VERSION),
    opsets: new Map([...model.opsets].map(([domain, version]) => [domain, domain === '' ? OPSET : version])),
    graph: { ...graph, initializers: new Map([...graph.initializers, ...constants]) },
  };
}

function upgradeGraph(graph: Graph, outer: UpgradeContext): Graph {
  const context: UpgradeContext = { ...outer, ...knownTypes(graph, outer) };
  return {
    ...graph,
    nodes: graph.nodes.flatMap((node) =>
      upgradeNode(node, context).map((made) => mapSubgraphs(made, (inner) => upgradeGraph(inner, context))),
    ),
  };
}

function upgradeNode(node: Node, context: UpgradeContext): Node[] {
  if (node.domain === 'com.microsoft' && node.opType === 'Gelu') return [{ ...node, domain: '' }];
  if (node.domain !== '') return [node];
  if (TOO_NEW.has(node.opType)) throw cannotUpgrade(node, 'is newer than opset 21');
  return UPGRADE_RULES.get(node.opType)?.(node, context) ?? [node];
}

/** What a graph says of its values, and what the graphs around it say of theirs. */
function knownTypes(graph: Graph, outer: UpgradeContext): Pick<UpgradeContext, 'typeOf' | 'rankOf' | 'tensorOf'> {
  const types = new Map<string, { type: DataType; rank: number | undefined }>();
  for (const info of [...graph.inputs, ...graph.outputs, ...graph.valueInfo.values()]) {
    types.set(info.name, { type: info.type, rank: info.shape?.length });
  }
  const constants = new Map<string, Tensor>(graph.initializers);
  for (const { opType, domain, outputs, attributes } of graph.nodes) {
    const { value } = attributes;
    if (opType === 'Constant' && domain === '' && value?.kind === 'tensor') constants.set(outputs[0], value.value);
  }
  for (const [name, { type, shape }] of constants) types.set(name, { type, rank: shape.length });
  return {
    typeOf: (name) => types.get(name)?.type ?? outer.typeOf(name),
    rankOf: (name) => types.get(name)?.rank ?? outer.rankOf(name),
    tensorOf: (name) => constants.get(name) ?? outer.tensorOf(name),
  };
}
