import { normalize } from '../../graph/format/normalize.js';
import type { Model, Node } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { foldConstants } from './fold-constants.js';
import { shareDuplicates } from './share-duplicates.js';
import { withoutZeroStates } from './zero-states.js';

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
  /** Off for a model that is trained further: normalizations and dropout help training. */
  readonly foldNormalizations?: boolean;
}

/**
 * A model that computes the same with less: constants folded, batch normalizations folded into weights, equal constants
 * stored once, dead code, Identity, idle Dropout, repeated Relu and first states of 0 gone, Constant nodes initializers. Names
 * of inputs and outputs stay.
 */
export async function cleanUp(
  runtime: Runtime,
  given: Model,
  { foldNormalizations = true }: CleanUpOptions = {},
): Promise<{ model: Model; report: CleanUp }> {
  const nodesBefore = given.graph.nodes.length;
  const single = withoutRepeats(given);
  const plain = withoutZeroStates(fixDefaults(normalize(foldNormalizations ? withoutDropout(single) : single)));
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

/**
 * A Relu of a Relu, as stands there where the layer between was dropped, copies its input. ONNX Runtime fuses a quantized layer with
 * both, and then rejects the model for having it twice.
 */
function withoutRepeats(model: Model): Model {
  const isRelu = ({ opType, domain }: Node): boolean => opType === 'Relu' && domain === '';
  const made = new Set(model.graph.nodes.filter(isRelu).flatMap(({ outputs }) => outputs));
  const nodes = model.graph.nodes.map(
    (node): Node => (isRelu(node) && made.has(node.inputs[0]) ? { ...node, opType: 'Identity' } : node),
  );
  return { ...model, graph: { ...model.graph, nodes } };
}

/** Dropout that does not train copies its input. */
function withoutDropout(model: Model): Model {
  const nodes = model.graph.nodes.map((node): Node => {
    const [x, , training = ''] = node.inputs;
    const idle = training === '' && (node.outputs[1] ?? '') === '';
    if (node.opType !== 'Dropout' || node.domain !== '' || !idle) return node;
    return { ...node, opType: 'Identity', inputs: [x], outputs: [node.outputs[0]], attributes: {} };
  });
  return { ...model, graph: { ...model.graph, nodes } };
}

function fixDefaults(model: Model): Model {
  const { graph } = model;
  return { ...model, graph: { ...graph, inputs: graph.inputs.filter(({ name }) => !graph.initializers.has(name)) } };
}
