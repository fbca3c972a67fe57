import { normalize } from '../../graph/format/normalize.js';
import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { foldConstants } from './fold-constants.js';
import { shareDuplicates } from './share-duplicates.js';

/** What a clean-up did to a model. */
export interface CleanUp {
  readonly nodesBefore: number;
  readonly nodesAfter: number;
  /** Nodes that were computed once and for all. */
  readonly foldedConstants: number;
  /** Batch normalizations that are part of the weights before them now. */
  readonly foldedNormalizations: number;
  /** Inputs that had a default (weights, as old exporters write them) and are constants now. */
  readonly fixedDefaults: number;
  /** Constants that were stored more than once. */
  readonly sharedConstants: number;
}

export interface CleanUpOptions {
  /** Off for a model that is trained further: normalizations help training. */
  readonly foldNormalizations?: boolean;
}

/**
 * A model that computes the same with less: constants folded, batch normalizations folded into weights, equal constants
 * stored once, dead code and Identity gone, Constant nodes initializers. Names of inputs and outputs stay.
 */
export async function cleanUp(
  runtime: Runtime,
  given: Model,
  { foldNormalizations = true }: CleanUpOptions = {},
): Promise<{ model: Model; report: CleanUp }> {
  const nodesBefore = given.graph.nodes.length;
  const plain = fixDefaults(normalize(given));
  const constant = await foldConstants(runtime, plain);
  const normalized = foldNormalizations ? foldBatchNorm(constant.model) : { model: constant.model, folded: 0 };
  const { graph, shared } = shareDuplicates(normalized.model.graph);
  return {
    model: { ...normalized.model, graph },
    report: {
      nodesBefore,
      nodesAfter: graph.nodes.length,
      foldedConstants: constant.folded,
      foldedNormalizations: normalized.folded,
      fixedDefaults: given.graph.inputs.length - graph.inputs.length,
      sharedConstants: shared,
    },
  };
}

function fixDefaults(model: Model): Model {
  const { graph } = model;
  return { ...model, graph: { ...graph, inputs: graph.inputs.filter(({ name }) => !graph.initializers.has(name)) } };
}
