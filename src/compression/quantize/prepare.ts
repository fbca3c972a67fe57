import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { upgrade } from '../../graph/upgrade/index.js';
import { type CleanUp, type CleanUpOptions, cleanUp } from '../clean/clean-up.js';

export interface PrepareOptions extends CleanUpOptions {
  /** Off for conversions that any opset has the operators for: the model then changes as little as possible. */
  readonly upgradeOpset?: boolean;
}

/**
 * A model as conversions take it: clean, and of Ballast's opset, where scales along an axis exist. Nodes without a name
 * have one, so that they can be told of.
 *
 * @throws BallastError GRAPH_OPSET naming the node that has no counterpart
 */
export async function prepareModel(
  runtime: Runtime,
  model: Model,
  { upgradeOpset = true, ...options }: PrepareOptions = {},
): Promise<{ model: Model; report: CleanUp }> {
  const cleaned = await cleanUp(runtime, model, options);
  if (!upgradeOpset) return { ...cleaned, model: named(cleaned.model) };
  // Upgrading turns attributes into constants, of which some are equal, and some nodes have only constants then.
  const again = await cleanUp(runtime, upgrade(cleaned.model), options);
  return {
    model: named(again.model),
    report: { ...cleaned.report, nodesAfter: again.report.nodesAfter },
  };
}

function named(model: Model): Model {
  const taken = new Set(model.graph.nodes.map(({ name }) => name));
  const seen = new Set<string>();
  const nodes = model.graph.nodes.map((node, index) => {
    let { name } = node;
    if (name === '' || seen.has(name)) {
      name = `${node.opType}_${index}`;
      while (taken.has(name)) name += '_';
      taken.add(name);
    }
    seen.add(name);
    return name === node.name ? node : { ...node, name };
  });
  return { ...model, graph: { ...model.graph, nodes } };
}
