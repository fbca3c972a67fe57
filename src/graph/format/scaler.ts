import type { Attribute, Graph, Model, Node } from '../model.js';
import { float32, type Tensor } from '../tensor.js';

/** The opset from which operators spread a row over rows. */
const BROADCASTS = 7;

/**
 * Turns scikit-learn's Scaler nodes of float32 rows into Sub and Mul, which compute the same and can be trained through, pruned and
 * quantized. (ai.onnx.ml: `Y = (X - offset) * scale`, each one value or one for each column.) In the main graph only.
 */
export function openScalers(model: Model): Model {
  const { graph, opsets } = model;
  if ((opsets.get('') ?? 0) < BROADCASTS) return model;
  const initializers = new Map(graph.initializers);
  const taken = new Set([...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap(({ outputs }) => outputs)]);
  const fresh = (wanted: string): string => {
    let name = wanted;
    for (let i = 1; taken.has(name) || initializers.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    return name;
  };
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const parts = partsOf(graph, node);
    if (parts === undefined) return [node];
    const { name, inputs, outputs } = node;
    const [offset, scale, centred] = ['offset', 'scale', 'centred'].map((part) => fresh(`${outputs[0]}/${part}`));
    initializers.set(offset, parts.offset).set(scale, parts.scale);
    const binary = (opType: string, a: string, b: string, output: string): Node => {
      return { name: `${name}/${opType}`, opType, domain: '', inputs: [a, b], outputs: [output], attributes: {} };
    };
    return [binary('Sub', inputs[0], offset, centred), binary('Mul', centred, scale, outputs[0])];
  });
  return { ...model, graph: { ...graph, nodes, initializers } };
}

function partsOf(graph: Graph, node: Node): { readonly offset: Tensor; readonly scale: Tensor } | undefined {
  if (node.opType !== 'Scaler' || node.domain !== 'ai.onnx.ml' || node.inputs.length !== 1) return undefined;
  const [input] = node.inputs;
  const type = graph.inputs.find(({ name }) => name === input)?.type ?? graph.valueInfo.get(input)?.type;
  const [offset, scale] = [rowOf(node.attributes.offset), rowOf(node.attributes.scale)];
  return type !== 'float32' || offset === undefined || scale === undefined ? undefined : { offset, scale };
}

function rowOf(attribute: Attribute | undefined): Tensor | undefined {
  if (attribute?.kind !== 'floats' || attribute.value.length === 0) return undefined;
  return float32([attribute.value.length], attribute.value);
}
